//! Identities and sessions as administrators see them. Trap numbers are those of the contract (admin 9).

use std::collections::BTreeSet;

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::{Actor, Environment, KeyRequest, Project, Role};
use tests::{Answer, Client, Kind, Site, cheap, run};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct-horse-battery";
const IDENTITIES: &str = "/admin/identities";
const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";
const NIL: &str = "00000000-0000-0000-0000-000000000000";
const WHOAMI: &str = "/sessions/whoami";

async fn made(admin: &Client, body: Value) -> Value {
    let answer = admin.post(IDENTITIES, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.body
}

/// A session of an API client: its token, its id.
async fn session(site: &Site, project: &Project, email: &str) -> (String, String) {
    let client = site.client(project, Kind::Api);
    let done = client.sign_in(email, PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&done.body["session_token"]),
        text(&done.body["session"]["id"]),
    )
}

async fn lives(client: &Client, token: &str) -> bool {
    let header = [("x-session-token", token)];
    let answer = client.send(Method::GET, WHOAMI, None, &header).await;
    answer.status == StatusCode::OK
}

fn person(email: &str) -> Value {
    json!({"traits": {"email": email}, "credentials": {"password": {"config": {"password": PASSWORD}}}})
}

fn ids(answer: &Answer) -> Vec<String> {
    let items = answer.body.as_array().unwrap();
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

/// The target of a link, as a path below the base.
fn link(answer: &Answer, project: &Project, rel: &str) -> Option<String> {
    let links = answer.headers.get("link")?.to_str().ok()?;
    let one = links
        .split(',')
        .find(|l| l.ends_with(&format!("rel=\"{rel}\"")))?;
    let target = &one[1..one.find('>')?];
    let below = target.strip_prefix(&format!("/p/{}", project.slug()));
    Some(
        below
            .unwrap_or_else(|| panic!("not below the base: {target}"))
            .to_owned(),
    )
}

async fn count(admin: &Client) -> usize {
    ids(&admin.get(IDENTITIES).await).len()
}

/// Traps 1 and 3.
#[test]
fn creating_an_identity() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        for (body, named) in [
            (json!({"traits": {"email": EMAIL}, "foo": 1}), "foo"),
            (json!({"traits": {"email": EMAIL}, "id": UNKNOWN}), "id"),
            (
                json!({"traits": {"email": EMAIL}, "schema_url": "x"}),
                "schema_url",
            ),
            (
                json!({"traits": {"email": EMAIL}, "verifiable_addresses": [{"value": EMAIL, "via": "email", "primary": true}]}),
                "primary",
            ),
            (
                json!({"traits": {"email": EMAIL}, "credentials": {"password": {"config": {"pass": "x"}}}}),
                "pass",
            ),
        ] {
            let refused = admin.post(IDENTITIES, body).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
            let error = &refused.body["error"];
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&format!("`{named}`")), "{message}");
            assert!(error.get("reason").is_none() && error.get("id").is_none());
        }
        assert_eq!(count(&admin).await, 0);

        let answer = admin
            .post(IDENTITIES, json!({"traits": {"email": "Ada@Example.org"}}))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let id = answer.body["id"].as_str().unwrap();
        let place = format!("{}/admin/identities/{id}", project.base_url());
        assert_eq!(answer.location(), place);
        let read = admin.get(&place).await.body;
        for view in [&answer.body, &read] {
            assert_eq!(view["traits"], json!({"email": "Ada@Example.org"}));
            assert_eq!(view["state"], "active");
            assert_eq!(view["schema_id"], "preset://email");
            for null in ["metadata_public", "organization_id"] {
                assert_eq!(view.get(null), Some(&Value::Null), "{null}");
            }
            assert!(view.get("external_id").is_none());
            let password = &view["credentials"]["password"];
            assert_eq!(password["identifiers"], json!([EMAIL]));
            assert!(password.get("config").is_none());
        }
        assert!(answer.body.get("metadata_admin").is_none());
        assert_eq!(read.get("metadata_admin"), Some(&Value::Null));

        let full = json!({
            "schema_id": "preset://username", "traits": {"username": "grace"}, "state": "inactive",
            "metadata_public": {"plan": "free"}, "metadata_admin": {"note": [1, null]},
            "external_id": "crm-1", "organization_id": UNKNOWN,
        });
        let answer = admin.post(IDENTITIES, full.clone()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        for (key, value) in full.as_object().unwrap() {
            assert_eq!(answer.body[key], *value, "{key}");
        }
        site.finish().await;
    });
}

