//! The JSON of nodes and forms, and what can be done to a form.

use serde_json::{Value, json};

use super::*;

fn json_of(node: impl Into<Node>) -> Value {
    serde_json::to_value(node.into()).unwrap()
}

#[test]
fn an_input_as_clients_read_it() {
    let node = password_input("password")
        .group(Group::Password)
        .required()
        .autocomplete(Autocomplete::CurrentPassword)
        .label(text::password_label());
    let expected = json!({
        "type": "input", "group": "password",
        "attributes": {"name": "password", "type": "password", "required": true,
            "autocomplete": "current-password", "disabled": false, "node_type": "input"},
        "messages": [],
        "meta": {"label": {"id": 1_070_001, "text": "Password", "type": "info"}}
    });
    assert_eq!(json_of(node), expected);
}

#[test]
fn an_empty_value_is_a_value_and_a_missing_one_is_absent() {
    assert_eq!(
        json_of(text_input("identifier").value(""))["attributes"]["value"],
        json!("")
    );
    assert_eq!(
        json_of(text_input("a").value(false))["attributes"]["value"],
        json!(false)
    );
    assert!(
        json_of(text_input("identifier"))["attributes"]
            .get("value")
            .is_none()
    );
    assert!(
        json_of(text_input("a").value(Value::Null))["attributes"]
            .get("value")
            .is_none()
    );
    let bare = json!({"name": "a", "type": "text", "disabled": false, "node_type": "input"});
    assert_eq!(json_of(text_input("a"))["attributes"], bare);
    assert_eq!(json_of(text_input("a"))["meta"], json!({}));
}

#[test]
fn every_input_attribute_has_its_name() {
    let node = button("trigger")
        .onclick(
            Some("window.oryPasskeyLogin()".into()),
            Trigger::PasskeyLogin,
        )
        .onload(None, Trigger::PasskeyLoginAutocompleteInit)
        .autocomplete(Autocomplete::UsernameWebauthn)
        .maxlength(6)
        .pattern("[0-9]+")
        .options([json!("a"), json!(2)])
        .disabled();
    let expected = json!({
        "name": "trigger", "type": "button", "disabled": true, "node_type": "input",
        "onclick": "window.oryPasskeyLogin()", "onclickTrigger": "oryPasskeyLogin",
        "onloadTrigger": "oryPasskeyLoginAutocompleteInit", "autocomplete": "username webauthn",
        "maxlength": 6, "pattern": "[0-9]+", "options": [{"value": "a"}, {"value": 2}]
    });
    assert_eq!(json_of(node)["attributes"], expected);
}

#[test]
fn the_other_kinds() {
    let label = text::continue_label();
    let label_json = serde_json::to_value(&label).unwrap();
    let cases = [
        (
            image("totp_qr", "data:,", (256, 256)),
            json!({"src": "data:,", "id": "totp_qr", "width": 256, "height": 256}),
        ),
        (
            anchor("continue", "https://x", label.clone()),
            json!({"href": "https://x", "title": label_json, "id": "continue"}),
        ),
        (
            text_node("codes", label),
            json!({"text": label_json, "id": "codes"}),
        ),
        (
            script("webauthn_script", "https://x/w.js", "sha512-abc", "n-1"),
            json!({"src": "https://x/w.js", "async": true, "referrerpolicy": "no-referrer", "crossorigin": "anonymous",
                "integrity": "sha512-abc", "type": "text/javascript", "id": "webauthn_script", "nonce": "n-1"}),
        ),
    ];
    for ((node, mut expected), kind) in cases.into_iter().zip(["img", "a", "text", "script"]) {
        expected["node_type"] = kind.into();
        let json = serde_json::to_value(&node).unwrap();
        assert_eq!(
            (&json["attributes"], &json["type"]),
            (&expected, &json!(kind))
        );
        assert_eq!(serde_json::from_value::<Node>(json).unwrap(), node);
    }
}

