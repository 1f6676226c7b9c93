//! The control plane over HTTP: a configuration's history, what is brought back from it, and lists of keys.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, Role, config::MASK};
use tests::{Kind, ROOT_KEY, Site, story};
use uuid::Uuid;

use super::{Console, keys::key, pointers};
use crate::tenancy::isolation_table::new_key;

const CONFIGURE: &str =
    "mutation($input: UpdateProjectConfigInput!) { updateProjectConfig(input: $input) {
    project { config configRevision } diff } }";
const RESTORE: &str =
    "mutation($input: RestoreProjectConfigInput!) { restoreProjectConfig(input: $input) {
    project { config configRevision } diff notes } }";
const HISTORY: &str = "query($slug: String!, $first: Int, $after: String) { project(slug: $slug) {
    revisions(first: $first, after: $after) {
        edges { cursor node { number author createdAt diff } } pageInfo { hasNextPage endCursor } } } }";
const ONE: &str = "query($slug: String!, $number: Int!) { project(slug: $slug) {
    revision(number: $number) { number config } } }";
const KEYS: &str = "query($slug: String!, $first: Int, $after: String, $ended: Boolean) { project(slug: $slug) {
    apiKeys(first: $first, after: $after, includeRevoked: $ended) {
        edges { node { id name role prefix author createdAt expiresAt revokedAt } } pageInfo { hasNextPage endCursor } } } }";
const INSTALLATION_KEYS: &str = "query($after: String) { apiKeys(first: 100, after: $after) {
    edges { node { id prefix } } pageInfo { hasNextPage endCursor } } }";

const FIRST: &str = "the first secret, which is sealed";
const SECOND: &str = "the second secret, as long as that";

/// Four revisions of a project made with [`FIRST`]: another lifespan, another secret, a third lifespan.
async fn with_history(site: &Site, console: &Console) -> Project {
    let project = site
        .project_with(json!({"secrets": {"cookie": [FIRST]}, "session": {"lifespan": "2h"}}))
        .await;
    for change in [
        json!({"session": {"lifespan": "3h"}}),
        json!({"secrets": {"cookie": [SECOND]}}),
        json!({"session": {"lifespan": "4h"}}),
    ] {
        let input = json!({"input": {"slug": project.slug(), "config": change}});
        console.data(ROOT_KEY, CONFIGURE, input).await;
    }
    project
}

fn restore(project: &Project, more: Value) -> Value {
    json!({"input": tenants::config::merged(&json!({"slug": project.slug()}), &more)})
}

fn nodes(connection: &Value) -> Vec<Value> {
    let edges = connection["edges"].as_array().unwrap().iter();
    edges.map(|edge| edge["node"].clone()).collect()
}

#[story]
async fn the_history_is_told_newest_first_without_its_secrets(site: Site) {
    let console = Console::at(&site.origin);
    let project = with_history(&site, &console).await;
    let slug = project.slug();
    let asked = json!({"slug": slug, "first": 3});
    let answer = console.ask(Some(ROOT_KEY), HISTORY, asked).await;
    assert!(
        !answer.text.contains(FIRST) && !answer.text.contains(SECOND),
        "{}",
        answer.text
    );
    let revisions = &answer.body["data"]["project"]["revisions"];
    let listed = nodes(revisions);
    let numbers: Vec<_> = listed.iter().map(|it| it["number"].clone()).collect();
    assert_eq!(numbers, [4, 3, 2]);
    assert_eq!(
        listed[0]["diff"],
        json!([{"op": "replace", "path": "/session/lifespan", "value": "4h"}])
    );
    assert_eq!(
        listed[1]["diff"],
        json!([{"op": "replace", "path": "/secrets/cookie/0", "value": MASK}]),
        "that it changed can be seen"
    );
    assert_eq!(listed[0]["author"], "root key");
    let after = revisions["pageInfo"]["endCursor"].clone();
    assert_eq!(revisions["pageInfo"]["hasNextPage"], true);
    let asked = json!({"slug": slug, "after": after});
    let rest = console.data(ROOT_KEY, HISTORY, asked).await;
    let rest = nodes(&rest["revisions"]);
    assert_eq!(rest.len(), 1);
    assert_eq!(
        (&rest[0]["number"], &rest[0]["diff"]),
        (&json!(1), &json!([]))
    );

    let one = async |number: i32| {
        let asked = json!({"slug": slug, "number": number});
        console.data(ROOT_KEY, ONE, asked).await["revision"].clone()
    };
    let second = one(2).await;
    assert_eq!(second["config"]["session"]["lifespan"], "3h");
    assert_eq!(second["config"]["secrets"]["cookie"], json!([MASK]));
    for never in [0, -1, 5, i32::MAX, i32::MIN] {
        assert!(one(never).await.is_null(), "{never}");
    }
    for bad in [
        json!({"first": 0}),
        json!({"first": 101}),
        json!({"after": "x"}),
    ] {
        let asked = tenants::config::merged(&json!({"slug": slug}), &bad);
        let refusal = console.refusal(ROOT_KEY, HISTORY, asked).await;
        assert_eq!(refusal["code"], "INVALID_INPUT", "{bad}");
    }
}

