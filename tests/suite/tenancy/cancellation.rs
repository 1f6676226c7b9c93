//! A transaction that is dropped at any of its waits leaves nothing behind for the next borrower of its
//! connection. The same procedure without the release guard finds something, so the test can fail.
//!
//! Looks inside: the tables.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use sqlx::{AssertSqlSafe, Row as _};
use tenants::{Fault, Project, ids};
use tests::{Database, World, story};

/// Gives up a future after so many polls; between them it waits as usual, so that I/O goes on.
struct GiveUp<F> {
    future: Pin<Box<F>>,
    polls_left: u32,
}

impl<F: Future> Future for GiveUp<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls_left -= 1;
        match self.future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.polls_left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What a request does: begin, write, read, commit.
async fn request(project: &Project) -> Result<(), Fault> {
    let mut tx = project.begin().await?;
    sqlx::query("insert into flows (id, kind, state, expires_at, created_at) values ($1, 'x', '{}', $2, $2)")
        .bind(ids::v4())
        .bind(project.now())
        .execute(tx.conn())
        .await?;
    sqlx::query("select id from flows limit 1")
        .fetch_optional(tx.conn())
        .await?;
    tx.commit().await
}

/// What another project's request sees of its own data.
async fn own_rows(project: &Project) -> i64 {
    let mut tx = project.begin().await.unwrap();
    let row = sqlx::query("select count(*) from identities")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    row.get(0)
}

/// Drops a request at its first, second, … wait until one completes. Answers after how many polls, and
/// after which of them the connection was not clean. The server may answer before it is waited for, so
/// rounds differ.
async fn round(world: &World, project: &Project) -> (u32, Vec<u32>) {
    let mut dirty = Vec::new();
    for polls in 1..200 {
        let attempt = GiveUp {
            future: Box::pin(request(project)),
            polls_left: polls,
        };
        let done = attempt.await;
        let state = project.probe_connection().await.unwrap();
        let clean = state.search_path == "pg_catalog, pg_temp"
            && state.user == state.session_user
            && !state.in_transaction;
        if !clean {
            dirty.push(polls);
        }
        assert_eq!(own_rows(world.neighbour()).await, 1, "after {polls} polls");
        if let Some(done) = done {
            done.unwrap();
            return (polls, dirty);
        }
    }
    panic!("the request never completed");
}

/// One connection for all projects: what is left behind must be met.
async fn world(release_guard: bool) -> World {
    World::on(Database::shared().await, |settings| {
        settings.connections = 4;
        settings.release_guard = release_guard;
    })
    .await
}

const ROUNDS: u32 = 100;

#[story(world(true))]
async fn a_request_dropped_at_any_wait_leaves_a_clean_connection(w: World) {
    let project = w.project().await;
    let (mut deepest, mut rounds) = (0, 0);
    // A busy machine may answer before it is waited for, so that few waits are met in a round.
    while rounds < ROUNDS || (deepest <= 4 && rounds < 20 * ROUNDS) {
        let (polls, dirty) = round(&w, &project).await;
        assert!(dirty.is_empty(), "dirty after {dirty:?} polls");
        deepest = polls.max(deepest);
        rounds += 1;
    }
    assert!(
        deepest > 4,
        "begin, two statements and commit wait at least once each"
    );
}

#[story(world(false))]
async fn without_the_release_guard_the_next_borrower_meets_what_was_left(w: World) {
    let project = w.project().await;
    let mut rounds = 0;
    while round(&w, &project).await.1.is_empty() {
        rounds += 1;
        // A busy machine answers before it is waited for, so that few waits are met in a round.
        assert!(
            rounds < 20 * ROUNDS,
            "nothing was left: is the guard still needed?"
        );
    }
}

#[story(world(true))]
async fn a_failed_begin_closes_its_connection(w: World) {
    let project = w.project().await;
    // As when a role was dropped under a handle that is still held.
    let mut all = w.database().superuser().await;
    let role: String = sqlx::query_scalar("select db_role from control.slots where project = $1")
        .bind(project.id().uuid())
        .fetch_one(&mut all)
        .await
        .unwrap();
    let rename = |from: &str, to: &str| AssertSqlSafe(format!("alter role {from} rename to {to}"));
    let away = format!("{role}_away");
    sqlx::raw_sql(rename(&role, &away))
        .execute(&mut all)
        .await
        .unwrap();
    assert!(project.begin().await.is_err());
    assert_eq!(own_rows(w.neighbour()).await, 1);
    sqlx::raw_sql(rename(&away, &role))
        .execute(&mut all)
        .await
        .unwrap();
    assert_eq!(own_rows(&project).await, 0);
}
