//! The worker on a database of its own: what expired goes, what was deleted is purged, spare schemas
//! are made, and a stop lets begun work end.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use chrono::TimeDelta;
use private_postgres::{Options, Server};
use serde_json::json;
use tenants::{
    Clock, ConfigRules, Environment, Installation, Job, NewProject, Project, Settings,
    control::Actor, migrate, secrets::MasterKeys,
};
use tokio::sync::watch;
use worker::Worker;

const SPARE_SLOTS: i32 = 2;

/// An installation with a PostgreSQL of its own, both gone with the test.
struct Installed {
    installation: Installation,
    server: Option<Server>,
    folder: PathBuf,
}

impl Installed {
    async fn begin(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("insula-worker-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).unwrap();
        let options = Options {
            data: folder.join("pg"),
            durable: false,
            max_connections: 30,
            settings: Vec::new(),
        };
        let server = private_postgres::start(&options).unwrap();
        private_postgres::ensure_database(&server, "insula", "insula_owner").unwrap();
        let owner = server.url("insula_owner", "insula");
        let gate = server.url("insula_gate", "insula");
        migrate::migrate(&owner, &gate, 2, &|_| {}).await.unwrap();
        let installation = Installation::connect(settings(gate, owner)).await.unwrap();
        Self {
            installation,
            server: Some(server),
            folder,
        }
    }

    async fn project(&self, slug: &str, environment: Environment) -> Project {
        let new = NewProject {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            environment,
            config: json!({}),
        };
        let actor = Actor::system();
        self.installation
            .create_project(&actor, new)
            .await
            .unwrap()
            .0
    }

    async fn end(mut self) {
        self.installation.close().await;
        self.server.take().unwrap().stop().unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn settings(gate_url: String, owner_url: String) -> Settings {
    Settings {
        gate_url,
        owner_url: Some(owner_url),
        connections: 12,
        public_url: url::Url::parse("http://localhost").unwrap(),
        master_keys: MasterKeys::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap(),
        root_key: None,
        allow_private: Vec::new(),
        allow_development: true,
        delete_grace: TimeDelta::days(7),
        spare_slots: SPARE_SLOTS,
        clock: Clock::shiftable(),
        config_rules: ConfigRules {
            schema_check: |_, _| Vec::new(),
            presets: &["preset://email"],
            sections: &[],
            checks: &[],
            ways_out: |_| Vec::new(),
        },
        lengths: tenants::Lengths::default(),
        sandbox: tenants::Program::this(),
        release_guard: true,
    }
}

/// Flows that expire `after` from now, by the project's clock.
async fn add_flows(project: &Project, count: i32, after: TimeDelta) {
    let (mut tx, now) = (project.begin().await.unwrap(), project.now());
    sqlx::query(
        "insert into flows (id, kind, state, expires_at, created_at)
         select gen_random_uuid(), 'login', '{}', $1, $2 from generate_series(1, $3)",
    )
    .bind(now + after)
    .bind(now)
    .bind(count)
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

async fn flows_of(project: &Project) -> i64 {
    let mut tx = project.begin().await.unwrap();
    sqlx::query_scalar("select count(*) from flows")
        .fetch_one(tx.conn())
        .await
        .unwrap()
}

async fn ask(project: &Project, job: &Job, after: TimeDelta) {
    let mut tx = project.begin().await.unwrap();
    tx.enqueue(job, project.now() + after).await.unwrap();
    tx.commit().await.unwrap();
}

/// Waits for something that is about to happen; a minute is for the slowest machine only.
async fn soon(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..3000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expired_goes_and_nothing_else() {
    let place = Installed::begin("sweep").await;
    place.installation.keep_slots().await.unwrap();
    let (one, two) = (
        place.project("one", Environment::Production).await,
        place.project("two", Environment::Production).await,
    );
    for project in [&one, &two] {
        add_flows(project, 1203, TimeDelta::hours(1)).await;
        add_flows(project, 2, TimeDelta::hours(3)).await;
        ask(project, &Job::SweepExpired, TimeDelta::hours(2)).await;
    }
    let worker = Worker::new(place.installation.clone());
    let only_one = std::slice::from_ref(&one);
    assert_eq!(worker.work_off(only_one).await.unwrap(), 0, "not due yet");
    place.installation.clock().advance(TimeDelta::hours(2));
    assert_eq!(worker.work_off(only_one).await.unwrap(), 1);
    assert_eq!(
        flows_of(&one).await,
        2,
        "more than one batch, and only what expired"
    );
    assert_eq!(
        flows_of(&two).await,
        1205,
        "another project's job stays where it is"
    );
    assert_eq!(worker.work_off(only_one).await.unwrap(), 0, "done is done");
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_is_carried_out_when_its_grace_is_over() {
    let place = Installed::begin("purge").await;
    place.installation.keep_slots().await.unwrap();
    let (kept, gone) = (
        place.project("kept", Environment::Production).await,
        place.project("gone", Environment::Development).await,
    );
    let (actor, worker) = (Actor::system(), Worker::new(place.installation.clone()));
    place
        .installation
        .delete_project(&actor, &gone)
        .await
        .unwrap();
    place
        .installation
        .delete_project(&actor, &kept)
        .await
        .unwrap();
    assert_eq!(
        worker
            .work_off(&[kept.clone(), gone.clone()])
            .await
            .unwrap(),
        1
    );
    assert!(
        place
            .installation
            .find_project("gone")
            .await
            .unwrap()
            .is_none()
    );
    let kept = place
        .installation
        .restore_project(&actor, &kept)
        .await
        .unwrap();
    place.installation.clock().advance(TimeDelta::days(8));
    assert_eq!(
        worker.work_off(std::slice::from_ref(&kept)).await.unwrap(),
        1
    );
    assert_eq!(
        flows_of(&kept).await,
        0,
        "restored: the job found nothing to do"
    );
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_worker_makes_slots_does_jobs_and_stops() {
    let place = Installed::begin("run").await;
    let (shutdown, stop) = watch::channel(false);
    let worker = tokio::spawn(Worker::new(place.installation.clone()).run(stop));
    // There is no slot yet: the creation waits for the worker's.
    let project = place.project("one", Environment::Production).await;
    soon("slots are made again", async || {
        place.installation.spare_slots().await.unwrap() == i64::from(SPARE_SLOTS)
    })
    .await;
    add_flows(&project, 10, TimeDelta::seconds(-1)).await;
    for _ in 0..20 {
        ask(&project, &Job::SweepExpired, TimeDelta::zero()).await;
    }
    soon("every job is done", async || {
        let depth = place.installation.queue_depth().await.unwrap();
        (depth.due, depth.leased, depth.abandoned) == (0, 0, 0)
    })
    .await;
    assert_eq!(flows_of(&project).await, 0);
    shutdown.send_replace(true);
    worker.await.unwrap();
    place.end().await;
}
