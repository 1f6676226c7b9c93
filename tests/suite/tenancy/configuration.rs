//! Changes of a project's configuration, and what is secret in it.
//!
//! Looks inside: the tables.

use serde_json::{Value, json};
use sqlx::PgConnection;
use tenants::{
    Actor, ChangeError, ConfigUpdate, ConfigUpdated, Environment, Installation, Project,
    UpdateMode, config::MASK, secrets::MasterKeys,
};
use tests::{MASTER_KEY, World, story};

const NEW_MASTER_KEY: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

fn merge(config: Value) -> ConfigUpdate {
    ConfigUpdate {
        config,
        mode: UpdateMode::Merge,
        expected_revision: None,
        dry_run: false,
    }
}

async fn change(
    at: &Installation,
    project: &Project,
    update: &ConfigUpdate,
) -> Result<ConfigUpdated, ChangeError> {
    at.update_config(&Actor("author".to_owned()), project, update)
        .await
}

/// Number and author of every revision.
async fn revisions(all: &mut PgConnection, project: &Project) -> Vec<(i32, String)> {
    sqlx::query_as("select revision, author from control.config_revisions where project = $1 order by revision")
        .bind(project.id().uuid())
        .fetch_all(all)
        .await
        .unwrap()
}

/// W16.1, W16.3.
#[story]
async fn a_change_merges_or_replaces_and_makes_a_revision(w: World) {
    let at = w.installation();
    let start =
        json!({"revision": "one", "session": {"lifespan": "1h", "cookie": {"persistent": false}}});
    let (project, _) = w.create(Environment::Production, start).await;
    assert_eq!(project.config_revision(), 1);

    let patch = merge(json!({"revision": null, "session": {"lifespan": "2h"}}));
    let dry = ConfigUpdate {
        dry_run: true,
        ..patch.clone()
    };
    let tried = change(at, &project, &dry).await.unwrap();
    assert_eq!(
        tried.project.config_revision(),
        1,
        "a dry run changes nothing"
    );
    let merged = change(at, &project, &patch).await.unwrap();
    assert_eq!(merged.diff, tried.diff, "and shows what the change will do");
    assert_eq!(
        merged.project.document().plain(),
        &json!({"session": {"lifespan": "2h", "cookie": {"persistent": false}}})
    );
    let same = change(at, &project, &patch).await.unwrap();
    assert_eq!(
        (same.project.config_revision(), same.diff),
        (2, json!([])),
        "no change, no revision"
    );

    let whole = ConfigUpdate {
        mode: UpdateMode::Replace,
        ..merge(json!({"revision": "three"}))
    };
    let replaced = change(at, &project, &whole).await.unwrap();
    assert_eq!(
        replaced.project.document().plain(),
        &json!({"revision": "three"})
    );
    assert_eq!(replaced.project.config_revision(), 3);

    let refused = change(at, &project, &merge(json!({"sesion": {}}))).await;
    assert!(matches!(refused, Err(ChangeError::Violations(_))));
    let mut all = w.database().superuser().await;
    let by_us = |n| (n, "author".to_owned());
    assert_eq!(
        revisions(&mut all, &project).await,
        [(1, "fixture".to_owned()), by_us(2), by_us(3)]
    );
}

#[story]
async fn a_change_is_judged_against_the_latest_revision_whatever_the_caller_holds(w: World) {
    let at = w.installation();
    let (first, _) = w
        .create(Environment::Production, json!({"revision": "one"}))
        .await;
    change(at, &first, &merge(json!({"revision": "two"})))
        .await
        .unwrap();

    let expecting = |n| ConfigUpdate {
        expected_revision: Some(n),
        ..merge(json!({"version": "26"}))
    };
    let stale = change(at, &first, &expecting(1)).await;
    assert!(
        matches!(stale, Err(ChangeError::Conflict { latest: 2 })),
        "{stale:?}"
    );
    let right = change(at, &first, &expecting(2)).await.unwrap();
    assert_eq!(right.project.config_revision(), 3);

    // Back to what the caller still holds: not the same as no change.
    let back = ConfigUpdate {
        mode: UpdateMode::Replace,
        ..merge(json!({"revision": "one"}))
    };
    let back = change(at, &first, &back).await.unwrap();
    assert_eq!(back.project.config_revision(), 4);
    assert_eq!(back.project.document().plain(), &json!({"revision": "one"}));
}