#[story]
async fn a_revision_comes_back_with_the_secrets_it_had(site: Site) {
    let console = Console::at(&site.origin);
    let project = site
        .project_with(json!({"secrets": {"cookie": [FIRST]}}))
        .await;
    let person = site.client(&project, Kind::Spa);
    person
        .sign_up("ada@example.org", "correct-horse-battery")
        .await;
    let change = json!({"secrets": {"cookie": [SECOND]}, "session": {"lifespan": "3h"}});
    let input = json!({"input": {"slug": project.slug(), "config": change}});
    console.data(ROOT_KEY, CONFIGURE, input).await;
    let signed_in = async || person.whoami().await.status == StatusCode::OK;
    assert!(!signed_in().await, "the cookie was sealed with the first");

    let asked = restore(&project, json!({"revision": 1, "dryRun": true}));
    let tried = console.data(ROOT_KEY, RESTORE, asked).await;
    assert_eq!(tried["project"]["configRevision"], 2);
    assert!(!signed_in().await, "only tried");

    let asked = restore(&project, json!({"revision": 1, "expectedRevision": 2}));
    let answer = console.ask(Some(ROOT_KEY), RESTORE, asked).await;
    assert!(
        !answer.text.contains(FIRST) && !answer.text.contains(SECOND),
        "{}",
        answer.text
    );
    let restored = &answer.body["data"]["restoreProjectConfig"];
    assert_eq!(restored["project"]["configRevision"], 3);
    assert_eq!(restored["diff"], tried["diff"]);
    assert_eq!(
        restored["project"]["config"]["secrets"]["cookie"],
        json!([MASK])
    );
    assert_eq!(restored["project"]["config"]["session"], Value::Null);
    assert!(
        signed_in().await,
        "the secret itself came back, not its mask"
    );

    let asked = restore(&project, json!({"revision": 3}));
    let same = console.data(ROOT_KEY, RESTORE, asked).await;
    assert_eq!(
        (&same["project"]["configRevision"], &same["diff"]),
        (&json!(3), &json!([])),
        "what is in force already is no change"
    );
}

#[story]
async fn what_cannot_come_back_is_refused(site: Site) {
    let console = Console::at(&site.origin);
    let project = with_history(&site, &console).await;
    let refused = async |more: Value| {
        console
            .refusal(ROOT_KEY, RESTORE, restore(&project, more))
            .await
    };
    for never in [0, -7, 5, i32::MAX] {
        let refusal = refused(json!({"revision": never})).await;
        assert_eq!(refusal["code"], "NOT_FOUND", "{never}");
    }
    let late = refused(json!({"revision": 1, "expectedRevision": 3})).await;
    assert_eq!(
        (&late["code"], &late["latestRevision"]),
        (&json!("REVISION_CONFLICT"), &json!(4))
    );
    // Another project's revision of that number is not ours, and ours is not shown to it.
    let (neighbour, owner) = site.project_with_key().await;
    let refusal = console
        .refusal(
            &owner.token,
            RESTORE,
            restore(&project, json!({"revision": 1})),
        )
        .await;
    assert_eq!(refusal["code"], "NOT_FOUND");
    let refusal = console
        .refusal(
            &owner.token,
            RESTORE,
            restore(&neighbour, json!({"revision": 4})),
        )
        .await;
    assert_eq!(refusal["code"], "NOT_FOUND", "it has one revision");

    // Rules of today: cheap hashing was right in DEVELOPMENT alone.
    let dear = json!({"input": {"slug": project.slug(), "config": {"hashers": null}}});
    console.data(ROOT_KEY, CONFIGURE, dear).await;
    let staging = "mutation($slug: String!) { updateProject(input: {slug: $slug, environment: STAGING}) { project { id } } }";
    console
        .data(ROOT_KEY, staging, json!({"slug": project.slug()}))
        .await;
    let refusal = refused(json!({"revision": 4})).await;
    let found = pointers(&refusal);
    assert!(
        found.iter().all(|at| at.starts_with("/hashers/argon2")),
        "{refusal}"
    );
}

