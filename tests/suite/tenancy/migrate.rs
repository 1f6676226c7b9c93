//! `insula migrate`: repeatable, resumable, patient with locks; and what is served meanwhile.
//!
//! Looks inside: the tables.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenants::{Clock, Fault, Installation, Lookup, Project, migrate};
use tests::{Database, Kind, Site, World, eventually, story};

/// Runs the migration and answers how many projects it reported.
async fn migrated(database: &Database) -> Result<usize, Fault> {
    let reports = AtomicUsize::new(0);
    let count = |_| {
        reports.fetch_add(1, Ordering::Relaxed);
    };
    migrate::migrate(database.owner_url(), database.gate_url(), 2, &count).await?;
    Ok(reports.into_inner())
}

/// Every table of ours, by an id that changes when it is made anew.
async fn tables(all: &mut PgConnection) -> Vec<(String, String)> {
    sqlx::query_as(
        "select relnamespace::regnamespace || '.' || relname, oid::text from pg_class
          where relkind in ('r', 'i') and relnamespace::regnamespace::text ~ '^(control|t_)' order by 1",
    )
    .fetch_all(all)
    .await
    .unwrap()
}

async fn slot(all: &mut PgConnection, project: &Project) -> i32 {
    let sql = "select slot from control.slots where project = $1";
    sqlx::query_scalar(sql)
        .bind(project.id().uuid())
        .fetch_one(all)
        .await
        .unwrap()
}

/// As an older binary would have left it: an empty schema of version 0, and every replica told so.
async fn set_back(all: &mut PgConnection, project: &Project) -> i32 {
    let slot = slot(all, project).await;
    let sql = format!(
        "drop schema t_{slot:06} cascade; create schema t_{slot:06} authorization owner;
         update control.slots set schema_version = 0 where slot = {slot};
         insert into control.invalidation (db_role, key) select db_role, project from control.slots where slot = {slot}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(all)
        .await
        .unwrap();
    slot
}

async fn is_open(at: &Installation, project: &Project) -> bool {
    matches!(at.project(project.slug()).await.unwrap(), Lookup::Open(_))
}

async fn is_migrating(at: &Installation, project: &Project) -> bool {
    matches!(at.project(project.slug()).await.unwrap(), Lookup::Migrating)
}

#[story]
async fn a_fresh_database_is_migrated_once() {
    let database = Database::empty();
    let pending = migrate::check(database.owner_url()).await.unwrap();
    assert_eq!(pending.control, 0);
    assert!(!pending.is_none());
    // The gate login is not there yet, and then its rights are not.
    let refused = Installation::connect(database.settings(&Clock::machine())).await;
    assert!(refused.is_err());

    assert_eq!(
        migrated(&database).await.unwrap(),
        0,
        "there are no projects"
    );
    let pending = migrate::check(database.owner_url()).await.unwrap();
    assert!(pending.is_none(), "{pending:?}");
    let w = World::on(database, |_| {}).await;
    let mut all = w.database().superuser().await;
    let before = tables(&mut all).await;
    assert_eq!(migrated(w.database()).await.unwrap(), 0);
    assert_eq!(tables(&mut all).await, before, "the second run did nothing");
    w.finish().await;
}

#[story]
async fn a_database_without_our_schema_is_refused_with_what_to_do() {
    let database = Database::own().await;
    let mut all = database.superuser().await;
    sqlx::raw_sql("delete from control.migrations")
        .execute(&mut all)
        .await
        .unwrap();
    let refused = Installation::connect(database.settings(&Clock::machine())).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("insula migrate"), "{text}");
}

#[story(World::own())]
async fn a_project_that_is_behind_is_brought_up_and_served_again_everywhere(w: World) {
    let project = w.project().await;
    let replica = w.replica().await;
    let mut all = w.database().superuser().await;
    assert!(is_open(&replica, &project).await);
    set_back(&mut all, &project).await;
    let migrating = async || {
        is_migrating(&replica, &project).await && is_migrating(w.installation(), &project).await
    };
    eventually("nobody serves it", Duration::from_secs(2), migrating).await;
    assert!(
        is_open(&replica, w.neighbour()).await,
        "the others are served meanwhile"
    );
    let pending = migrate::check(w.database().owner_url()).await.unwrap();
    assert_eq!(pending.projects, 1);

    assert_eq!(migrated(w.database()).await.unwrap(), 1);
    let open =
        async || is_open(&replica, &project).await && is_open(w.installation(), &project).await;
    eventually("all serve it again", Duration::from_secs(2), open).await;
    let mut tx = project.begin().await.unwrap();
    let people: i64 = sqlx::query_scalar("select count(*) from identities")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    assert_eq!(people, 0, "with its rights");
    drop(tx);
    assert!(
        migrate::check(w.database().owner_url())
            .await
            .unwrap()
            .is_none()
    );
}

