//! W4.6: orders in which Kratos was seen to draw.

use super::*;
use crate::ui::{self, text};

fn with(name: &str, group: Group) -> Node {
    ui::text_input(name).group(group).into()
}

fn valued(name: &str, group: Group, value: &str) -> Node {
    ui::hidden(name, value).group(group).into()
}

fn method(group: Group, value: &str) -> Node {
    ui::submit("method", value).group(group).into()
}

fn csrf() -> Node {
    ui::csrf_token("bWFzaw==").into()
}

fn webauthn_script() -> Node {
    ui::script(
        "webauthn_script",
        "https://x/.well-known/ory/webauthn.js",
        "sha512-x",
        "n",
    )
    .group(Group::Webauthn)
}

fn ids(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().map(Node::id).collect()
}

#[test]
fn one_step_registration_puts_the_password_after_the_first_trait() {
    let mut nodes = [
        csrf(),
        with("traits.age", Group::Default),
        with("traits.email", Group::Default),
        with("traits.name.first", Group::Default),
        with("password", Group::Password),
        method(Group::Password, "password"),
    ];
    registration(
        &mut nodes,
        ["traits.email", "traits.name.first", "traits.age"],
    );
    let expected = [
        "csrf_token",
        "traits.email",
        "password",
        "traits.name.first",
        "traits.age",
        "method",
    ];
    assert_eq!(ids(&nodes), expected);
}

#[test]
fn with_another_group_between_all_traits_come_before_the_password() {
    let mut nodes = [
        with("password", Group::Password),
        method(Group::Password, "password"),
        csrf(),
        with("traits.name", Group::Default),
        with("traits.email", Group::Default),
        method(Group::Code, "code"),
        ui::submit("provider", "google").group(Group::Oidc).into(),
    ];
    registration(&mut nodes, ["traits.email", "traits.name"]);
    let expected = [
        "provider",
        "csrf_token",
        "traits.email",
        "traits.name",
        "method",
        "password",
        "method",
    ];
    assert_eq!(ids(&nodes), expected);
}

#[test]
fn the_profile_screen_of_two_step_registration() {
    let mut nodes = [
        csrf(),
        with("traits.email", Group::Default),
        with("traits.name", Group::Default),
        method(Group::Profile, "profile"),
        ui::submit("provider", "google").group(Group::Oidc).into(),
    ];
    registration(&mut nodes, ["traits.name", "traits.email"]);
    assert_eq!(
        ids(&nodes),
        [
            "provider",
            "csrf_token",
            "traits.name",
            "traits.email",
            "method"
        ]
    );
}

#[test]
fn nested_traits_follow_the_key_they_begin_with() {
    let mut nodes = [
        csrf(),
        with("traits.address.city", Group::Default),
        with("traits.email", Group::Default),
        with("traits.extra", Group::Default),
    ];
    registration(&mut nodes, ["traits.email", "traits.address"]);
    assert_eq!(
        ids(&nodes),
        [
            "csrf_token",
            "traits.email",
            "traits.address.city",
            "traits.extra"
        ]
    );
}

#[test]
fn registration_without_traits() {
    let mut nodes = [
        method(Group::Password, "password"),
        with("password", Group::Password),
        csrf(),
    ];
    registration(&mut nodes, []);
    assert_eq!(ids(&nodes), ["csrf_token", "password", "method"]);
}

#[test]
fn password_login() {
    let mut nodes = [
        method(Group::Password, "password"),
        with("password", Group::Password),
        with("identifier", Group::Default),
        csrf(),
    ];
    login(&mut nodes);
    assert_eq!(
        ids(&nodes),
        ["csrf_token", "identifier", "password", "method"]
    );
}

#[test]
fn passkey_login() {
    let mut nodes = [
        with("identifier", Group::Default),
        valued("passkey_challenge", Group::Passkey, "{\"publicKey\":{}}"),
        webauthn_script(),
        with("passkey_login", Group::Passkey),
        valued("passkey_login_trigger", Group::Passkey, ""),
        csrf(),
    ];
    login(&mut nodes);
    let expected = [
        "csrf_token",
        "identifier",
        "webauthn_script",
        "passkey_login_trigger",
        "passkey_login",
        "passkey_challenge",
    ];
    assert_eq!(ids(&nodes), expected);
}

#[test]
fn webauthn_refresh_and_second_factor() {
    let mut nodes = [
        valued("identifier", Group::Default, "a@b.c"),
        webauthn_script(),
        valued(
            "webauthn_login_trigger",
            Group::Webauthn,
            "{\"publicKey\":{}}",
        ),
        valued("webauthn_login", Group::Webauthn, ""),
        csrf(),
    ];
    login(&mut nodes);
    let expected = [
        "csrf_token",
        "identifier",
        "webauthn_login",
        "webauthn_script",
        "webauthn_login_trigger",
    ];
    assert_eq!(ids(&nodes), expected);
}