#[story]
async fn changes_at_the_same_time_are_all_kept(w: World) {
    let replica = w.replica().await;
    let (project, _) = w.create(Environment::Production, json!({})).await;
    let (here, there) = (
        merge(json!({"revision": "here"})),
        merge(json!({"version": "there"})),
    );
    let (a, b) = tokio::join!(
        change(w.installation(), &project, &here),
        change(&replica, &project, &there)
    );
    a.unwrap();
    b.unwrap();
    let both = change(w.installation(), &project, &merge(json!({})))
        .await
        .unwrap();
    assert_eq!(
        both.project.document().plain(),
        &json!({"revision": "here", "version": "there"})
    );
    assert_eq!(both.project.config_revision(), 3);
}

/// W16.2.
#[story]
async fn secrets_are_masked_kept_by_their_mask_and_never_at_rest_in_clear(w: World) {
    let at = w.installation();
    let secret = "a secret of the project";
    let (project, _) = w
        .create(
            Environment::Production,
            json!({"secrets": {"default": [secret]}}),
        )
        .await;
    assert_eq!(
        project.document().masked(),
        json!({"secrets": {"default": [MASK]}})
    );
    let patch = merge(json!({"revision": "two", "secrets": {"default": [MASK]}}));
    let kept = change(at, &project, &patch).await.unwrap();
    assert_eq!(
        kept.project.document().plain()["secrets"]["default"],
        json!([secret])
    );
    let lost = change(at, &project, &merge(json!({"secrets": {"cookie": [MASK]}}))).await;
    assert!(
        matches!(lost, Err(ChangeError::Violations(_))),
        "a mask that matches nothing"
    );
    let next = "another secret of the project";
    let changed = change(
        at,
        &project,
        &merge(json!({"secrets": {"default": [next]}})),
    )
    .await
    .unwrap();
    assert!(
        !changed.diff.to_string().contains("secret of the project"),
        "{}",
        changed.diff
    );
    assert_ne!(changed.diff, json!([]), "that it changed can be seen");

    // Another process reads them back.
    let elsewhere = w
        .replica()
        .await
        .find_project(project.slug())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        elsewhere.document().plain()["secrets"]["default"],
        json!([next])
    );
    let mut all = w.database().superuser().await;
    let stored: Vec<String> = sqlx::query_scalar(
        "select r::text from control.config_revisions r where project = $1
         union all select e::text from control.events e where project = $1
         union all select p::text from control.projects p where id = $1",
    )
    .bind(project.id().uuid())
    .fetch_all(&mut all)
    .await
    .unwrap();
    assert!(stored.len() >= 7, "{}", stored.len());
    for row in stored {
        assert!(!row.contains("secret of the project"), "{row}");
    }
}

#[story(World::own())]
async fn master_keys_rotate_and_none_may_be_missing(w: World) {
    let secret = json!({"secrets": {"default": ["a secret of the project"]}});
    let (project, _) = w.create(Environment::Production, secret.clone()).await;
    let old_id = MasterKeys::parse(MASTER_KEY)
        .unwrap()
        .primary_id()
        .to_owned();
    let new_id = MasterKeys::parse(NEW_MASTER_KEY)
        .unwrap()
        .primary_id()
        .to_owned();
    let connect = async |keys: String| {
        let mut settings = w.database().settings(&w.clock);
        settings.master_keys = MasterKeys::parse(&keys).unwrap();
        Installation::connect(settings).await
    };

    let refused = connect(NEW_MASTER_KEY.to_owned())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(&old_id) && refused.contains("INSULA_SECRETS"),
        "{refused}"
    );
    let both = connect(format!("{NEW_MASTER_KEY},{MASTER_KEY}"))
        .await
        .unwrap();
    assert_eq!(both.master_key_use().await.unwrap(), [(old_id.clone(), 2)]);
    assert_eq!(both.rewrap_keys().await.unwrap(), 2);
    assert_eq!(
        both.rewrap_keys().await.unwrap(),
        0,
        "nothing is left to do"
    );
    assert_eq!(both.master_key_use().await.unwrap(), [(new_id.clone(), 2)]);

    let only_new = connect(NEW_MASTER_KEY.to_owned()).await.unwrap();
    let found = only_new
        .find_project(project.slug())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.document().plain(), &secret);
    let refused = connect(MASTER_KEY.to_owned())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains(&new_id), "{refused}");
}