/// Admin 4.5: where, by which rule, what.
#[test]
fn traits_that_are_invalid() {
    run(async {
        let site = Site::new().await;
        let basic = json!({"identity": {"default_schema_id": "preset://basic"}});
        let project = site.project_with(basic).await;
        let admin = site.admin(&project);
        let email = "S[#/properties/traits/properties/email/format]";
        for (traits, lines) in [
            (json!({"email": "nope"}), vec![format!("I[#/traits/email] {email} ")]),
            (json!({}), vec!["I[#/traits] S[#/properties/traits/required] ".to_owned()]),
            (Value::Null, vec!["I[#/traits] S[#/properties/traits/required] ".to_owned()]),
            (json!("text"), vec!["I[#/traits] S[#/properties/traits/type] ".to_owned()]),
            (json!([]), vec!["I[#/traits] S[#/properties/traits/type] ".to_owned()]),
            (
                json!({"email": EMAIL, "shoe": 43}),
                vec!["I[#/traits] S[#/properties/traits/additionalProperties] ".to_owned()],
            ),
            (
                json!({"email": "x", "newsletter": "yes", "name": {"first": 1}}),
                vec![
                    "I[#/".to_owned(),
                    format!("  I[#/traits/email] {email} "),
                    "  I[#/traits/name/first] S[#/properties/traits/properties/name/properties/first/type] ".to_owned(),
                    "  I[#/traits/newsletter] S[#/properties/traits/properties/newsletter/type] ".to_owned(),
                ],
            ),
        ] {
            let refused = admin.post(IDENTITIES, json!({"traits": traits})).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{traits}");
            let reason = refused.body["error"]["reason"].as_str().unwrap();
            let shown: Vec<&str> = reason.lines().collect();
            assert_eq!(shown.len(), lines.len(), "{reason}");
            for line in &lines {
                assert!(
                    shown.iter().any(|s| s.starts_with(line)),
                    "{line:?} is not in {reason}"
                );
            }
        }
        assert_eq!(count(&admin).await, 0);
        site.finish().await;
    });
}

#[test]
fn what_else_is_refused() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let with = |key: &str, value: Value| {
            let mut body = person(EMAIL);
            body[key] = value;
            body
        };
        for body in [
            with("schema_id", json!("preset://nothing")),
            with("schema_id", json!(5)),
            with("state", json!("asleep")),
            with("organization_id", json!("zz")),
            with("credentials", json!({"carrier-pigeon": {}})),
            with(
                "verifiable_addresses",
                json!([{"value": EMAIL, "via": "smoke"}]),
            ),
            json!([]),
        ] {
            let refused = admin.post(IDENTITIES, body.clone()).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
            assert_eq!(refused.body["error"]["code"], 400);
        }
        for raw in [
            "",
            "{",
            "{\"traits\": {\"email\": \"a\\u0000@example.org\"}}",
        ] {
            let body = Some(("application/json", raw.as_bytes().to_vec()));
            let refused = admin.send(Method::POST, IDENTITIES, body, &[]).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{raw}");
        }
        let large = json!({"traits": {"email": EMAIL}, "metadata_admin": "x".repeat(5 << 20)});
        let refused = admin.post(IDENTITIES, large).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(count(&admin).await, 0);
        // Neither a content type nor an end is asked for.
        let body = format!("{} and more", person(EMAIL));
        let body = Some(("text/plain", body.into_bytes()));
        let answer = admin.send(Method::POST, IDENTITIES, body, &[]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        site.finish().await;
    });
}

