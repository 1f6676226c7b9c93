//! The fixture's own promises: what a test leaves behind does not go unnoticed.
//!
//! Looks inside: the tables.

use tenants::Job;
use tests::{World, story};

#[story]
#[should_panic(expected = "without World::finish")]
async fn a_world_that_is_not_finished_is_a_failure() {
    let _unfinished = World::new().await;
}

#[story]
#[should_panic(expected = "the neighbour's rows changed")]
async fn a_touched_neighbour_is_a_failure(w: World) {
    let mut tx = w.neighbour().begin().await.unwrap();
    sqlx::query("update identities set updated_at = updated_at + interval '1 second'")
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[story]
#[should_panic(expected = "jobs are still due")]
async fn a_job_left_due_is_a_failure(w: World) {
    let project = w.project().await;
    let mut tx = project.begin().await.unwrap();
    tx.enqueue(&Job::PurgeProject, project.now()).await.unwrap();
    tx.commit().await.unwrap();
}
