//! The control plane over HTTP: keys, what their roles may, and the lists that they see.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Client, Kind, ROOT_KEY, Site, fresh_slug, story};
use uuid::Uuid;

use super::Console;

const MAKE: &str = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id name role token prefix } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeApiKey(input: {id: $id}) { id } }";
const VIEWER: &str = "{ viewer { id name role projectSlug kind } }";

/// Token and id of a key: of that project, or of the installation.
pub(super) async fn key(
    console: &Console,
    by: &str,
    slug: Option<&str>,
    role: &str,
) -> (String, String) {
    let input = json!({"slug": slug, "name": format!("{role} key"), "role": role});
    let made = console.data(by, MAKE, json!({"input": input})).await;
    let made = &made["apiKey"];
    assert_eq!(made["role"], role);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["token"]), text(&made["id"]))
}

fn admin(base: &str, key: &str) -> Client {
    let mut client = Client::new(base, Kind::Api);
    client.set_header("authorization", &format!("Bearer {key}"));
    client
}

#[story]
async fn a_key_works_from_its_making_to_its_end(site: Site) {
    let console = Console::at(&site.origin);
    let (project, owner) = site.project_with_key().await;
    let (slug, base) = (Some(project.slug()), project.base_url());
    let (token, id) = key(&console, &owner.token, slug, "VIEWER").await;
    let client = admin(base, &token);
    assert_eq!(client.get("/admin/identities").await.status, StatusCode::OK);
    let who = console.data(&token, VIEWER, json!({})).await;
    assert_eq!(
        who,
        json!({"id": id, "name": "VIEWER key", "role": "VIEWER", "projectSlug": slug, "kind": "API_KEY"})
    );

    let ended = console.data(&owner.token, REVOKE, json!({"id": id})).await;
    assert_eq!(ended["id"], id);
    assert_eq!(
        client.get("/admin/identities").await.status,
        StatusCode::UNAUTHORIZED
    );
    let dead = console.refusal(&token, VIEWER, json!({})).await;
    assert_eq!(dead["code"], "UNAUTHENTICATED");
    for gone in [id.as_str(), "no-uuid", "", &Uuid::nil().to_string()] {
        let refusal = console
            .refusal(&owner.token, REVOKE, json!({"id": gone}))
            .await;
        assert_eq!(refusal["code"], "NOT_FOUND", "{gone}");
    }

    let at = |hours| site.world.clock.now() + TimeDelta::hours(hours);
    let lives =
        |at| json!({"input": {"slug": slug, "name": "short", "role": "OWNER", "expiresAt": at}});
    let past = console.refusal(&owner.token, MAKE, lives(at(-1))).await;
    assert_eq!(past["code"], "INVALID_INPUT");
    let short = console.data(&owner.token, MAKE, lives(at(1))).await;
    let client = admin(base, short["apiKey"]["token"].as_str().unwrap());
    assert_eq!(client.get("/admin/identities").await.status, StatusCode::OK);
    site.world.clock.advance(TimeDelta::hours(1));
    assert_eq!(
        client.get("/admin/identities").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[story]
async fn the_viewer_is_the_key(site: Site) {
    let console = Console::at(&site.origin);
    let root = console.data(ROOT_KEY, VIEWER, json!({})).await;
    assert_eq!(
        root,
        json!({"id": Uuid::nil(), "name": "root key", "role": "OWNER", "projectSlug": null, "kind": "ROOT_KEY"})
    );
    let (token, id) = key(&console, ROOT_KEY, None, "ADMIN").await;
    let of_installation = console.data(&token, VIEWER, json!({})).await;
    assert_eq!(
        of_installation,
        json!({"id": id, "name": "ADMIN key", "role": "ADMIN", "projectSlug": null, "kind": "API_KEY"})
    );
}

/// What each role may, of a project and of the installation; every refusal is FORBIDDEN and changes nothing.
/// What is the installation's only its own keys may, and not those of every role.
async fn on_the_installation(console: &Console, token: &str, whose: Option<&str>, role: &str) {
    let create = "createProject(input: {slug: \"ab\", name: \"n\"}) { project { id } }";
    let key = "createApiKey(input: {name: \"n\", role: VIEWER}) { apiKey { id } }";
    let installation = whose.is_none();
    let expected = if installation && role != "VIEWER" {
        "INVALID_INPUT"
    } else {
        "FORBIDDEN"
    };
    assert_eq!(
        outcome(console, token, create).await,
        expected,
        "{role} of {whose:?}"
    );
    let expected = if installation && role == "OWNER" {
        "data"
    } else {
        "FORBIDDEN"
    };
    assert_eq!(
        outcome(console, token, key).await,
        expected,
        "{role} of {whose:?}"
    );
}

/// W17.4, W17.9.
#[story]
async fn roles_have_their_ceilings(site: Site) {
    let console = Console::at(&site.origin);
    let (project, owner) = site.project_with_key().await;
    let slug = project.slug();
    let make_key = format!(
        "createApiKey(input: {{slug: \"{slug}\", name: \"n\", role: VIEWER}}) {{ apiKey {{ id }} }}"
    );
    let configure =
        format!("updateProjectConfig(input: {{slug: \"{slug}\", config: {{}}}}) {{ notes }}");
    let rename = format!("updateProject(input: {{slug: \"{slug}\"}}) {{ project {{ id }} }}");
    let suspend = format!("suspendProject(input: {{slug: \"{slug}\"}}) {{ project {{ state }} }}");
    let resume = format!("resumeProject(input: {{slug: \"{slug}\"}}) {{ project {{ state }} }}");
    let revoke = format!("revokeApiKey(input: {{id: \"{}\"}}) {{ id }}", Uuid::nil());
    // FORBIDDEN, or what comes when the role suffices.
    let table = [
        (&configure, "VIEWER", "data"),
        (&rename, "VIEWER", "data"),
        (&make_key, "ADMIN", "data"),
        (&suspend, "ADMIN", "data"),
        (&resume, "ADMIN", "data"),
        (&revoke, "ADMIN", "NOT_FOUND"),
    ];
    for whose in [Some(slug), None] {
        for role in ["VIEWER", "ADMIN", "OWNER"] {
            let by = if whose.is_some() {
                &*owner.token
            } else {
                ROOT_KEY
            };
            let (token, _) = key(&console, by, whose, role).await;
            for (body, too_small, otherwise) in table {
                let small = role == "VIEWER" || role == too_small;
                let expected = if small { "FORBIDDEN" } else { otherwise };
                assert_eq!(
                    outcome(&console, &token, body).await,
                    expected,
                    "{role} of {whose:?}: {body}"
                );
            }
            on_the_installation(&console, &token, whose, role).await;
            let client = admin(project.base_url(), &token);
            assert_eq!(client.get("/admin/identities").await.status, StatusCode::OK);
            let made = client
                .post(
                    "/admin/identities",
                    json!({"schema_id": "preset://blank", "traits": {}}),
                )
                .await;
            let expected = if role == "VIEWER" { 403 } else { 201 };
            assert_eq!(made.status, expected, "{role} of {whose:?}: {}", made.text);
        }
    }
}

/// The code of the first error, or `data`.
async fn outcome(console: &Console, key: &str, mutation: &str) -> String {
    let answer = console
        .ask(Some(key), &format!("mutation {{ {mutation} }}"), json!({}))
        .await;
    let code = answer.body["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or("data").to_owned()
}

const PROJECTS: &str = "query($first: Int, $after: String, $search: String) {
    projects(first: $first, after: $after, search: $search) {
        edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
const PEOPLE: &str = "query($slug: String!, $first: Int, $after: String, $search: String) { project(slug: $slug) {
    identities(first: $first, after: $after, search: $search) {
        edges { cursor node { id traits } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

/// What is in the nodes at `field`, and the page's place.
fn page(connection: &Value, field: &str) -> (Vec<String>, Value) {
    let edges = connection["edges"].as_array().unwrap();
    let info = connection["pageInfo"].clone();
    let cursor = |edge: Option<&Value>| edge.map_or(Value::Null, |edge| edge["cursor"].clone());
    assert_eq!(info["startCursor"], cursor(edges.first()));
    assert_eq!(info["endCursor"], cursor(edges.last()));
    let of = |edge: &Value| edge["node"][field].as_str().unwrap().to_owned();
    (edges.iter().map(of).collect(), info)
}

#[story]
async fn projects_are_listed_page_by_page(site: Site) {
    let console = Console::at(&site.origin);
    let common = fresh_slug();
    let slugs: Vec<String> = ["a", "b", "c", "d"]
        .map(|end| format!("{common}-{end}"))
        .into();
    let mut keys = Vec::new();
    for slug in &slugs {
        keys.push(console.create(&site, slug).await.1);
    }
    let list = async |key: &str, more: Value| {
        let asked = tenants::config::merged(&json!({"search": common}), &more);
        page(&console.data(key, PROJECTS, asked).await, "slug")
    };
    let (all, whole) = list(ROOT_KEY, json!({})).await;
    assert_eq!(all, slugs, "by slug");
    assert_eq!(
        (&whole["hasNextPage"], &whole["hasPreviousPage"]),
        (&json!(false), &json!(false))
    );
    let (first, info) = list(ROOT_KEY, json!({"first": 2})).await;
    assert_eq!(
        (&first[..], &info["hasNextPage"]),
        (&slugs[..2], &json!(true))
    );
    // Something new before the cursor moves nothing behind it.
    let early = format!("{common}-a0");
    console.create(&site, &early).await;
    let (second, info) = list(ROOT_KEY, json!({"first": 2, "after": info["endCursor"]})).await;
    assert_eq!(&second[..], &slugs[2..]);
    assert_eq!(
        (&info["hasNextPage"], &info["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    let (none, info) = list(ROOT_KEY, json!({"after": info["endCursor"]})).await;
    assert!(none.is_empty() && info["endCursor"].is_null());
    let (by_name, _) = list(ROOT_KEY, json!({"search": format!("PROJECT {}", slugs[3])})).await;
    assert_eq!(by_name, slugs[3..], "in names, in any case");
    for wild in ["%", "_", "\\"] {
        let (none, _) = list(ROOT_KEY, json!({"search": format!("{common}{wild}")})).await;
        assert!(none.is_empty(), "{wild} means itself");
    }
    // A project's key sees its own alone.
    let (own, info) = list(&keys[1], json!({"first": 1})).await;
    assert_eq!(
        (&own[..], &info["hasNextPage"]),
        (&slugs[1..2], &json!(false))
    );
    let (none, _) = list(&keys[1], json!({"search": slugs[0]})).await;
    assert!(none.is_empty());
    bad_pages(&console, PROJECTS, json!({})).await;
}

#[story]
async fn people_are_listed_and_found(site: Site) {
    let console = Console::at(&site.origin);
    let (project, owner) = site.project_with_key().await;
    let client = admin(project.base_url(), &owner.token);
    let mut ids = Vec::new();
    for name in ["ada", "adam", "eve", "x_y", "xzy"] {
        let person = json!({"schema_id": "preset://email", "traits": {"email": format!("{name}@example.org")}});
        let made = client.post("/admin/identities", person).await;
        ids.push(made.body["id"].as_str().unwrap().to_owned());
    }
    ids.sort();
    let list = async |more: Value| {
        let asked = tenants::config::merged(&json!({"slug": project.slug()}), &more);
        let project = console.data(&owner.token, PEOPLE, asked).await;
        page(&project["identities"], "id")
    };
    let (mut walked, mut after) = (Vec::new(), Value::Null);
    for more in [true, true, false] {
        let (ids, info) = list(json!({"first": 2, "after": after})).await;
        assert_eq!(info["hasNextPage"], more);
        assert_eq!(info["hasPreviousPage"], !after.is_null());
        after = info["endCursor"].clone();
        walked.extend(ids);
    }
    assert_eq!(walked, ids, "each once, by id");
    for (search, found) in [
        ("ada", 2),
        ("ADA@example", 1),
        ("eve@example.org", 1),
        ("x_", 1),
        ("%", 0),
        ("dam", 0),
        ("", 5),
    ] {
        let (ids, _) = list(json!({"search": search})).await;
        assert_eq!(ids.len(), found, "{search:?} is how an identifier begins");
    }
    bad_pages(&console, PEOPLE, json!({"slug": project.slug()})).await;
}

/// Sizes and cursors that are none.
async fn bad_pages(console: &Console, query: &str, with: Value) {
    for bad in [
        json!({"first": 0}),
        json!({"first": -1}),
        json!({"first": 101}),
        json!({"after": "no-cursor"}),
        json!({"after": ""}),
        json!({"search": "a".repeat(201)}),
        json!({"search": "a\nb"}),
    ] {
        let asked = tenants::config::merged(&with, &bad);
        let refusal = console.refusal(ROOT_KEY, query, asked).await;
        assert_eq!(refusal["code"], "INVALID_INPUT", "{bad}");
    }
}
