//! From a slug to nothing: creation, suspension, deletion with its grace, and what is left afterwards.
//!
//! Looks inside: the tables.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use tenants::{
    Actor, ChangeError, Environment, Fault, Installation, Job, Lookup, NewProject, Project,
    ProjectState, Verdict,
};
use tests::{Database, World, fresh_slug, story};

fn me() -> Actor {
    Actor("test".to_owned())
}

fn wanted(slug: &str) -> NewProject {
    NewProject {
        slug: slug.to_owned(),
        name: "A project".to_owned(),
        environment: Environment::Production,
        config: json!({}),
    }
}

async fn create(world: &World, slug: &str) -> Result<Project, ChangeError> {
    world.keep_slots().await;
    let (project, _) = world
        .installation()
        .create_project(&me(), wanted(slug))
        .await?;
    world.adopt(&project);
    Ok(project)
}

/// Slot and role of a project.
async fn place(all: &mut PgConnection, project: &Project) -> (i32, String) {
    sqlx::query_as("select slot, db_role from control.slots where project = $1")
        .bind(project.id().uuid())
        .fetch_one(all)
        .await
        .unwrap()
}

async fn schema_exists(all: &mut PgConnection, slot: i32) -> bool {
    sqlx::query_scalar("select to_regnamespace($1) is not null")
        .bind(format!("t_{slot:06}"))
        .fetch_one(all)
        .await
        .unwrap()
}

async fn role_exists(all: &mut PgConnection, role: &str) -> bool {
    sqlx::query_scalar("select to_regrole($1) is not null")
        .bind(role)
        .fetch_one(all)
        .await
        .unwrap()
}

/// Does the work that is due: here that can only be purges. Answers how many were carried out.
async fn purge_due(world: &World) -> usize {
    let mut purged = 0;
    for job in world.claim(100).await {
        assert_eq!(job.job, Job::PurgeProject);
        purged += usize::from(
            world
                .installation()
                .purge_project(&job.project)
                .await
                .unwrap(),
        );
        world
            .installation()
            .finish(&job, &Verdict::Done)
            .await
            .unwrap();
    }
    purged
}

async fn seen(installation: &Installation, slug: &str) -> &'static str {
    match installation.project(slug).await.unwrap() {
        Lookup::Open(_) => "open",
        Lookup::Suspended(_) => "suspended",
        Lookup::Migrating => "migrating",
        Lookup::Absent => "absent",
    }
}

#[story]
async fn a_slug_follows_the_rules_and_is_given_out_once(w: World) {
    for bad in [
        "ab",
        "Abc",
        "a_b",
        "-ab",
        "xn--abc",
        "console",
        "www",
        &"a".repeat(41),
    ] {
        let error = create(&w, bad).await.unwrap_err();
        assert!(matches!(error, ChangeError::Invalid(_)), "{bad}: {error}");
    }
    let slug = fresh_slug();
    let project = create(&w, &slug).await.unwrap();
    assert!(matches!(
        create(&w, &slug).await,
        Err(ChangeError::SlugTaken)
    ));
    w.installation()
        .delete_project(&me(), &project)
        .await
        .unwrap();
    assert!(
        matches!(create(&w, &slug).await, Err(ChangeError::SlugTaken)),
        "within its grace"
    );
    w.clock.advance(TimeDelta::days(7));
    assert_eq!(purge_due(&w).await, 1);
    assert!(
        matches!(create(&w, &slug).await, Err(ChangeError::SlugTaken)),
        "for ever"
    );
}