/// Whatever is unique is unique in one answer, and nothing of a refused identity stays.
#[test]
fn conflicts() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let mut first = person(EMAIL);
        first["external_id"] = json!("crm-1");
        made(&admin, first).await;
        for body in [
            person(EMAIL),
            person("ADA@Example.org"),
            json!({"traits": {"email": EMAIL}}),
            json!({"traits": {"email": "bob@example.org"}, "external_id": "crm-1"}),
        ] {
            let refused = admin.post(IDENTITIES, body.clone()).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{body}");
            let error = &refused.body["error"];
            assert_eq!(
                (&error["code"], &error["status"]),
                (&json!(409), &json!("Conflict"))
            );
            assert!(error["reason"].is_string() && error.get("id").is_none());
        }
        assert_eq!(count(&admin).await, 1);
        // What a refused one would have taken is free; external ids are told apart byte by byte.
        made(&admin, person("bob@example.org")).await;
        made(
            &admin,
            json!({"traits": {"email": "eve@example.org"}, "external_id": "CRM-1"}),
        )
        .await;
        // An empty one is none.
        for name in ["x", "y"] {
            let email = format!("{name}@example.org");
            let body = json!({"traits": {"email": email}, "external_id": ""});
            assert!(made(&admin, body).await.get("external_id").is_none());
        }
        site.finish().await;
    });
}

/// Admin 3.1: in clear, hashed, both, none.
#[test]
fn passwords() {
    run(async {
        let site = Site::new().await;
        let bcrypt = json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}});
        let project = site.project_with(bcrypt).await;
        let admin = site.admin(&project);
        let client = site.client(&project, Kind::Api);
        let body = |email: &str, config: Value| json!({"traits": {"email": email}, "credentials": {"password": {"config": config}}});
        let opens = async |email: &str, password: &str| {
            client.sign_in(email, password).await.status == StatusCode::OK
        };
        let stored = async |id: &Value| {
            let path = format!(
                "{IDENTITIES}/{}?include_credential=password",
                id.as_str().unwrap()
            );
            let shown = admin.get(&path).await;
            shown.body["credentials"]["password"]["config"]["hashed_password"]
                .as_str()
                .map(str::to_owned)
        };

        // No policy: an administrator knows.
        let clear = made(&admin, body(EMAIL, json!({"password": "x"}))).await;
        assert!(opens(EMAIL, "x").await);
        let hash = stored(&clear["id"]).await.unwrap();
        assert!(hash.starts_with("$2a$04$"), "{hash}");

        let hashed = body("bob@example.org", json!({"hashed_password": hash}));
        made(&admin, hashed).await;
        assert!(opens("bob@example.org", "x").await);

        let both = json!({"password": "clear", "hashed_password": hash});
        made(&admin, body("eve@example.org", both)).await;
        assert!(opens("eve@example.org", "clear").await);
        assert!(!opens("eve@example.org", "x").await);

        let nothing = json!({"traits": {"email": "no@example.org"}});
        let without = made(&admin, nothing).await;
        assert_eq!(stored(&without["id"]).await, None);
        assert!(!opens("no@example.org", "x").await);
        assert!(!opens("no@example.org", "").await);

        for wrong in [
            json!({}),
            json!({"password": "", "hashed_password": ""}),
            json!({"hashed_password": "x"}),
            json!({"hashed_password": "$1$salt$hash"}),
            json!({"password": "y".repeat(73)}),
        ] {
            let refused = admin
                .post(IDENTITIES, body("wrong@example.org", wrong.clone()))
                .await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        assert_eq!(count(&admin).await, 4);
        site.finish().await;
    });
}

/// Traps 29 and 30.
#[test]
fn addresses_that_are_verified_already() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let with = async |name: &str, given: Value| {
            let email = format!("{name}@Example.org");
            let body = json!({"traits": {"email": email}, "verifiable_addresses": [given]});
            let identity = made(&admin, body).await;
            assert_eq!(identity["traits"]["email"], email);
            let addresses = identity["verifiable_addresses"].as_array().unwrap();
            assert_eq!(addresses.len(), 1);
            addresses[0].clone()
        };
        let verified = with(
            "A",
            json!({"value": "a@example.ORG", "verified": true, "via": "email"}),
        )
        .await;
        assert_eq!(verified["value"], "a@example.org");
        assert_eq!(
            (&verified["verified"], &verified["status"]),
            (&json!(true), &json!("completed"))
        );
        assert!(verified["verified_at"].is_string());
        let at = "2020-02-02T02:02:02Z";
        let dated =
            json!({"value": "B@example.org", "verified": true, "via": "email", "verified_at": at});
        assert_eq!(with("b", dated).await["verified_at"], at);
        for (name, given) in [
            // Without `via`, of another address, or not verified at all.
            ("c", json!({"value": "c@example.org", "verified": true})),
            (
                "d",
                json!({"value": "other@example.org", "verified": true, "via": "email"}),
            ),
            (
                "e",
                json!({"value": "e@example.org", "verified": false, "via": "email"}),
            ),
        ] {
            let address = with(name, given).await;
            assert_eq!(
                (&address["verified"], &address["status"]),
                (&json!(false), &json!("pending")),
                "{name}"
            );
            assert!(address.get("verified_at").is_none());
        }
        site.finish().await;
    });
}