#[story]
async fn roles_read_the_history_and_write_it(site: Site) {
    let console = Console::at(&site.origin);
    let project = with_history(&site, &console).await;
    let slug = Some(project.slug());
    let asked = json!({"slug": slug});
    for (role, may_restore, may_list) in [
        (Role::Viewer, false, false),
        (Role::Admin, true, false),
        (Role::Owner, true, true),
    ] {
        let (token, _) = new_key(site.world.installation(), Some(&project), role).await;
        let history = console.data(&token, HISTORY, asked.clone()).await;
        assert_eq!(nodes(&history["revisions"]).len(), 4, "{role:?}");
        let code = async |query: &str, variables: Value| {
            let answer = console.ask(Some(&token), query, variables).await;
            let code = answer.body["errors"][0]["extensions"]["code"].as_str();
            code.unwrap_or("data").to_owned()
        };
        let expected = |may: bool| if may { "data" } else { "FORBIDDEN" };
        let again = restore(&project, json!({"revision": 4, "dryRun": true}));
        assert_eq!(
            code(RESTORE, again).await,
            expected(may_restore),
            "{role:?}"
        );
        assert_eq!(
            code(KEYS, asked.clone()).await,
            expected(may_list),
            "{role:?}"
        );
        assert_eq!(
            code(INSTALLATION_KEYS, json!({})).await,
            "FORBIDDEN",
            "{role:?}"
        );
        let (token, _) = new_key(site.world.installation(), None, role).await;
        let answer = console
            .ask(Some(&token), INSTALLATION_KEYS, json!({}))
            .await;
        let refused = answer.body["errors"][0]["extensions"]["code"] == "FORBIDDEN";
        assert_eq!(refused, !may_list, "{role:?} of the installation");
    }
}

/// W17.5.
#[story]
async fn keys_are_listed_without_their_tokens(site: Site) {
    let console = Console::at(&site.origin);
    let (project, owner) = site.project_with_key().await;
    let slug = Some(project.slug());
    let (ended, ended_id) = key(&console, &owner.token, slug, "VIEWER").await;
    let (token, id) = key(&console, &owner.token, slug, "ADMIN").await;
    let revoke = "mutation($id: ID!) { revokeApiKey(input: {id: $id}) { id } }";
    console
        .data(&owner.token, revoke, json!({"id": ended_id}))
        .await;

    let list = async |more: Value| {
        let asked = tenants::config::merged(&json!({"slug": slug}), &more);
        let answer = console.ask(Some(&owner.token), KEYS, asked).await;
        for secret in [&owner.token, &token, &ended] {
            let (_, secret) = secret.rsplit_once('_').unwrap();
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
        let keys = answer.body["data"]["project"]["apiKeys"].clone();
        (nodes(&keys), keys["pageInfo"].clone())
    };
    let (live, _) = list(json!({"ended": false})).await;
    let ids: Vec<_> = live.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert!(
        ids.len() == 2 && ids.contains(&id.as_str()) && !ids.contains(&ended_id.as_str()),
        "{ids:?}"
    );
    let of = |id: &str| live.iter().find(|it| it["id"] == id).unwrap();
    let made = of(&id);
    assert!(token.starts_with(made["prefix"].as_str().unwrap()));
    assert_eq!(made["author"], format!("key:{}", owner.id));
    assert_eq!(
        (&made["role"], &made["revokedAt"]),
        (&json!("ADMIN"), &Value::Null)
    );
    let (all, _) = list(json!({"ended": true})).await;
    assert_eq!(all.len(), 3);
    let gone = all.iter().find(|it| it["id"] == ended_id.as_str()).unwrap();
    assert!(gone["revokedAt"].is_string(), "{gone}");

    // Page by page, each once, also where several were made in one moment.
    let (mut walked, mut after) = (Vec::new(), Value::Null);
    for more in [true, true, false] {
        let asked = json!({"ended": true, "first": 1, "after": after});
        let (page, info) = list(asked).await;
        assert_eq!(info["hasNextPage"], more);
        after = info["endCursor"].clone();
        walked.extend(page);
    }
    assert_eq!(walked, all);

    let (of_installation, installation_id) = key(&console, ROOT_KEY, None, "OWNER").await;
    // The other tests' worlds share the list, and some live in the future.
    let (mut ids, mut after) = (Vec::new(), json!(null));
    loop {
        let asked = json!({"after": after});
        let listed = console.data(&of_installation, INSTALLATION_KEYS, asked);
        let listed = listed.await;
        ids.extend(nodes(&listed).iter().map(|it| it["id"].clone()));
        if listed["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = listed["pageInfo"]["endCursor"].clone();
    }
    assert!(ids.contains(&json!(installation_id)), "{ids:?}");
    assert!(
        !ids.contains(&json!(id)) && !ids.contains(&json!(Uuid::nil())),
        "{ids:?}"
    );
}
