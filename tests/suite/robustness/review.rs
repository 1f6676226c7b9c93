//! What a hostile or unlucky request must not cost more than a refusal: sizes, depths, dates, roles, races.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use futures_util::future::join_all;
use identity::{HashPool, Hasher};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::{Actor, ChangeError, Environment, ids};
use tests::{ADA, Kind, PASSWORD, Site, World, story};
use uuid::Uuid;
use zeroize::Zeroizing;

#[story]
async fn a_viewer_sees_no_secret_of_a_credential(site: Site) {
    let (project, owner) = site.project_with_key().await;
    let made = site
        .client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let id = made.body["identity"]["id"].as_str().unwrap().to_owned();
    let mutation = "mutation($s: String!) { createApiKey(input: {slug: $s, name: \"v\", role: VIEWER}) { apiKey { token } } }";
    let made = site
        .graphql(&owner.token, mutation, json!({"s": project.slug()}))
        .await;
    let viewer = made["data"]["createApiKey"]["apiKey"]["token"]
        .as_str()
        .unwrap();
    let mut client = site.client(&project, Kind::Api);
    let paths = [
        format!("/admin/identities/{id}"),
        "/admin/identities".to_owned(),
    ];
    for (token, status) in [
        (viewer, StatusCode::FORBIDDEN),
        (&owner.token, StatusCode::OK),
    ] {
        client.set_header("authorization", &format!("Bearer {token}"));
        for path in &paths {
            let plain = client.get(path).await;
            assert_eq!(plain.status, StatusCode::OK, "{}", plain.text);
            assert!(!plain.text.contains("hashed_password"));
            let asked = client
                .get(&format!("{path}?include_credential=password"))
                .await;
            assert_eq!(asked.status, status, "{path}");
            assert_eq!(
                asked.text.contains("hashed_password"),
                status == StatusCode::OK
            );
        }
    }
}

/// Every text and list in the traits, without a limit of its own.
fn open_schema() -> Value {
    let identifier = json!({"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let schema = json!({"properties": {"traits": {"type": "object", "properties": {
        "name": identifier, "names": {"type": "array", "items": identifier},
    }}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "open", "schemas": [{"id": "open", "url": url}]}})
}

#[story]
async fn what_no_index_can_hold_is_refused(site: Site) {
    let project = site.project_with(open_schema()).await;
    let native = site.client(&project, Kind::Api);
    let many: Vec<String> = (0..101).map(|n| format!("name-{n}")).collect();
    for traits in [
        json!({"name": ids::alphanumeric(3_000)}),
        json!({"names": many}),
    ] {
        let flow = native.begin("registration", "").await;
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = native.submit(&flow, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    }
    let flow = native.begin("registration", "").await;
    let longest = json!({"name": ids::alphanumeric(512), "names": many[..99]});
    let fields = json!({"method": "password", "password": PASSWORD, "traits": longest});
    let taken = native.submit(&flow, fields).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text);

    let admin = site.admin(&project);
    let body = json!({"schema_id": "open", "traits": {}, "external_id": ids::alphanumeric(3_000)});
    let refused = admin.post("/admin/identities", body).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
}