/// Traps 4, 14 and admin 1.4.
#[test]
fn reading_an_identity() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let identity = made(&admin, person(EMAIL)).await;
        let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
        for unknown in [UNKNOWN, "not-a-uuid", "%20"] {
            for query in ["", "?include_credential=profile"] {
                let answer = admin.get(&format!("{IDENTITIES}/{unknown}{query}")).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
                let error = &answer.body["error"];
                assert!(error.get("id").is_none() && error.get("reason").is_none());
            }
        }
        for wrong in ["profile", "zzz", "", "password,oidc"] {
            let answer = admin
                .get(&format!("{path}?include_credential={wrong}"))
                .await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
            assert!(answer.body["error"]["reason"].is_string());
        }
        let hidden = admin
            .get(&format!(
                "{path}?include_credential=totp&include_credential=oidc"
            ))
            .await;
        assert!(
            hidden.body["credentials"]["password"]
                .get("config")
                .is_none()
        );
        let shown = admin
            .get(&format!(
                "{path}?include_credential=totp&include_credential=password"
            ))
            .await;
        let hash = &shown.body["credentials"]["password"]["config"]["hashed_password"];
        assert!(hash.as_str().unwrap().starts_with("$argon2id$"), "{hash}");
        assert_eq!(
            admin.get("/admin/sessions/not-a-uuid").await.status,
            StatusCode::BAD_REQUEST
        );
        site.finish().await;
    });
}

/// Traps 5, 6, 7 and 8.
#[test]
fn finding_identities() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let mut people = Vec::new();
        for name in ["ada", "adam", "a_a", "bob"] {
            let identity = made(&admin, person(&format!("{name}@example.org"))).await;
            people.push(identity["id"].as_str().unwrap().to_owned());
        }
        let find = async |query: &str| admin.get(&format!("{IDENTITIES}?{query}")).await;

        let all = find("").await;
        assert_eq!(ids(&all).len(), 4);
        assert!(ids(&all).is_sorted());
        for item in all.body.as_array().unwrap() {
            assert!(item.get("credentials").is_none(), "trap 5");
            assert_eq!(item.get("metadata_admin"), Some(&Value::Null));
            assert_eq!(item.get("metadata_public"), Some(&Value::Null));
            assert!(item["verifiable_addresses"].is_array());
        }
        for spelling in [
            "ADA@Example.org",
            "%20ada@example.org",
            "ada%E2%80%8B@example.org",
        ] {
            let found = find(&format!("credentials_identifier={spelling}")).await;
            assert_eq!(ids(&found), [people[0].clone()], "{spelling}");
            let password = &found.body[0]["credentials"]["password"];
            assert_eq!(password["identifiers"], json!([EMAIL]));
            assert!(password.get("config").is_none());
        }
        let found =
            find("credentials_identifier=ada@example.org&include_credential=password").await;
        assert!(found.body[0]["credentials"]["password"]["config"]["hashed_password"].is_string());
        for nobody in [
            "credentials_identifier=ada",
            "credentials_identifier=%25",
            "preview_credentials_identifier_similar=%25",
            "preview_credentials_identifier_similar=xyz",
        ] {
            let found = find(nobody).await;
            assert_eq!(
                (found.status, &found.body),
                (StatusCode::OK, &json!([])),
                "{nobody}"
            );
        }
        let mut alike = [people[0].clone(), people[1].clone()];
        alike.sort();
        assert_eq!(
            ids(&find("preview_credentials_identifier_similar=ADA").await),
            alike
        );
        // An underscore is itself, not any letter.
        assert_eq!(
            ids(&find("preview_credentials_identifier_similar=a_a").await),
            [people[2].clone()]
        );

        let (one, two) = (&people[3], &people[1]);
        let found = find(&format!("ids={one}&ids={two}&ids={two}&ids={UNKNOWN}")).await;
        assert_eq!(
            ids(&found).into_iter().collect::<BTreeSet<_>>(),
            BTreeSet::from([one.clone(), two.clone()])
        );
        let shown = find(&format!("ids={one}&include_credential=password")).await;
        assert!(shown.body[0]["credentials"]["password"]["config"].is_object());
        assert_eq!(
            ids(&find(&format!("organization_id={UNKNOWN}")).await).len(),
            0
        );
        assert_eq!(ids(&find(&format!("organization_id={NIL}")).await).len(), 4);
        for wrong in [
            format!("ids={one}&organization_id={UNKNOWN}"),
            format!("ids={one}&credentials_identifier=x"),
            "credentials_identifier=x&preview_credentials_identifier_similar=x".to_owned(),
            "ids=abc".to_owned(),
            "ids=".to_owned(),
            "organization_id=abc".to_owned(),
            "include_credential=zzz".to_owned(),
            "include_credential=profile".to_owned(),
        ] {
            let refused = find(&wrong).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
            assert!(refused.body["error"]["reason"].is_string(), "{wrong}");
        }
        site.finish().await;
    });
}

