//! Starting looks at the installation, not at its projects: what one of them holds cannot keep the
//! others from being served.
//!
//! Looks inside: the tables.

use serde_json::json;
use tenants::Lookup;
use tests::{World, story};

#[story(World::own())]
async fn a_project_that_cannot_be_loaded_does_not_keep_the_server_from_starting(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    sqlx::query("update control.config_revisions set document = $2 where project = $1")
        .bind(project.id().uuid())
        .bind(json!({"secrets": {"default": [{"$sealed": "AAAA"}]}}))
        .execute(&mut all)
        .await
        .unwrap();
    let started = w.replica().await;
    assert!(started.readiness().await.is_empty());
    assert!(matches!(
        started.project(w.neighbour().slug()).await.unwrap(),
        Lookup::Open(_)
    ));
    assert!(
        started.project(project.slug()).await.is_err(),
        "or this test shows nothing"
    );
}
