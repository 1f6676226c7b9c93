//! Projects share hosts: no two have session cookies of one name, by whatever way they come to it.
//!
//! Looks inside: the tables.

use serde_json::{Value, json};
use tenants::{
    Actor, ChangeError, ConfigRestore, ConfigUpdate, Environment, Installation, NewProject,
    Project, UpdateMode, migrate,
};
use tests::{World, fresh_slug, story};

fn me() -> Actor {
    Actor("test".to_owned())
}

fn named(name: &str) -> Value {
    json!({"session": {"cookie": {"name": name}}})
}

fn merge(config: Value, dry_run: bool) -> ConfigUpdate {
    ConfigUpdate {
        config,
        mode: UpdateMode::Merge,
        expected_revision: None,
        dry_run,
    }
}

async fn rename(at: &Installation, project: &Project, name: &str) -> Result<(), ChangeError> {
    let update = merge(named(name), false);
    at.update_config(&me(), project, &update).await.map(drop)
}

fn is_taken<T>(result: Result<T, ChangeError>) -> bool {
    match result {
        Err(ChangeError::Violations(found)) => {
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].pointer, "/session/cookie/name");
            true
        }
        Err(error) => panic!("{error:?}"),
        Ok(_) => false,
    }
}

async fn named_project(w: &World, name: &str) -> Project {
    w.create(Environment::Production, named(name)).await.0
}

#[story]
async fn a_name_belongs_to_one_project_until_it_is_given_up(w: World) {
    let at = w.installation();
    // Others use the same database.
    let (sid, free) = (fresh_slug(), fresh_slug());
    let first = named_project(&w, &sid).await;
    let second = named_project(&w, &free).await;

    assert!(is_taken(rename(at, &second, &sid).await));
    let dry = at
        .update_config(&me(), &second, &merge(named(&sid), true))
        .await;
    assert!(is_taken(dry));
    let new = NewProject {
        slug: fresh_slug(),
        name: "A third".to_owned(),
        environment: Environment::Production,
        config: named(&sid),
    };
    w.keep_slots().await;
    assert!(is_taken(at.create_project(&me(), new).await));

    // What is the project's own already stays so, by whichever revision.
    let other = merge(json!({"session": {"lifespan": "2h"}}), false);
    at.update_config(&me(), &first, &other).await.unwrap();
    let dry = at
        .update_config(&me(), &first, &merge(named(&sid), true))
        .await;
    assert!(!is_taken(dry));

    let without = merge(json!({"session": {"cookie": null}}), false);
    at.update_config(&me(), &first, &without).await.unwrap();
    assert!(!is_taken(rename(at, &second, &sid).await));
    let back = ConfigRestore {
        revision: 1,
        expected_revision: None,
        dry_run: false,
    };
    assert!(is_taken(at.restore_config(&me(), &first, back).await));
}

#[story]
async fn the_name_of_a_deleted_project_is_free_and_may_be_gone_when_it_is_restored(w: World) {
    let at = w.installation();
    let sid = fresh_slug();
    let first = named_project(&w, &sid).await;
    at.suspend_project(&me(), &first).await.unwrap();
    let second = w.create(Environment::Production, json!({})).await.0;
    assert!(
        is_taken(rename(at, &second, &sid).await),
        "it may be resumed"
    );
    at.delete_project(&me(), &first).await.unwrap();
    assert!(!is_taken(rename(at, &second, &sid).await));
    assert!(is_taken(at.restore_project(&me(), &first).await));
    rename(at, &second, &fresh_slug()).await.unwrap();
    assert!(!is_taken(at.restore_project(&me(), &first).await));
    assert!(is_taken(rename(at, &second, &sid).await));
}

#[story]
async fn two_at_the_same_moment_do_not_both_get_it(w: World) {
    let at = w.installation();
    let replica = w.replica().await;
    let first = w.create(Environment::Production, json!({})).await.0;
    let second = w.create(Environment::Production, json!({})).await.0;
    for _ in 0..5 {
        let sid = fresh_slug();
        let (one, other) = tokio::join!(rename(at, &first, &sid), rename(&replica, &second, &sid));
        assert!(is_taken(one) != is_taken(other));
    }
    replica.close().await;
}

/// Before it was asked for, two projects could have the same.
#[story(World::own())]
async fn where_two_have_the_same_the_older_keeps_it_and_the_younger_is_told(w: World) {
    let (sid, free) = (fresh_slug(), fresh_slug());
    let older = named_project(&w, &sid).await;
    let younger = named_project(&w, &free).await;
    let gone = named_project(&w, &fresh_slug()).await;
    w.installation().delete_project(&me(), &gone).await.unwrap();
    let mut all = w.database().superuser().await;
    sqlx::raw_sql(
        "alter table control.projects drop column session_cookie;
         delete from control.migrations where version >= 2",
    )
    .execute(&mut all)
    .await
    .unwrap();
    sqlx::query("update control.config_revisions set document = $1 where project = any($2)")
        .bind(named(&sid))
        .bind([younger.id().uuid(), gone.id().uuid()].as_slice())
        .execute(&mut all)
        .await
        .unwrap();
    let (owner, gate) = (w.database().owner_url(), w.database().gate_url());
    migrate::migrate(owner, gate, 2, &|_| {}).await.unwrap();

    let at = w.replica().await;
    let lifespan = |hours: &str| merge(json!({"session": {"lifespan": hours}}), false);
    at.update_config(&me(), &older, &lifespan("2h"))
        .await
        .unwrap();
    let changed = at.update_config(&me(), &younger, &lifespan("2h")).await;
    assert!(is_taken(changed));
    rename(&at, &younger, &free).await.unwrap();
    assert!(is_taken(at.restore_project(&me(), &gone).await));
    at.close().await;
}