/// Traps 9 to 13.
#[test]
fn many_identities() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let mut tx = project.begin().await.unwrap();
        sqlx::query(
            "insert into identities (id, schema_id, state, state_changed_at, traits, created_at, updated_at)
             select gen_random_uuid(), 'preset://email', 'active', $1, '{}', $1, $1 from generate_series(1, 300)",
        )
        .bind(project.now())
        .execute(tx.conn())
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let list = async |query: &str| admin.get(&format!("{IDENTITIES}?{query}")).await;

        let first = list("").await;
        let mut seen = ids(&first);
        assert_eq!(seen.len(), 250);
        assert!(!first.headers.contains_key("x-total-count"));
        assert_eq!(
            link(&first, &project, "first").unwrap(),
            format!("{IDENTITIES}?page_size=250&page_token={NIL}")
        );
        let next = link(&first, &project, "next").unwrap();
        let second = admin.get(&next).await;
        seen.extend(ids(&second));
        assert_eq!(seen.len(), 300);
        assert!(seen.is_sorted_by(|a, b| a < b), "none twice, none left out");
        assert!(link(&second, &project, "next").is_none());
        let again = admin.get(&link(&second, &project, "first").unwrap()).await;
        assert_eq!(ids(&again), seen[..250]);

        // Trap 9: ids are pages too.
        let some: Vec<String> = seen.iter().map(|id| format!("ids={id}")).collect();
        let found = list(&some.join("&")).await;
        assert_eq!(ids(&found), seen[..250]);
        let rest = admin.get(&link(&found, &project, "next").unwrap()).await;
        assert_eq!(ids(&rest), seen[250..]);
        // Trap 10, counted with repetitions.
        let many = vec![format!("ids={}", seen[0]); 500];
        assert_eq!(ids(&list(&many.join("&")).await), [seen[0].clone()]);
        let more = vec![format!("ids={}", seen[0]); 501];
        assert_eq!(list(&more.join("&")).await.status, StatusCode::BAD_REQUEST);

        // Trap 13, and other sizes.
        for (query, rows, size) in [
            ("page_size=10000", 300, 500),
            ("page_size=0", 250, 250),
            ("page_size=-3", 250, 250),
            ("page_size=", 250, 250),
            ("page_size=7", 7, 7),
            ("per_page=7", 7, 7),
        ] {
            let page = list(query).await;
            assert_eq!(ids(&page).len(), rows, "{query}");
            let first = link(&page, &project, "first").unwrap();
            assert!(first.contains(&format!("page_size={size}&")), "{first}");
        }
        for wrong in ["page_size=abc", "page_token=zz", "page=3&per_page=500"] {
            assert_eq!(list(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }

        // Trap 12: by number, from zero.
        let mut page = list("page=0&per_page=120").await;
        let mut walked = ids(&page);
        assert_eq!(page.headers["x-total-count"], "300");
        assert!(link(&page, &project, "prev").is_none());
        while let Some(next) = link(&page, &project, "next") {
            assert!(!next.contains("page_token"), "{next}");
            page = admin.get(&next).await;
            assert_eq!(page.status, StatusCode::OK, "{next}: {}", page.text);
            walked.extend(ids(&page));
            assert!(walked.len() <= 300, "a page repeats");
        }
        assert_eq!(walked, seen);
        assert_eq!(
            link(&page, &project, "prev").unwrap(),
            format!("{IDENTITIES}?page=1&per_page=120")
        );
        assert_eq!(ids(&list("page=abc&per_page=3").await), seen[..3]);
        site.finish().await;
    });
}