#[story(World::own())]
async fn a_project_that_is_ahead_is_left_to_newer_binaries(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    let slot = slot(&mut all, &project).await;
    shift(&mut all, slot, 1).await;
    let migrating = async || is_migrating(w.installation(), &project).await;
    eventually("it is not served", Duration::from_secs(2), migrating).await;
    assert_eq!(migrated(w.database()).await.unwrap(), 0);
    assert!(is_migrating(w.installation(), &project).await);
    shift(&mut all, slot, -1).await;
}

/// Sets a project this many versions ahead of us, or back, and tells every replica.
async fn shift(all: &mut PgConnection, slot: i32, versions: i32) {
    let sql = format!(
        "update control.slots set schema_version = schema_version + {versions} where slot = {slot};
         insert into control.invalidation (db_role, key) select db_role, project from control.slots where slot = {slot}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(all)
        .await
        .unwrap();
}

#[story]
async fn clients_are_told_to_come_again_soon() {
    let api = api::ApiSettings::default();
    let site = Site::on(Database::own().await, |_| {}, api).await;
    let (project, other) = (site.project().await, site.project().await);
    let browser = site.client(&project, Kind::Html);
    let flow = browser.begin("login", "").await;
    assert_eq!(flow.status, 200, "{}", flow.text);
    let mut all = site.world.database().superuser().await;
    let slot = slot(&mut all, &project).await;
    shift(&mut all, slot, 1).await;
    let path = "/sessions/whoami";
    let script = site.client(&project, Kind::Spa);
    let refused = async || script.get(path).await.status == 503;
    eventually("nobody is served", Duration::from_secs(2), refused).await;
    let native = site.client(&project, Kind::Api);
    let fields = json!({"method": "password", "identifier": "a@x.org", "password": "wrong"});
    for answer in [
        script.get(path).await,
        native.get("/self-service/login/api").await,
        browser.get("/self-service/login/browser").await,
        browser.submit(&flow, fields).await,
        site.admin(&project).get("/admin/identities").await,
    ] {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(answer.error_id(), Some("project_migrating"));
        let wait = answer.headers["retry-after"].to_str().unwrap();
        let wait: u64 = wait.parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(answer.set_cookies().is_empty());
    }
    let served = site.client(&other, Kind::Spa).get(path).await;
    assert_eq!(served.status, 401, "the others are served meanwhile");
    shift(&mut all, slot, -1).await;
    let served = async || script.get(path).await.status == 401;
    eventually("it is served again", Duration::from_secs(2), served).await;
    site.finish().await;
}

#[story(World::own())]
async fn a_locked_project_is_tried_again_and_finally_reported(w: World) {
    let (locked, free) = (w.project().await, w.project().await);
    let mut all = w.database().superuser().await;
    let slot = set_back(&mut all, &locked).await;
    set_back(&mut all, &free).await;
    // Another transaction is making the very table, and has not committed.
    let mut other = w.database().superuser().await;
    let mut lock = other.begin().await.unwrap();
    let table = AssertSqlSafe(format!("create table t_{slot:06}.flows (id int)"));
    sqlx::raw_sql(table).execute(&mut *lock).await.unwrap();
    let reported = migrated(w.database()).await.unwrap_err().to_string();
    assert!(reported.contains("still behind"), "{reported}");
    let pending = migrate::check(w.database().owner_url()).await.unwrap();
    assert_eq!(pending.projects, 1, "the other one is done");

    let let_go = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        lock.rollback().await.unwrap();
    };
    let (done, ()) = tokio::join!(migrated(w.database()), let_go);
    assert_eq!(done.unwrap(), 1, "at the second attempt");
}