#[story]
async fn of_twenty_who_want_a_slug_one_gets_it() {
    let w = World::on(Database::own().await, |settings| {
        settings.connections = 26;
        settings.spare_slots = 6;
    })
    .await;
    w.keep_slots().await;
    let slug = fresh_slug();
    let me = me();
    let attempts = (0..20).map(|_| w.installation().create_project(&me, wanted(&slug)));
    let mut made = 0;
    for outcome in futures_util::future::join_all(attempts).await {
        match outcome {
            Ok((project, _)) => {
                w.adopt(&project);
                made += 1;
            }
            Err(error) => assert!(matches!(error, ChangeError::SlugTaken), "{error:?}"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(
        w.installation().spare_slots().await.unwrap(),
        5,
        "the others gave theirs back"
    );
    w.finish().await;
}

#[story]
async fn a_suspended_project_refuses_every_request_until_it_is_resumed(w: World) {
    let at = w.installation();
    let slug = fresh_slug();
    let project = create(&w, &slug).await.unwrap();
    assert_eq!(seen(at, &slug).await, "open");
    for _ in 0..2 {
        let suspended = at.suspend_project(&me(), &project).await.unwrap();
        assert_eq!(suspended.state(), ProjectState::Suspended);
        assert_eq!(seen(at, &slug).await, "suspended", "and again, harmlessly");
    }
    at.delete_project(&me(), &project).await.unwrap();
    assert!(matches!(
        at.resume_project(&me(), &project).await,
        Err(ChangeError::WrongState(_))
    ));
    assert_eq!(seen(at, &slug).await, "absent");
    at.restore_project(&me(), &project).await.unwrap();
    assert_eq!(
        seen(at, &slug).await,
        "suspended",
        "as it was before the deletion"
    );
    at.resume_project(&me(), &project).await.unwrap();
    assert_eq!(seen(at, &slug).await, "open");
}

#[story]
async fn a_deletion_can_be_undone_until_its_grace_is_over(w: World) {
    let at = w.installation();
    let slug = fresh_slug();
    let project = create(&w, &slug).await.unwrap();
    at.delete_project(&me(), &project).await.unwrap();
    assert!(matches!(
        at.delete_project(&me(), &project).await,
        Err(ChangeError::WrongState(_))
    ));
    w.clock.advance(TimeDelta::days(6));
    assert!(!at.purge_project(&project).await.unwrap(), "not due");
    at.restore_project(&me(), &project).await.unwrap();
    w.clock.advance(TimeDelta::days(2));
    assert_eq!(
        purge_due(&w).await,
        0,
        "the job of a deletion that was undone does nothing"
    );
    assert_eq!(seen(at, &slug).await, "open");
    project.begin().await.unwrap().commit().await.unwrap();

    at.delete_project(&me(), &project).await.unwrap();
    w.clock.advance(TimeDelta::days(7));
    let late = at.restore_project(&me(), &project).await;
    assert!(matches!(late, Err(ChangeError::WrongState(_))), "{late:?}");
    assert_eq!(purge_due(&w).await, 1);
    assert_eq!(seen(at, &slug).await, "absent");
    assert!(at.find_project(&slug).await.unwrap().is_none());
}

#[story]
async fn a_development_project_has_no_grace(w: World) {
    let project = w.project().await;
    w.installation()
        .delete_project(&me(), &project)
        .await
        .unwrap();
    assert!(
        w.installation()
            .restore_project(&me(), &project)
            .await
            .is_err()
    );
    assert_eq!(purge_due(&w).await, 1);

    let strict = w
        .replica_with(|settings| settings.allow_development = false)
        .await;
    let new = NewProject {
        environment: Environment::Development,
        ..wanted(&fresh_slug())
    };
    let refused = strict.create_project(&me(), new).await;
    assert!(matches!(refused, Err(ChangeError::Invalid(_))));
}

async fn nothing_refers_to(all: &mut PgConnection, project: &Project) {
    for (what, sql) in [
        (
            "revisions",
            "select count(*) from control.config_revisions where project = $1",
        ),
        (
            "keys",
            "select count(*) from control.api_keys where project = $1 and revoked_at is null",
        ),
        (
            "data key",
            "select count(*) from control.projects where id = $1 and data_key <> ''",
        ),
        (
            "jobs",
            "select count(*) from control.jobs j join control.slots s using (db_role) where s.project = $1",
        ),
    ] {
        let left: i64 = sqlx::query_scalar(sql)
            .bind(project.id().uuid())
            .fetch_one(&mut *all)
            .await
            .unwrap();
        assert_eq!(left, 0, "{what}");
    }
}

#[story(World::own())]
async fn nothing_is_left_of_a_purged_project_but_its_slug(w: World) {
    let at = w.installation();
    let mut all = w.database().superuser().await;
    let (project, key) = w.create(Environment::Production, json!({})).await;
    let (slot, role) = place(&mut all, &project).await;
    assert!(
        at.authenticate_key(&key.token).await.unwrap().is_some(),
        "and is in memory now"
    );
    at.delete_project(&me(), &project).await.unwrap();
    w.clock.advance(TimeDelta::days(7));
    assert_eq!(purge_due(&w).await, 1);

    assert!(!schema_exists(&mut all, slot).await);
    assert!(
        at.authenticate_key(&key.token).await.unwrap().is_none(),
        "its keys are dead"
    );
    assert!(
        project.begin().await.map(drop).is_ok(),
        "a handle that is still held finds no tables"
    );
    nothing_refers_to(&mut all, &project).await;

    // The role goes with the next batch; the rest of the batch was made up.
    assert!(role_exists(&mut all, &role).await);
    let made_up = "insert into control.slots (slot, db_role, state, schema_version) select n, 'nobody_' || n, 'DROPPED', 1 from generate_series(900001, 900019) n";
    sqlx::raw_sql(made_up).execute(&mut all).await.unwrap();
    assert_eq!(at.keep_slots().await.unwrap().roles_dropped, 20);
    assert!(!role_exists(&mut all, &role).await);
    assert!(project.begin().await.is_err());

    let (next, _) = w.create(Environment::Production, json!({})).await;
    let used: i64 = sqlx::query_scalar("select count(*) from control.projects where slot = $1")
        .bind(slot)
        .fetch_one(&mut all)
        .await
        .unwrap();
    assert_eq!(used, 1, "the slot stays its own");
    assert!(place(&mut all, &next).await.0 > slot);
    let spare_again: i64 = sqlx::query_scalar(
        "select count(*) from control.slots where slot = $1 and state <> 'GONE'",
    )
    .bind(slot)
    .fetch_one(&mut all)
    .await
    .unwrap();
    assert_eq!(spare_again, 0);
}

#[story(World::on(Database::own().await, |settings| settings.spare_slots = 1))]
async fn without_a_spare_slot_a_creation_waits_for_the_keeper_and_then_gives_up(w: World) {
    assert_eq!(
        w.installation().spare_slots().await.unwrap(),
        0,
        "the neighbour has it"
    );
    let slug = fresh_slug();
    let me = me();
    let creation = w.installation().create_project(&me, wanted(&slug));
    let keeper = async {
        w.installation()
            .until_slots_are_wanted(Duration::from_mins(1))
            .await;
        w.keep_slots().await;
    };
    let (made, ()) = tokio::join!(creation, keeper);
    w.adopt(&made.unwrap().0);

    // The keeper may have made another one right after.
    while w.installation().spare_slots().await.unwrap() > 0 {
        let new = wanted(&fresh_slug());
        w.adopt(&w.installation().create_project(&me, new).await.unwrap().0);
    }
    let slug = fresh_slug();
    let given_up = w.installation().create_project(&me, wanted(&slug)).await;
    let Err(ChangeError::Fault(Fault::Overloaded { retry_after, .. })) = given_up else {
        panic!("{given_up:?}");
    };
    assert!(retry_after > Duration::ZERO);
    w.keep_slots().await;
    let made = w.installation().create_project(&me, wanted(&slug)).await;
    w.adopt(&made.unwrap().0);
}

/// A handle of before the change must not decide what is allowed after it.
#[story]
async fn an_environment_is_judged_by_the_latest_configuration(w: World) {
    let (old, _) = w.create(Environment::Development, json!({})).await;
    w.configure(&old, json!({"hashers": {"argon2": {"memory": "64KB"}}}))
        .await;
    let moved = w
        .installation()
        .update_project(&me(), &old, None, Some(Environment::Production))
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
        .delete_project(&me(), &project)
        .await
        .unwrap();
    w.clock.advance(days(7) - TimeDelta::seconds(5));
    let restored = w.installation().restore_project(&me(), &project).await;
    assert!(
        matches!(restored, Err(ChangeError::WrongState(_))),
        "{restored:?}"
    );
    w.clock.advance(TimeDelta::seconds(-60));
    let restored = w.installation().restore_project(&me(), &project).await;
    assert!(restored.is_ok(), "{restored:?}");
}