/// Admin 1.9: everything goes, and at once.
#[test]
fn deleting_an_identity() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let client = site.client(&project, Kind::Api);
        let identity = made(&admin, person(EMAIL)).await;
        made(&admin, person("bob@example.org")).await;
        let (token, _) = session(&site, &project, EMAIL).await;
        let (other, _) = session(&site, &project, "bob@example.org").await;
        assert!(lives(&client, &token).await && lives(&client, &other).await);

        let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
        let gone = admin.delete(&path).await;
        assert_eq!(
            (gone.status, gone.text.as_str()),
            (StatusCode::NO_CONTENT, "")
        );
        assert!(!lives(&client, &token).await, "not even from memory");
        assert!(lives(&client, &other).await);
        for path in [
            &path,
            &format!("{IDENTITIES}/{UNKNOWN}"),
            &format!("{IDENTITIES}/zz"),
        ] {
            assert_eq!(admin.delete(path).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
        let sessions = admin.get(&format!("{path}/sessions")).await;
        assert_eq!(sessions.body, json!([]));
        let mut tx = project.begin().await.unwrap();
        for table in ["credentials", "identifiers", "addresses", "sessions"] {
            let sql = format!("select count(*) from {table} where identity_id = $1");
            let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(
                    identity["id"]
                        .as_str()
                        .unwrap()
                        .parse::<uuid::Uuid>()
                        .unwrap(),
                )
                .fetch_one(tx.conn())
                .await
                .unwrap();
            assert_eq!(left, 0, "{table}");
        }
        drop(tx);
        // The name is free, for somebody else.
        let again = made(&admin, person(EMAIL)).await;
        assert_ne!(again["id"], identity["id"]);
        site.finish().await;
    });
}

/// Admin 1.11; traps 36 and 40.
#[test]
fn sessions_of_an_identity() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let client = site.client(&project, Kind::Api);
        let identity = made(&admin, person(EMAIL)).await;
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push(session(&site, &project, EMAIL).await);
            site.world.clock.advance(TimeDelta::seconds(1));
        }
        let path = format!("{IDENTITIES}/{}/sessions", identity["id"].as_str().unwrap());
        let newest_first: Vec<String> = sessions.iter().rev().map(|(_, id)| id.clone()).collect();
        let all = admin.get(&path).await;
        assert_eq!(ids(&all), newest_first);
        assert_eq!(all.headers["x-total-count"], "3");
        assert_eq!(all.body[0]["identity"]["traits"]["email"], EMAIL);
        assert!(all.body[0]["identity"].get("credentials").is_none());
        let page = admin.get(&format!("{path}?page_size=2")).await;
        assert_eq!(ids(&page), newest_first[..2]);
        let rest = admin.get(&link(&page, &project, "next").unwrap()).await;
        assert_eq!(ids(&rest), newest_first[2..]);

        let end = format!("/admin/sessions/{}", sessions[0].1);
        assert_eq!(admin.delete(&end).await.status, StatusCode::NO_CONTENT);
        assert_eq!(
            ids(&admin.get(&format!("{path}?active=true")).await),
            newest_first[..2]
        );
        assert_eq!(
            ids(&admin.get(&format!("{path}?active=0")).await),
            newest_first[2..]
        );
        for wrong in [
            format!("{path}?active=zz"),
            format!("{IDENTITIES}/abc/sessions"),
        ] {
            assert_eq!(admin.get(&wrong).await.status, StatusCode::BAD_REQUEST);
        }
        let unknown = admin.get(&format!("{IDENTITIES}/{UNKNOWN}/sessions")).await;
        assert_eq!(
            (
                unknown.status,
                unknown.body,
                &unknown.headers["x-total-count"]
            ),
            (StatusCode::OK, json!([]), &"0".parse().unwrap())
        );

        assert!(lives(&client, &sessions[2].0).await);
        assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert!(!lives(&client, &sessions[2].0).await);
        assert_eq!(admin.delete(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            admin
                .delete(&format!("{IDENTITIES}/abc/sessions"))
                .await
                .status,
            StatusCode::BAD_REQUEST
        );
        site.finish().await;
    });
}

