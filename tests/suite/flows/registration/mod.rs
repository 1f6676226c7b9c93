//! Sign up with a password, in one step and in two, as the three kinds of client see it.

mod forms;
mod refused;
mod steps;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

/// A configuration whose one schema has a field of every type.
fn every_type() -> Value {
    let email = json!({"type": "string", "format": "email", "title": "Email", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}},
        "verification": {"via": "email"}, "recovery": {"via": "email"},
    }});
    let schema = json!({"type": "object", "properties": {"traits": {
        "type": "object",
        "properties": {
            "email": email,
            "age": {"type": "integer", "minimum": 18},
            "height": {"type": "number"},
            "children": {"type": "integer"},
            "terms": {"type": "boolean"},
            "newsletter": {"type": "boolean"},
            "name": {"type": "object", "properties": {"first": {"type": "string"}, "last": {"type": "string"}}},
            "backup": {"type": "string", "format": "email"},
            "tags": {"type": "array", "title": "Tags", "items": {"type": "string"}},
            "sizes": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["email", "terms", "children"],
        "additionalProperties": false,
    }}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "person", "schemas": [{"id": "person", "url": url}]}})
}

pub(crate) fn password_fields(email: &str, password: &str) -> Value {
    json!({"method": "password", "password": password, "traits": {"email": email}})
}

fn session_cookie(project: &tenants::Project) -> String {
    format!("ory_session_{}", project.slug())
}

#[story]
async fn three_kinds_of_client_sign_up(site: Site) {
    let project = site.project().await;
    let cookie = session_cookie(&project);

    let native = site.client(&project, Kind::Api);
    let flow = native.begin("registration", "").await;
    assert_eq!(
        flow.outline(),
        [
            "default/csrf_token",
            "default/traits.email",
            "password/password",
            "password/method=password"
        ]
    );
    assert!(
        flow.set_cookies().is_empty(),
        "API clients get no cookie: {:?}",
        flow.set_cookies()
    );
    let done = native.submit(&flow, password_fields(ADA, PASSWORD)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let token = &done.body["session_token"];
    assert_eq!(
        done.body["continue_with"],
        json!([{"action": "set_ory_session_token", "ory_session_token": token}])
    );
    assert!(done.set_cookies().is_empty());
    let header = [("x-session-token", token.as_str().unwrap())];
    let who = native
        .send(Method::GET, "/sessions/whoami", None, &header)
        .await;
    assert_eq!(who.body["identity"]["id"], done.body["identity"]["id"]);

    let script = site.client(&project, Kind::Spa);
    let done = script.sign_up("bob@example.org", PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.body.get("session_token").is_none());
    assert_eq!(
        done.body["continue_with"],
        json!([{"action": "redirect_browser_to", "redirect_browser_to": format!("{}/ui/session", project.base_url())}])
    );
    assert!(done.set_cookies().contains(&cookie));
    let who = script.whoami().await;
    assert_eq!(who.body["id"], done.body["session"]["id"]);

    let page = site.client(&project, Kind::Html);
    let done = page.sign_up("eve@example.org", PASSWORD).await;
    assert_eq!(
        (done.status, done.location()),
        (
            StatusCode::SEE_OTHER,
            format!("{}/ui/session", project.base_url()).as_str()
        )
    );
    assert!(done.set_cookies().contains(&cookie));
    let who = page.whoami().await;
    assert_eq!(who.body["identity"]["traits"]["email"], "eve@example.org");
}

/// W12.8: what an identity shows of itself.
#[story]
async fn a_new_identity(site: Site) {
    let project = site.project_with(every_type()).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let traits = json!({"email": "Ada@Example.ORG", "terms": true, "children": 0});
    let done = script
        .submit(
            &flow,
            json!({"method": "password", "password": PASSWORD, "traits": traits}),
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let identity = &done.body["identity"];
    assert_eq!(identity["schema_id"], "person");
    assert_eq!(identity["state"], "active");
    assert_eq!(identity["traits"], traits, "traits stay as they were typed");
    assert_eq!(identity["metadata_public"], Value::Null);
    assert_eq!(identity["organization_id"], Value::Null);
    for secret in ["credentials", "metadata_admin"] {
        assert!(identity.get(secret).is_none(), "{secret}");
    }
    let address = &identity["verifiable_addresses"][0];
    assert_eq!(
        (
            &address["value"],
            &address["via"],
            &address["verified"],
            &address["status"]
        ),
        (
            &json!(ADA),
            &json!("email"),
            &json!(false),
            &json!("pending")
        )
    );
    assert!(address.get("verified_at").is_none());
    let address = &identity["recovery_addresses"][0];
    assert_eq!(
        (&address["value"], &address["via"]),
        (&json!(ADA), &json!("email"))
    );
    let schema = script.get(identity["schema_url"].as_str().unwrap()).await;
    assert!(schema.body["properties"]["traits"]["properties"]["terms"].is_object());
}

/// W1.10, W7.8: in whatever spelling.
#[story]
async fn a_taken_address(site: Site) {
    let project = site.project().await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    for kind in [Kind::Spa, Kind::Api, Kind::Html] {
        for spelling in [ADA, "ADA@Example.org"] {
            let client = site.client(&project, kind);
            let flow = client.begin("registration", "").await;
            let sent = client
                .submit(&flow, password_fields(spelling, PASSWORD))
                .await;
            let shown = if kind == Kind::Html {
                assert_eq!(sent.status, StatusCode::FOUND, "302, unlike all others");
                assert!(sent.location().contains("/ui/registration?flow="));
                client.reread(&flow).await
            } else {
                assert_eq!(sent.status, StatusCode::BAD_REQUEST);
                sent
            };
            assert_eq!(
                shown.messages(),
                [text::IDENTIFIER_TAKEN],
                "{kind:?} {spelling}"
            );
            assert_eq!(shown.node("traits.email")["attributes"]["value"], spelling);
            assert!(shown.node("password")["attributes"].get("value").is_none());
        }
    }
    let all = site.admin(&project).get("/admin/identities").await;
    assert_eq!(all.body.as_array().unwrap().len(), 1);
}

/// W7.5.
#[story]
async fn without_the_session_hook(site: Site) {
    let none =
        json!({"selfservice": {"flows": {"registration": {"after": {"password": {"hooks": []}}}}}});
    let project = site.project_with(none).await;
    let cookie = session_cookie(&project);
    for kind in [Kind::Spa, Kind::Api, Kind::Html] {
        let client = site.client(&project, kind);
        let email = format!("{kind:?}@example.org");
        let done = client.sign_up(&email, PASSWORD).await;
        if kind == Kind::Html {
            assert_eq!(done.status, StatusCode::SEE_OTHER);
            assert_eq!(
                done.location(),
                format!("{}/ui/session", project.base_url())
            );
        } else {
            assert_eq!(done.status, StatusCode::OK, "{}", done.text);
            assert_eq!(done.body["identity"]["traits"]["email"], email);
            assert!(done.body.get("session").is_none());
            assert!(done.body.get("session_token").is_none());
        }
        assert!(!done.set_cookies().contains(&cookie));
        assert_eq!(client.whoami().await.status, StatusCode::UNAUTHORIZED);
        let signed_in = client.sign_in(&email, PASSWORD).await;
        assert!(signed_in.status.is_success() || signed_in.status.is_redirection());
    }
}

/// W3.18: the default schema and selectable ones.
#[story]
async fn which_schema(site: Site) {
    let schemas = json!({"identity": {"default_schema_id": "preset://email", "schemas": [
        {"id": "preset://email", "url": "preset://email"},
        {"id": "preset://username", "url": "preset://username", "selfservice_selectable": true},
        {"id": "preset://basic", "url": "preset://basic"},
    ]}});
    let project = site.project_with(schemas).await;
    let script = site.client(&project, Kind::Spa);
    let refused = script
        .begin("registration", "?identity_schema=preset://basic")
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    let refused = script
        .begin("registration", "?identity_schema=preset://nothing")
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    for default in ["", "?identity_schema=", "?identity_schema=preset://email"] {
        let flow = script.begin("registration", default).await;
        assert_eq!(flow.outline()[1], "default/traits.email", "{default}");
    }
    let flow = script
        .begin("registration", "?identity_schema=preset://username")
        .await;
    assert_eq!(flow.body["identity_schema"], "preset://username");
    assert_eq!(flow.outline()[1], "default/traits.username");
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"username": "ada"}});
    let done = script.submit(&flow, fields).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(done.body["identity"]["schema_id"], "preset://username");
}