#[story]
async fn a_flow_neither_grows_nor_nests_beyond_what_can_be_read_back(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("registration", "").await;
    let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
    let path = format!("traits.{}", ["a"; 60].join("."));
    let fields = json!({"method": "password", "password": PASSWORD, path: deep});
    let refused = native.submit(&flow, fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    for round in 0..3 {
        let stray = (0..200).map(|n| (format!("k{round}x{n}"), json!(ids::alphanumeric(900))));
        let traits = Value::Object(stray.collect());
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = native.submit(&flow, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let mut tx = project.begin().await.unwrap();
        let stored: i64 =
            sqlx::query_scalar("select max(length(state ->> 'state'))::bigint from flows")
                .fetch_one(tx.conn())
                .await
                .unwrap();
        assert!(stored < 300_000, "round {round}: {stored} bytes");
    }
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
    let made = native.submit(&flow, fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
}

#[story]
async fn a_request_whose_head_is_too_long_is_refused(site: Site) {
    let project = site.project().await;
    let line = ids::alphanumeric(40_000);
    let headers = [("x-a", line.as_str()), ("x-b", line.as_str())];
    let refused = site
        .client(&project, Kind::Api)
        .send(Method::GET, "/self-service/login/api", None, &headers)
        .await;
    assert_eq!(refused.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[story]
async fn moments_outside_the_calendar_are_refused(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    for at in [
        "+010000-01-01T00:00:00Z",
        "-0100-01-01T00:00:00Z",
        "-260000-01-01T00:00:00Z",
    ] {
        let address = json!({"value": ADA, "via": "email", "verified": true, "verified_at": at});
        let body = json!({"schema_id": "preset://email", "traits": {"email": ADA}, "verifiable_addresses": [address]});
        let refused = admin.post("/admin/identities", body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{at}");
    }
    let position = format!("id={}/created_at=-8300000000000000000", Uuid::nil());
    let token = STANDARD.encode(position);
    let token = token.trim_end_matches('=');
    let refused = admin
        .get(&format!("/admin/sessions?page_token={token}"))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

/// Each sign-in replaces the imported hash by one of the project's own kind.
#[story]
async fn one_person_signs_in_several_times_at_once_while_their_hash_is_replaced(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let hash = HashPool::new(1, 1, 1)
        .hash(
            Uuid::nil(),
            Hasher::Bcrypt { cost: 4 },
            Zeroizing::new(PASSWORD.to_owned()),
        )
        .await
        .unwrap();
    for n in 0..6 {
        let email = format!("p{n}@example.org");
        let password = json!({"config": {"hashed_password": hash}});
        let body = json!({"schema_id": "preset://email", "traits": {"email": email}, "credentials": {"password": password}});
        assert_eq!(
            admin.post("/admin/identities", body).await.status,
            StatusCode::CREATED
        );
        let native = site.client(&project, Kind::Api);
        let all = join_all((0..4).map(|_| native.sign_in(&email, PASSWORD))).await;
        for answer in all {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
    }
}

#[story]
async fn identifiers_are_found_exactly_and_by_their_beginning(site: Site) {
    let project = site.project_with(open_schema()).await;
    let admin = site.admin(&project);
    for name in ["ann", "anna", "a%b", "a_b", "Żółw", "a\u{10FFFF}"] {
        let body = json!({"schema_id": "open", "traits": {"name": name}});
        let made = admin.post("/admin/identities", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    for (query, found) in [
        ("credentials_identifier=ANN", 1),
        ("credentials_identifier=an", 0),
        ("preview_credentials_identifier_similar=Ann", 2),
        ("preview_credentials_identifier_similar=a%25", 1),
        ("preview_credentials_identifier_similar=a_", 1),
        ("preview_credentials_identifier_similar=%C5%BC%C3%B3", 1),
        ("preview_credentials_identifier_similar=a", 5),
    ] {
        let page = admin.get(&format!("/admin/identities?{query}")).await;
        assert_eq!(page.body.as_array().unwrap().len(), found, "{query}");
    }
    let mut seen = Vec::new();
    let mut path =
        "/admin/identities?preview_credentials_identifier_similar=a&page_size=2".to_owned();
    loop {
        let page = admin.get(&path).await;
        let people = page.body.as_array().unwrap().clone();
        seen.extend(people.iter().map(|p| p["id"].as_str().unwrap().to_owned()));
        let link = page.headers["link"].to_str().unwrap();
        if !link.contains("rel=\"next\"") {
            break;
        }
        path = format!(
            "/admin/identities?preview_credentials_identifier_similar=a&page_size=2&page_token={}",
            seen.last().unwrap()
        );
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
}

#[story]
async fn signing_out_elsewhere_counts_at_once_and_spares_this_session(site: Site) {
    let project = site.project().await;
    let mut clients = Vec::new();
    for n in 0..3 {
        let client = site.client(&project, Kind::Spa);
        let entered = if n == 0 {
            client.sign_up(ADA, PASSWORD).await
        } else {
            client.sign_in(ADA, PASSWORD).await
        };
        assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
        assert_eq!(client.whoami().await.status, StatusCode::OK);
        clients.push(client);
    }
    let ended = clients[2].delete("/sessions").await;
    assert_eq!(ended.body["count"], 2);
    for (n, client) in clients.iter().enumerate() {
        let status = client.whoami().await.status;
        let wanted = if n == 2 {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(status, wanted, "{n}");
    }
}

#[story]
async fn sessions_are_paged_without_gaps(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    assert_eq!(native.sign_up(ADA, PASSWORD).await.status, StatusCode::OK);
    for _ in 0..4 {
        native.sign_in(ADA, PASSWORD).await;
    }
    // Two of one moment: the id decides.
    let mut tx = project.begin().await.unwrap();
    sqlx::query("update sessions set created_at = (select min(created_at) from sessions) where id in (select id from sessions order by created_at limit 3)")
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let admin = site.admin(&project);
    let whole = admin.get("/admin/sessions").await;
    let whole: Vec<Value> = whole.body.as_array().unwrap().clone();
    assert_eq!(whole.len(), 5);
    let mut seen = Vec::new();
    let mut path = "/admin/sessions?page_size=1".to_owned();
    loop {
        let page = admin.get(&path).await;
        seen.extend(page.body.as_array().unwrap().clone());
        let link = page.headers["link"].to_str().unwrap().to_owned();
        let Some(next) = link.split(',').find(|part| part.contains("rel=\"next\"")) else {
            break;
        };
        let target = next.split(['<', '>']).nth(1).unwrap();
        path = format!("{}{target}", site.origin);
    }
    let ids = |all: &[Value]| all.iter().map(|s| s["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&seen), ids(&whole));
}

fn actor() -> Actor {
    Actor("review".to_owned())
}

/// A handle of before the change must not decide what is allowed after it.
#[story]
async fn an_environment_is_judged_by_the_latest_configuration(w: World) {
    let (old, _) = w.create(Environment::Development, json!({})).await;
    w.configure(&old, json!({"hashers": {"argon2": {"memory": "64KB"}}}))
        .await;
    let moved = w
        .installation()
        .update_project(&actor(), &old, None, Some(Environment::Production))
        .await;
    assert!(
        matches!(moved, Err(ChangeError::Violations(_))),
        "{moved:?}"
    );
}

/// Clocks differ by up to two seconds, and a purge cannot be undone.
#[story]
async fn a_deletion_is_not_undone_when_another_clock_may_have_ended_its_grace(w: World) {
    let (project, _) = w.create(Environment::Production, json!({})).await;
    let days = |days| TimeDelta::days(days);
    w.installation()
        .delete_project(&actor(), &project)
        .await
        .unwrap();
    w.clock.advance(days(7) - TimeDelta::seconds(5));
    let restored = w.installation().restore_project(&actor(), &project).await;
    assert!(
        matches!(restored, Err(ChangeError::WrongState(_))),
        "{restored:?}"
    );
    w.clock.advance(TimeDelta::seconds(-60));
    let restored = w.installation().restore_project(&actor(), &project).await;
    assert!(restored.is_ok(), "{restored:?}");
}

/// The only spelling of a form that can hold the byte itself.
#[story]
async fn a_multipart_form_with_a_nul_is_refused(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("login", "").await;
    let field = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        field("method", "password"),
        field("identifier", "a\0b"),
        field("password", PASSWORD),
        "--x--\r\n".to_owned(),
    ]
    .concat();
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let media = "multipart/form-data; boundary=x";
    let refused = native
        .send(Method::POST, action, Some((media, body.into_bytes())), &[])
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert_eq!(refused.messages(), [4_000_001]);
}