/// Admin 1.12; trap 37.
#[test]
fn all_sessions() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let client = site.client(&project, Kind::Api);
        let mut sessions = Vec::new();
        for name in ["ada", "bob", "eve"] {
            let email = format!("{name}@example.org");
            made(&admin, person(&email)).await;
            sessions.push(session(&site, &project, &email).await);
            site.world.clock.advance(TimeDelta::seconds(1));
        }
        let newest_first: Vec<String> = sessions.iter().rev().map(|(_, id)| id.clone()).collect();
        let list = async |query: &str| admin.get(&format!("/admin/sessions?{query}")).await;
        let all = list("").await;
        assert_eq!(ids(&all), newest_first);
        for item in all.body.as_array().unwrap() {
            assert_eq!(
                (&item["identity"], &item["devices"]),
                (&Value::Null, &Value::Null)
            );
        }
        let whole = list("expand=Identity&expand=devices").await;
        assert_eq!(
            whole.body[0]["identity"]["traits"]["email"],
            "eve@example.org"
        );
        assert_eq!(whole.body[0]["devices"].as_array().unwrap().len(), 1);
        assert!(!whole.text.contains("ory_st_"), "tokens are never shown");

        let mut page = list("page_size=1").await;
        let mut seen = ids(&page);
        while let Some(next) = link(&page, &project, "next") {
            page = admin.get(&next).await;
            seen.extend(ids(&page));
            assert!(seen.len() <= 3, "a page repeats: {seen:?}");
        }
        assert_eq!(seen, newest_first);
        let first = link(&page, &project, "first").unwrap();
        assert_eq!(ids(&admin.get(&first).await), newest_first[..1]);

        let (token, id) = &sessions[0];
        let path = format!("/admin/sessions/{id}");
        let one = admin.get(&path).await;
        assert_eq!(
            (&one.body["identity"], &one.body["devices"]),
            (&Value::Null, &json!([]))
        );
        let one = admin.get(&format!("{path}?expand=identity")).await;
        assert!(one.body["identity"]["verifiable_addresses"].is_array());
        assert!(lives(&client, token).await);
        for _ in 0..2 {
            assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
        }
        assert!(!lives(&client, token).await);
        assert_eq!(admin.get(&path).await.body["active"], false);
        assert_eq!(ids(&list("active=true").await), newest_first[..2]);
        assert_eq!(ids(&list("active=false").await), newest_first[2..]);

        let unknown = format!("/admin/sessions/{UNKNOWN}");
        assert_eq!(admin.get(&unknown).await.status, StatusCode::NOT_FOUND);
        assert_eq!(admin.delete(&unknown).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            admin.delete("/admin/sessions/abc").await.status,
            StatusCode::BAD_REQUEST
        );
        for wrong in ["expand=zzz", "active=zz", "page_size=abc", "page_token=@@@"] {
            assert_eq!(list(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        let wrong = admin.get(&format!("{path}?expand=zzz")).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        site.finish().await;
    });
}

