//! A project's configuration over GraphQL: changed, tried, refused, and what is secret in it.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, config::MASK};
use tests::{Kind, ROOT_KEY, Site, story};

use super::{Console, pointers};

const CONFIGURE: &str =
    "mutation($input: UpdateProjectConfigInput!) { updateProjectConfig(input: $input) {
    project { config configRevision } diff notes } }";

fn change(project: &Project, more: &Value) -> Value {
    json!({"input": tenants::config::merged(&json!({"slug": project.slug()}), more)})
}

#[story]
async fn a_configuration_merges_replaces_or_is_only_tried(site: Site) {
    let console = Console::at(&site.origin);
    let project = site.project().await;
    let change = |more| change(&project, &more);
    let off = json!({"selfservice": {"flows": {"registration": {"enabled": false}}}});
    let tried = console
        .data(
            ROOT_KEY,
            CONFIGURE,
            change(json!({"config": off, "dryRun": true})),
        )
        .await;
    assert_eq!(tried["project"]["configRevision"], 1);
    let added =
        json!([{"op": "add", "path": "/selfservice/flows/registration/enabled", "value": false}]);
    assert_eq!(tried["diff"], added);
    let visitor = site.client(&project, Kind::Spa);
    assert_eq!(
        visitor.begin("registration", "").await.status,
        StatusCode::OK
    );

    let merged = console
        .data(
            ROOT_KEY,
            CONFIGURE,
            change(json!({"config": off, "expectedRevision": 1})),
        )
        .await;
    assert_eq!(
        (&merged["project"]["configRevision"], &merged["diff"]),
        (&json!(2), &added)
    );
    assert!(
        merged["project"]["config"]["hashers"].is_object(),
        "the rest stays"
    );
    let refused = visitor.begin("registration", "").await;
    assert_eq!(
        refused.error_id(),
        Some("self_service_flow_disabled"),
        "in force with the answer"
    );

    let whole = json!({"config": {"session": {"lifespan": "3h"}}, "mode": "REPLACE"});
    let replaced = console.data(ROOT_KEY, CONFIGURE, change(whole)).await;
    assert_eq!(
        replaced["project"]["config"],
        json!({"session": {"lifespan": "3h"}})
    );
}

#[story]
async fn a_configuration_that_is_late_or_wrong_is_refused(site: Site) {
    let console = Console::at(&site.origin);
    let project = site.project().await;
    let change = |more| change(&project, &more);
    let newer = change(json!({"config": {"session": {"lifespan": "2h"}}}));
    let newer = console.data(ROOT_KEY, CONFIGURE, newer).await;
    assert_eq!(newer["project"]["configRevision"], 2);
    let late = console
        .refusal(
            ROOT_KEY,
            CONFIGURE,
            change(json!({"config": {}, "expectedRevision": 1})),
        )
        .await;
    assert_eq!(
        (&late["code"], &late["latestRevision"]),
        (&json!("REVISION_CONFLICT"), &json!(2))
    );
    let bad = console
        .refusal(
            ROOT_KEY,
            CONFIGURE,
            change(json!({"config": {"session": {"lifespan": 3}}})),
        )
        .await;
    assert_eq!(pointers(&bad), ["/session/lifespan"]);
    for not_served in [json!({"sesion": {}}), json!([]), json!("text")] {
        let refusal = console
            .refusal(ROOT_KEY, CONFIGURE, change(json!({"config": not_served})))
            .await;
        assert!(!pointers(&refusal).is_empty());
    }
}

#[story]
async fn secrets_are_masked_and_a_mask_keeps_them(site: Site) {
    let console = Console::at(&site.origin);
    let secret = "a secret that nobody may read again";
    let project = site
        .project_with(json!({"secrets": {"cookie": [secret]}}))
        .await;
    let person = site.client(&project, Kind::Spa);
    person
        .sign_up("ada@example.org", "correct-horse-battery")
        .await;
    let change = |config: Value| json!({"input": {"slug": project.slug(), "config": config}});
    let masked = json!({"secrets": {"cookie": [MASK]}, "session": {"lifespan": "5h"}});
    let answer = console.ask(Some(ROOT_KEY), CONFIGURE, change(masked)).await;
    assert!(!answer.text.contains(secret), "{}", answer.text);
    let kept = &answer.body["data"]["updateProjectConfig"]["project"];
    assert_eq!(
        (
            &kept["config"]["secrets"]["cookie"],
            &kept["configRevision"]
        ),
        (&json!([MASK]), &json!(2))
    );
    assert_eq!(
        person.whoami().await.status,
        StatusCode::OK,
        "the cookie still opens"
    );

    let given = change(json!({"secrets": {"cookie": ["another secret of the same length"]}}));
    let answer = console.ask(Some(ROOT_KEY), CONFIGURE, given).await;
    assert!(
        answer.body["data"]["updateProjectConfig"]["diff"][0].is_object(),
        "{}",
        answer.text
    );
    assert!(
        !answer.text.contains("another secret") && !answer.text.contains(secret),
        "{}",
        answer.text
    );
    assert_eq!(person.whoami().await.status, StatusCode::UNAUTHORIZED);
    let nothing = console
        .refusal(
            ROOT_KEY,
            CONFIGURE,
            change(json!({"secrets": {"default": [MASK]}})),
        )
        .await;
    assert!(
        pointers(&nothing)[0].starts_with("/secrets/default"),
        "{nothing}"
    );
}
