//! Projects stopped and brought back over GraphQL, and how soon every server knows.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use tests::{Client, Kind, ROOT_KEY, Site, fresh_slug, story};

use super::{CREATE, Console, STATE, second_server};

/// `suspendProject`, `resumeProject`, `restoreProject`.
fn turn(name: &str) -> String {
    format!(
        "mutation($slug: String!) {{ {name}(input: {{slug: $slug}}) {{ project {{ state }} }} }}"
    )
}

const DELETE: &str = "mutation($slug: String!) { deleteProject(input: {slug: $slug}) { slug } }";

/// The promise is on questions asked half a second after the change, however slow the machine is.
async fn within_half_a_second(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    loop {
        let asked = start.elapsed();
        if is_so().await {
            return;
        }
        assert!(
            asked < Duration::from_millis(500),
            "asked after {asked:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What two servers answer below one project's base.
async fn statuses(base: &[String], path: &str, key: &str) -> Vec<(u16, Option<String>)> {
    let mut all = Vec::new();
    for base in base {
        let mut client = Client::new(base, Kind::Api);
        client.set_header("authorization", &format!("Bearer {key}"));
        let answer = client.get(path).await;
        all.push((answer.status.as_u16(), answer.error_id().map(str::to_owned)));
    }
    all
}

const PATHS: [&str; 4] = [
    "/health/alive",
    "/self-service/login/api",
    "/schemas",
    "/admin/identities",
];

/// W17.2.
#[story]
async fn a_suspended_project_refuses_every_request_everywhere_until_it_is_resumed(site: Site) {
    let console = Console::at(&site.origin);
    let slug = fresh_slug();
    let (base, key) = console.create(&site, &slug).await;
    let elsewhere = format!("{}/p/{slug}", second_server(&site, |_| {}).await);
    let (here, both) = ([base.clone()], [base, elsewhere]);
    let everywhere = async |expected: &(u16, Option<String>)| {
        for path in PATHS {
            let seen = statuses(&here, path, &key).await;
            assert_eq!(&seen[0], expected, "{path} here, at once");
        }
        let soon = async || {
            statuses(&both, PATHS[0], &key)
                .await
                .iter()
                .all(|seen| seen == expected)
        };
        within_half_a_second("known at the other server", soon).await;
        for path in PATHS {
            let all = statuses(&both, path, &key).await;
            assert!(all.iter().all(|seen| seen == expected), "{path}: {all:?}");
        }
    };
    let (open, suspended) = ((200, None), (403, Some("project_suspended".to_owned())));
    everywhere(&open).await;
    let state = console
        .data(&key, &turn("suspendProject"), json!({"slug": slug}))
        .await;
    assert_eq!(state["project"]["state"], "SUSPENDED");
    everywhere(&suspended).await;
    let again = console
        .data(&key, &turn("suspendProject"), json!({"slug": slug}))
        .await;
    assert_eq!(
        again["project"]["state"], "SUSPENDED",
        "what already is, is fine"
    );
    let state = console
        .data(&key, &turn("resumeProject"), json!({"slug": slug}))
        .await;
    assert_eq!(state["project"]["state"], "ACTIVE");
    everywhere(&open).await;
}

/// W17.1, W17.2.
#[story]
async fn a_deleted_project_is_nowhere_until_it_is_restored(site: Site) {
    let console = Console::at(&site.origin);
    let slug = fresh_slug();
    let (base, key) = console.create(&site, &slug).await;
    let elsewhere = format!("{}/p/{slug}", second_server(&site, |_| {}).await);
    let nobodys = format!("{}/p/{}", site.origin, fresh_slug());
    let named = json!({"slug": slug});
    let wrong = console
        .refusal(&key, &turn("restoreProject"), named.clone())
        .await;
    assert_eq!(wrong["code"], "WRONG_STATE");
    assert_eq!(
        console.data(&key, DELETE, named.clone()).await["slug"],
        slug
    );
    for path in PATHS {
        let gone = Client::new(&base, Kind::Api).get(path).await;
        let never = Client::new(&nobodys, Kind::Api).get(path).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(gone.text, never.text, "{path}: as a slug never given out");
    }
    let here_and_there = [base, elsewhere];
    let gone = async || {
        let seen = statuses(&here_and_there, PATHS[0], &key).await;
        seen.iter().all(|seen| seen.0 == 404)
    };
    within_half_a_second("gone at the other server", gone).await;

    let state = console.data(&key, STATE, named.clone()).await;
    assert_eq!(state["state"], "DELETING", "its directory row is there");
    for query in [
        turn("suspendProject"),
        turn("resumeProject"),
        DELETE.to_owned(),
    ] {
        let refusal = console.refusal(&key, &query, named.clone()).await;
        assert_eq!(refusal["code"], "NOT_FOUND", "{query}");
    }
    let input = json!({"input": {"slug": slug, "name": "Again"}});
    assert_eq!(
        console.refusal(ROOT_KEY, CREATE, input).await["code"],
        "SLUG_TAKEN"
    );

    let restored = console.data(&key, &turn("restoreProject"), named).await;
    assert_eq!(restored["project"]["state"], "ACTIVE");
    for path in PATHS {
        let here = statuses(&here_and_there[..1], path, &key).await;
        assert_eq!(here, [(200, None)], "{path}");
    }
    let back = async || {
        let seen = statuses(&here_and_there, PATHS[0], &key).await;
        seen.iter().all(|seen| seen.0 == 200)
    };
    within_half_a_second("back at the other server", back).await;
}