/// Control-plane, Addressing and Roles.
#[test]
fn keys_and_roles() {
    run(async {
        let site = Site::new().await;
        let (project, owner) = site.project_with_key().await;
        let (_, foreign) = site
            .world
            .create(Environment::Development, cheap(json!({})))
            .await;
        let client = site.client(&project, Kind::Api);
        let key = async |of: Option<&Project>, role: Role| {
            let request = KeyRequest {
                project: of.map(Project::id),
                name: "a key".to_owned(),
                role,
                expires_at: None,
            };
            let made = site
                .world
                .installation()
                .create_key(&Actor::system(), &request)
                .await;
            made.unwrap().token
        };
        let status = async |method: Method, path: &str, authorization: &str| {
            let body = (method == Method::POST).then(|| ("application/json", b"{}".to_vec()));
            let header = [("authorization", authorization)];
            let answer = client.send(method, path, body, &header).await;
            assert!(
                !answer.status.is_client_error()
                    || answer.body["error"]["code"] == answer.status.as_u16()
            );
            answer.status.as_u16()
        };
        // With the word, in any case, and bare, as the generated SDKs send it.
        for form in ["Bearer {}", "bearer {}", "{}"] {
            let header = form.replace("{}", &owner.token);
            assert_eq!(
                status(Method::GET, IDENTITIES, &header).await,
                200,
                "{form}"
            );
        }
        let nobody = client.get(IDENTITIES).await;
        assert_eq!(
            (nobody.status, nobody.error_id()),
            (StatusCode::UNAUTHORIZED, None)
        );
        for wrong in [
            "Bearer",
            "Bearer x",
            "Basic {}",
            "Bearer {}x",
            "{}x",
            "ory_st_x",
        ] {
            let header = wrong.replace("{}", &owner.token);
            assert_eq!(
                status(Method::GET, IDENTITIES, &header).await,
                401,
                "{wrong}"
            );
        }
        assert_eq!(status(Method::GET, IDENTITIES, &foreign.token).await, 403);

        let viewers = [
            key(Some(&project), Role::Viewer).await,
            key(None, Role::Viewer).await,
        ];
        let administrators = [
            key(Some(&project), Role::Admin).await,
            key(None, Role::Admin).await,
        ];
        let session = format!("/admin/sessions/{UNKNOWN}");
        let identity = format!("{IDENTITIES}/{UNKNOWN}");
        for (method, path, answer) in [
            (Method::GET, IDENTITIES.to_owned(), 200),
            (Method::GET, identity.clone(), 404),
            (Method::GET, format!("{identity}/sessions"), 200),
            (Method::GET, "/admin/sessions".to_owned(), 200),
            (Method::GET, session.clone(), 404),
            (Method::POST, IDENTITIES.to_owned(), 400),
            (Method::DELETE, identity.clone(), 404),
            (Method::DELETE, format!("{identity}/sessions"), 404),
            (Method::DELETE, session, 404),
        ] {
            for key in &administrators {
                assert_eq!(
                    status(method.clone(), &path, key).await,
                    answer,
                    "{method} {path}"
                );
            }
            let expected = if method == Method::GET { answer } else { 403 };
            for key in &viewers {
                assert_eq!(
                    status(method.clone(), &path, key).await,
                    expected,
                    "{method} {path}"
                );
            }
        }
        // A session is no key, and a key no session.
        client.sign_up(EMAIL, PASSWORD).await;
        let (token, _) = self::session(&site, &project, EMAIL).await;
        assert_eq!(
            status(Method::GET, IDENTITIES, &format!("Bearer {token}")).await,
            401
        );
        assert_eq!(
            status(Method::GET, WHOAMI, &format!("Bearer {}", owner.token)).await,
            401
        );
        // Revoked keys open nothing.
        site.world
            .installation()
            .revoke_key(&Actor::system(), owner.id)
            .await
            .unwrap();
        assert_eq!(status(Method::GET, IDENTITIES, &owner.token).await, 401);
        site.finish().await;
    });
}

/// VIEWER reads "everything of the project except secrets and credentials".
#[test]
fn a_viewer_sees_no_hash() {
    run(async {
        let site = Site::new().await;
        let project = site.project().await;
        let admin = site.admin(&project);
        let identity = made(&admin, person(EMAIL)).await;
        let request = KeyRequest {
            project: Some(project.id()),
            name: "reads".to_owned(),
            role: Role::Viewer,
            expires_at: None,
        };
        let key = site
            .world
            .installation()
            .create_key(&Actor::system(), &request)
            .await
            .unwrap();
        let mut viewer = site.client(&project, Kind::Api);
        viewer.set_header("authorization", &key.token);
        let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
        for path in [path.as_str(), IDENTITIES] {
            let plain = viewer.get(path).await;
            assert_eq!(plain.status, StatusCode::OK);
            let asked = format!("{path}?include_credential=password");
            assert!(admin.get(&asked).await.text.contains("$argon2id$"));
            let refused = viewer.get(&asked).await;
            assert!(!refused.text.contains("$argon2id$"), "{}", refused.text);
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        }
        site.finish().await;
    });
}