/// W7.12: look-alikes of one name are one name.
#[story]
async fn one_spelling_for_each_identifier(site: Site) {
    let username = json!({"identity": {"default_schema_id": "preset://username"}});
    let project = site.project_with(username).await;
    let admin = site.admin(&project);
    for (name, stored, others) in [
        (
            "Ada.Lovelace",
            "ada.lovelace",
            vec!["ADA.LOVELACE", " ada.lovelace "],
        ),
        // A zero-width space, a soft hyphen.
        ("gr\u{200B}ace", "grace", vec!["grace", "gra\u{AD}ce"]),
        // Right-to-left marks and overrides.
        ("\u{202E}alan\u{202C}", "alan", vec!["alan", "\u{200F}Alan"]),
        // Full width.
        (
            "\u{FF45}\u{FF44}\u{FF53}ger",
            "edsger",
            vec!["edsger", "\u{FF25}dsger"],
        ),
        // Decomposed.
        (
            "Jos\u{65}\u{301}",
            "jos\u{e9}",
            vec!["jos\u{e9}", "JOSE\u{301}"],
        ),
    ] {
        let client = site.client(&project, Kind::Api);
        let flow = client.begin("registration", "").await;
        let fields = |name: &str| json!({"method": "password", "password": PASSWORD, "traits": {"username": name}});
        let done = client.submit(&flow, fields(name)).await;
        assert_eq!(done.status, StatusCode::OK, "{name:?}: {}", done.text);
        let id = done.body["identity"]["id"].as_str().unwrap();
        let shown = admin.get(&format!("/admin/identities/{id}")).await;
        assert_eq!(
            shown.body["credentials"]["password"]["identifiers"],
            json!([stored])
        );
        for other in others {
            let flow = client.begin("registration", "").await;
            let taken = client.submit(&flow, fields(other)).await;
            assert_eq!(taken.messages(), [text::IDENTIFIER_TAKEN], "{other:?}");
            let signed_in = client.sign_in(other, PASSWORD).await;
            assert_eq!(signed_in.status, StatusCode::OK, "{other:?}");
            assert_eq!(signed_in.body["session"]["identity"]["id"], id);
        }
    }
    // Nothing visible is no name.
    let client = site.client(&project, Kind::Api);
    let flow = client.begin("registration", "").await;
    let nobody = json!({"method": "password", "password": PASSWORD, "traits": {"username": "\u{200B}\u{202E}\u{200D}"}});
    let refused = client.submit(&flow, nobody).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
}