#[test]
fn enums_are_spelt_as_in_kratos() {
    use node::{Autocomplete as A, Group as G, InputType as I};
    let groups = [
        (G::Default, "default"),
        (G::Oidc, "oidc"),
        (G::LookupSecret, "lookup_secret"),
        (G::Webauthn, "webauthn"),
        (G::IdentifierFirst, "identifier_first"),
        (G::Deviceauthn, "deviceauthn"),
    ];
    for (group, name) in groups {
        assert_eq!(serde_json::to_value(group).unwrap(), name);
    }
    assert_eq!(
        serde_json::to_value(I::DatetimeLocal).unwrap(),
        "datetime-local"
    );
    assert_eq!(
        serde_json::to_value(A::OneTimeCode).unwrap(),
        "one-time-code"
    );
    assert_eq!(
        serde_json::to_value(A::NewPassword).unwrap(),
        "new-password"
    );
}

#[test]
fn a_form_reads_back_as_it_was_stored() {
    let mut ui = Ui::new("https://x/self-service/login?flow=1");
    ui.push(csrf_token(""))
        .push(
            text_input("identifier")
                .required()
                .value("")
                .label(text::identifier(None)),
        )
        .push(script("s", "https://x", "sha512-", "n").group(Group::Webauthn))
        .complain(Some("identifier"), text::required("identifier"))
        .complain(None, text::wrong_credentials());
    let stored = serde_json::to_string(&ui).unwrap();
    assert_eq!(serde_json::from_str::<Ui>(&stored).unwrap(), ui);
}

#[test]
fn messages_of_the_form_are_omitted_when_there_are_none() {
    let mut ui = Ui::new("https://x");
    assert_eq!(
        serde_json::to_value(&ui).unwrap(),
        json!({"action": "https://x", "method": "POST", "nodes": []})
    );
    ui.complain(None, text::wrong_credentials());
    assert_eq!(
        serde_json::to_value(&ui).unwrap()["messages"][0]["id"],
        4_000_006
    );
    ui.complain(Some(""), text::no_method());
    assert_eq!(ui.messages.len(), 2);
}

#[test]
fn a_message_for_an_unknown_name_gets_a_node() {
    let mut ui = Ui::new("https://x");
    ui.complain(Some("traits.nope"), text::schema_violation("no"));
    let node = serde_json::to_value(&ui.nodes[0]).unwrap();
    let bare =
        json!({"name": "traits.nope", "type": "text", "disabled": false, "node_type": "input"});
    assert_eq!(
        (&node["group"], &node["attributes"]),
        (&json!("default"), &bare)
    );
    ui.complain(Some("traits.nope"), text::schema_violation("still no"));
    assert_eq!((ui.nodes.len(), ui.nodes[0].messages.len()), (1, 2));
    ui.clear_messages();
    assert!(ui.messages.is_empty() && ui.nodes[0].messages.is_empty());
}

#[test]
fn nodes_are_found_replaced_and_removed_by_id() {
    let mut ui = Ui::new("https://x");
    ui.push(hidden("method", "code"))
        .push(text_input("code"))
        .push(submit("method", "code"));
    assert_eq!(
        ui.find("method").unwrap().input().unwrap().kind,
        InputType::Hidden
    );
    ui.upsert(password_input("code")).upsert(text_input("new"));
    assert_eq!(
        ui.nodes.iter().map(Node::id).collect::<Vec<_>>(),
        ["method", "code", "method", "new"]
    );
    assert_eq!(ui.nodes[1].input().unwrap().kind, InputType::Password);
    assert!(ui.set_value("new", json!(1)) && !ui.set_value("nope", json!(1)));
    assert_eq!(
        ui.find("new").unwrap().input().unwrap().value,
        Some(json!(1))
    );
    assert!(ui.set_value("new", Value::Null));
    assert_eq!(ui.find("new").unwrap().input().unwrap().value, None);
    ui.remove("method");
    assert_eq!(
        ui.nodes.iter().map(Node::id).collect::<Vec<_>>(),
        ["code", "new"]
    );
    ui.push(image("qr", "data:,", (1, 1)));
    assert!(!ui.set_value("qr", json!("x")));
}