#[test]
fn second_factor_with_codes_and_an_app() {
    let mut nodes = [
        method(Group::Totp, "totp"),
        valued("totp_code", Group::Totp, ""),
        valued("address", Group::Code, "a@b.c"),
        valued("address", Group::Code, "+4915"),
        csrf(),
    ];
    login(&mut nodes);
    assert_eq!(
        ids(&nodes),
        ["csrf_token", "address", "address", "totp_code", "method"]
    );
    assert_eq!(value(&nodes[1]), "+4915");
}

#[test]
fn groups_that_are_not_listed_come_first() {
    let mut nodes = [
        ui::submit("provider", "github").group(Group::Oidc).into(),
        csrf(),
        with("passkey_login", Group::Passkey),
        method(Group::IdentifierFirst, "identifier_first"),
        with("identifier", Group::IdentifierFirst),
    ];
    login(&mut nodes);
    assert_eq!(
        ids(&nodes),
        [
            "identifier",
            "method",
            "provider",
            "csrf_token",
            "passkey_login"
        ]
    );
}

#[test]
fn passkey_registration() {
    let mut nodes = [
        valued(
            "passkey_create_data",
            Group::Passkey,
            "{\"credentialOptions\":{}}",
        ),
        with("passkey_register_trigger", Group::Passkey),
        webauthn_script(),
        with("passkey_register", Group::Passkey),
    ];
    registration(&mut nodes, ["traits.email"]);
    let expected = [
        "webauthn_script",
        "passkey_register_trigger",
        "passkey_register",
        "passkey_create_data",
    ];
    assert_eq!(ids(&nodes), expected);
}

#[test]
fn webauthn_registration() {
    let mut nodes = [
        valued(
            "webauthn_register_trigger",
            Group::Webauthn,
            "{\"publicKey\":{}}",
        ),
        webauthn_script(),
        valued("webauthn_register", Group::Webauthn, ""),
        valued("webauthn_register_displayname", Group::Webauthn, ""),
    ];
    registration(&mut nodes, ["traits.email"]);
    let expected = [
        "webauthn_register_displayname",
        "webauthn_register",
        "webauthn_register_trigger",
        "webauthn_script",
    ];
    assert_eq!(ids(&nodes), expected);
}

#[test]
fn settings_keep_groups_apart() {
    let mut nodes = [
        with("passkey_settings_register", Group::Passkey),
        valued("passkey_create_data", Group::Passkey, "{\"publicKey\":{}}"),
        with("passkey_register_trigger", Group::Passkey),
        valued("passkey_remove", Group::Passkey, "bb"),
        valued("passkey_remove", Group::Passkey, "aa"),
        webauthn_script(),
        method(Group::Password, "password"),
        with("password", Group::Password),
        method(Group::Profile, "profile"),
        with("traits.age", Group::Profile),
        with("traits.email", Group::Profile),
        csrf(),
    ];
    settings(&mut nodes, ["traits.email", "traits.age"]);
    let expected = [
        "csrf_token",
        "traits.email",
        "traits.age",
        "method",
        "password",
        "method",
        "webauthn_script",
        "passkey_remove",
        "passkey_remove",
        "passkey_register_trigger",
        "passkey_settings_register",
        "passkey_create_data",
    ];
    assert_eq!(ids(&nodes), expected);
    assert_eq!(value(&nodes[7]), "aa");
}

#[test]
fn links_and_unlinks_are_mixed_by_provider() {
    let button = |name: &str, id: &str| Node::from(ui::submit(name, id).group(Group::Oidc));
    let mut nodes = [
        button("link", "google"),
        button("unlink", "github"),
        button("link", "apple"),
        button("unlink", "x"),
    ];
    settings(&mut nodes, []);
    let order: Vec<_> = nodes.iter().map(|n| (n.id(), value(n))).collect();
    let expected = [
        ("link", "apple"),
        ("unlink", "github"),
        ("link", "google"),
        ("unlink", "x"),
    ];
    assert_eq!(order, expected.map(|(name, id)| (name, id.to_owned())));
}

#[test]
fn app_setup_in_settings() {
    let mut nodes = [
        method(Group::Totp, "totp"),
        with("totp_code", Group::Totp),
        ui::text_node("totp_secret_key", text::totp_secret("ABC")).group(Group::Totp),
        ui::image("totp_qr", "data:image/png;base64,", (256, 256)).group(Group::Totp),
    ];
    settings(&mut nodes, ["traits.email"]);
    assert_eq!(
        ids(&nodes),
        ["totp_qr", "totp_secret_key", "totp_code", "method"]
    );
}

#[test]
fn sorting_twice_changes_nothing_and_equals_stay_as_drawn() {
    let mut nodes = vec![method(Group::Password, "password"), csrf()];
    for n in 0..30 {
        nodes.push(with(&format!("traits.f{n}"), Group::Default));
    }
    nodes.push(with("password", Group::Password));
    registration(&mut nodes, ["traits.f7"]);
    let once = nodes.clone();
    assert_eq!(
        ids(&once)[..4],
        ["csrf_token", "traits.f7", "password", "traits.f0"]
    );
    assert_eq!(ids(&once)[32], "method");
    registration(&mut nodes, ["traits.f7"]);
    assert_eq!(nodes, once);
}
