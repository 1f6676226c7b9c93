//! `insula identities` and `insula keys`, and what is said to those whose key does not suffice.

use serde_json::{Value, json};

use crate::{
    Ended, Place,
    place::{Scratch, insula},
};

fn people<'a>(what: &[&'a str]) -> Vec<&'a str> {
    [&["identities"], what, &["--project", "shop"]].concat()
}

pub(crate) fn people_are_made_found_and_deleted(place: &Place) {
    let create = people(&[
        "create",
        "--traits",
        r#"{"email": "ada@example.org"}"#,
        "--password-stdin",
        "--json",
    ]);
    let made = place
        .with_input("seven-lazy-otters\n", &create)
        .with(0, &[]);
    assert!(
        !made.out.contains("otters") && !made.out.contains("argon2"),
        "{}",
        made.out
    );
    let ada: Value = serde_json::from_str(&made.out).unwrap();
    let id = ada["id"].as_str().unwrap();
    place.write("eve.yml", "email: eve@example.org\n");
    place
        .run(&people(&[
            "create",
            "--traits",
            "@eve.yml",
            "--external-id",
            "e1",
        ]))
        .with(0, &[]);
    place.write(
        "bob.json",
        r#"{"traits": {"email": "bob@example.org"}, "state": "inactive"}"#,
    );
    place
        .run(&people(&["create", "--file", "bob.json"]))
        .with(0, &[]);
    let again = people(&["create", "--traits", r#"{"email": "ada@example.org"}"#]);
    place.run(&again).with(1, &["409", "--identifier"]);
    place
        .run(&people(&["create", "--traits", "ada"]))
        .with(2, &["@FILE"]);
    place
        .run(&people(&["create", "--traits", "{}", "--schema", "no"]))
        .with(1, &["no identity schema"]);
    assert!(
        place
            .with_input("\n", &create)
            .with(2, &["no password"])
            .out
            .is_empty()
    );

    people_are_listed(place, &ada);
    place.run(&people(&["delete", id])).with(2, &["--yes"]);
    assert_eq!(
        place.json(&people(&["delete", id, "--yes"])),
        json!({"id": id})
    );
    place.run(&people(&["get", id])).with(4, &[]);
    place.run(&people(&["delete", id, "--yes"])).with(4, &[]);
}

/// Three of them; `ada` is one.
fn people_are_listed(place: &Place, ada: &Value) {
    let id = ada["id"].as_str().unwrap();
    let page = place.json(&people(&["list", "--first", "2"]));
    assert_eq!(page["identities"].as_array().unwrap().len(), 2);
    let rest = place.json(&people(&[
        "list",
        "--after",
        page["next"].as_str().unwrap(),
    ]));
    assert_eq!(rest["identities"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next"], Value::Null);
    let all = place.json(&people(&["list", "--all"]));
    assert_eq!(all["identities"].as_array().unwrap().len(), 3);
    let table = place.out(&people(&["list"]));
    assert!(
        table.contains("ada@example.org") && table.contains("inactive"),
        "{table}"
    );
    let found = place.json(&people(&["list", "--identifier", "ADA@example.org"]));
    assert_eq!(found["identities"][0]["id"], id);
    let got: Value = serde_json::from_str(&place.out(&people(&["get", id]))).unwrap();
    assert_eq!(got["traits"], ada["traits"]);
    place
        .run(&["identities", "list"])
        .with(2, &["--project or INSULA_PROJECT"]);
    place
        .run(&["identities", "list", "--project", "shap"])
        .with(4, &[]);
    // A slug is no way to another path.
    place
        .run(&["identities", "list", "--project", "../p/shop"])
        .with(4, &[]);
}

pub(crate) fn keys_are_made_listed_and_ended(place: &Place, owner: &str) {
    let create = [
        "keys",
        "create",
        "--project",
        "shop",
        "--name",
        "nightly",
        "--role",
        "viewer",
    ];
    let made = place.json(&[&create[..], &["--expires", "30d"]].concat());
    let (token, id) = (
        made["token"].as_str().unwrap(),
        made["id"].as_str().unwrap(),
    );
    assert!(made["expiresAt"].as_str().unwrap().ends_with('Z'));
    let list = ["identities", "list", "--json"];
    place.with_key(token, &list).with(0, &[]);
    let told = place.out(&create);
    assert!(
        told.contains("shown only now") && told.contains("VIEWER of the project shop"),
        "{told}"
    );

    let listed = place
        .with_key(owner, &["keys", "list", "--project", "shop"])
        .with(0, &[])
        .out;
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(listed.contains(id) && !listed.contains(token), "{listed}");
    place.run(&["keys", "revoke", id]).with(0, &[]);
    place
        .with_key(token, &list)
        .with(1, &["UNAUTHENTICATED", "revoked, has expired"]);
    place
        .run(&["keys", "revoke", id])
        .with(4, &["insula keys list"]);
    let left = place.json(&["keys", "list", "--project", "shop"]);
    assert_eq!(left["keys"].as_array().unwrap().len(), 2);
    let all = place.json(&["keys", "list", "--project", "shop", "--revoked"]);
    assert_eq!(all["keys"].as_array().unwrap().len(), 3);

    let mine = place.json(&["keys", "create", "--name", "mine", "--role", "OWNER"]);
    let mine = mine["token"].as_str().unwrap();
    let listed = place
        .with_key(mine, &["keys", "list", "--json"])
        .with(0, &[])
        .out;
    assert!(
        listed.contains("\"mine\"") && !listed.contains("nightly"),
        "{listed}"
    );
    place
        .run(&["keys", "create", "--name", "n", "--role", "king"])
        .with(2, &["owner, admin, viewer"]);
    place
        .run(&[
            "keys",
            "create",
            "--name",
            "n",
            "--role",
            "owner",
            "--expires",
            "soon",
        ])
        .with(2, &["30d"]);
}

pub(crate) fn what_is_refused_is_explained(place: &Place, owner: &str) {
    let of_shop = [
        "keys",
        "create",
        "--project",
        "shop",
        "--name",
        "weak",
        "--role",
        "viewer",
    ];
    let weak = place.json(&of_shop);
    let weak = weak["token"].as_str().unwrap();
    let set = ["project", "config", "set", "shop", "session.lifespan=1h"];
    place.with_key(weak, &set).with(
        1,
        &[
            "FORBIDDEN",
            "\"weak\" is VIEWER of the project shop",
            "takes an ADMIN",
        ],
    );
    let create = ["project", "create", "another"];
    place
        .with_key(owner, &create)
        .with(1, &["FORBIDDEN", "an ADMIN of the installation"]);
    place
        .with_key(owner, &["keys", "list"])
        .with(1, &["an OWNER of the installation", "--project"]);
    // Of its own project a key need not be told.
    place.with_key(weak, &["identities", "list"]).with(0, &[]);
    let delete = [
        "identities",
        "delete",
        "--yes",
        "00000000-0000-4000-8000-000000000000",
    ];
    place
        .with_key(weak, &delete)
        .with(1, &["403", "takes an ADMIN"]);
    place
        .with_key("ins_nobodys", &["project", "list"])
        .with(1, &["UNAUTHENTICATED", "insula keys create"]);

    let elsewhere = Scratch::new("elsewhere");
    let ask = |args: &[&str]| {
        let mut command = insula(&elsewhere.0, args);
        Ended::of(
            command
                .env("INSULA_URL", &place.serving.origin)
                .output()
                .unwrap(),
        )
    };
    ask(&["project", "list"]).with(2, &["INSULA_KEY: ", "insula serve --dev"]);
    let data = place.folder().join(".insula").display().to_string();
    ask(&["project", "list", "--data", &data]).with(0, &[]);
    // A kept key goes to no other machine.
    let far = [
        "project",
        "list",
        "--url",
        "http://192.0.2.1",
        "--data",
        &data,
    ];
    ask(&far).with(2, &["INSULA_KEY: "]);
}
