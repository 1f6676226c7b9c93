//! One test's world: an installation with a clock of its own, its projects, and a neighbour in whose
//! tables nothing may move.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::time::Duration;
use tenants::{
    Actor, ChangeError, Claim, Claimed, Clock, ConfigUpdated, Environment, Fault, Installation,
    Job, NewKey, NewProject, Project, Settings, config, ids,
};

use crate::Database;

/// An installation for one test. [`World::finish`] must be the last thing the test does.
pub struct World {
    /// Moves this world's time alone.
    pub clock: Clock,
    database: Database,
    installation: Installation,
    neighbour: Option<(Project, Vec<(String, String)>)>,
    projects: Mutex<Vec<Project>>,
    finished: bool,
}

impl World {
    /// In the shared database, with five connections.
    pub async fn new() -> Self {
        Self::on(Database::shared().await, |_| {}).await
    }

    /// In a database of its own, which goes when the test ends.
    pub async fn own() -> Self {
        Self::on(Database::own().await, |_| {}).await
    }

    /// In that database, with settings that differ from the suite's.
    pub async fn on(database: Database, adjust: impl FnOnce(&mut Settings)) -> Self {
        let clock = Clock::shiftable();
        let mut settings = database.settings(&clock);
        adjust(&mut settings);
        let mut world = Self {
            clock,
            installation: Installation::connect(settings).await.unwrap(),
            database,
            neighbour: None,
            projects: Mutex::default(),
            finished: false,
        };
        let neighbour = world.project().await;
        furnish(&neighbour).await;
        let rows = fingerprint(&neighbour).await;
        world.neighbour = Some((neighbour, rows));
        world
    }

    /// The installation of this world.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Where it keeps its data.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The project that nothing may touch.
    pub fn neighbour(&self) -> &Project {
        &self.neighbour.as_ref().unwrap().0
    }

    /// A second process of the same installation, at the same time of day.
    pub async fn replica(&self) -> Installation {
        self.replica_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn replica_with(&self, adjust: impl FnOnce(&mut Settings)) -> Installation {
        let mut settings = self.database.settings(&self.clock);
        adjust(&mut settings);
        Installation::connect(settings).await.unwrap()
    }

    /// A DEVELOPMENT project with cheap hashing.
    pub async fn project(&self) -> Project {
        self.project_with(json!({})).await
    }

    /// The same with a merge patch on its configuration.
    pub async fn project_with(&self, patch: Value) -> Project {
        self.create(Environment::Development, cheap(&patch)).await.0
    }

    /// A project in that environment with exactly that configuration, and its first key.
    pub async fn create(&self, environment: Environment, config: Value) -> (Project, NewKey) {
        let slug = fresh_slug();
        let name = format!("Project {slug}");
        let new = NewProject {
            slug,
            name,
            environment,
            config,
        };
        let made = self.make(new).await;
        self.projects().push(made.0.clone());
        made
    }

    /// Slots are made before each project, but other tests take of them meanwhile: then once more.
    async fn make(&self, new: NewProject) -> (Project, NewKey) {
        for _ in 0..10 {
            self.keep_slots().await;
            match self
                .installation
                .create_project(&actor(), new.clone())
                .await
            {
                Err(ChangeError::Fault(Fault::Overloaded { .. })) => {}
                made => return made.unwrap(),
            }
        }
        panic!("other tests take every slot");
    }

    /// Projects that a test made by other means are watched as well.
    pub fn adopt(&self, project: &Project) {
        self.projects().push(project.clone());
    }

    /// Spare slots, as many as the settings ask for.
    pub async fn keep_slots(&self) {
        self.database.keep_slots(&self.installation).await;
    }

    /// Takes what is due of this world's projects at its time.
    pub async fn claim(&self, jobs_max: i64) -> Vec<Claimed> {
        let projects = self.projects().clone();
        let claim = Claim {
            jobs_max,
            per_project_max: jobs_max,
            lease: Duration::from_mins(1),
            only: Some(&projects),
            except: &[],
        };
        self.installation.claim(claim).await.unwrap()
    }

    /// Runs everything that is due of this world's projects at its time, as a worker does.
    pub async fn sweep(&self) {
        let projects = self.projects().clone();
        let worker = worker::Worker::new(self.installation.clone());
        worker.work_off(&projects).await.unwrap();
    }

    /// Merges into a project's configuration; in force when this returns.
    pub async fn configure(&self, project: &Project, patch: Value) -> Project {
        self.try_configure(project, patch).await.unwrap().project
    }

    /// The same, where it may be refused.
    pub async fn try_configure(
        &self,
        project: &Project,
        patch: Value,
    ) -> Result<ConfigUpdated, ChangeError> {
        let update = tenants::ConfigUpdate {
            config: patch,
            mode: tenants::UpdateMode::Merge,
            expected_revision: None,
            dry_run: false,
        };
        self.installation
            .update_config(&actor(), project, &update)
            .await
    }

    /// The last looks: the neighbour's rows are as they were, and no job is due.
    pub async fn finish(mut self) {
        let (neighbour, before) = self.neighbour.take().unwrap();
        assert_eq!(
            before,
            fingerprint(&neighbour).await,
            "the neighbour's rows changed"
        );
        let mut due = self.claim(1000).await;
        // A moved clock may have passed the hour at which an active project is swept.
        // Nor is mail sent that a test has only read.
        due.retain(|claimed| !matches!(claimed.job, Job::SweepExpired | Job::SendMessage { .. }));
        assert!(due.is_empty(), "jobs are still due: {due:?}");
        self.installation.close().await;
        self.finished = true;
    }

    fn projects(&self) -> MutexGuard<'_, Vec<Project>> {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "the test ended without World::finish, so the neighbour was not looked at"
        );
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Cheap hashing and no call to the breach service.
pub(crate) fn cheap(patch: &Value) -> Value {
    let cheap = json!({
        "hashers": {"argon2": {"memory": "64KB", "iterations": 1, "parallelism": 1}},
        "selfservice": {"methods": {"password": {"config": {"haveibeenpwned_enabled": false}}}},
    });
    config::merged(&cheap, patch)
}

/// A slug that no project had before.
pub fn fresh_slug() -> String {
    format!("t-{}", ids::alphanumeric(14).to_lowercase())
}

/// The author of what the fixture changes.
fn actor() -> Actor {
    Actor("fixture".to_owned())
}

/// Rows that are read or written when a test reaches the wrong tables; in empty ones that would go unnoticed.
async fn furnish(neighbour: &Project) {
    let mut tx = neighbour.begin().await.unwrap();
    let id = ids::v4();
    sqlx::query(
        "insert into identities (id, schema_id, state, state_changed_at, traits, created_at, updated_at)
         values ($1, 'preset://email', 'active', $2, '{\"email\": \"neighbour@example.org\"}', $2, $2)",
    )
    .bind(id)
    .bind(neighbour.now())
    .execute(tx.conn())
    .await
    .unwrap();
    sqlx::query("insert into identifiers (kind, value, identity_id) values ('password', 'neighbour@example.org', $1)")
        .bind(id)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Every table of a project's schema and a digest of its rows.
pub async fn fingerprint(project: &Project) -> Vec<(String, String)> {
    let mut tx = project.begin().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' order by 1",
    )
    .fetch_all(tx.conn())
    .await
    .unwrap();
    assert!(tables.len() >= 6, "a project has tables: {tables:?}");
    let digest = |table: &String| {
        format!(
            "select '{table}', count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t"
        )
    };
    let all: Vec<String> = tables.iter().map(digest).collect();
    sqlx::query_as(AssertSqlSafe(all.join(" union all ")))
        .fetch_all(tx.conn())
        .await
        .unwrap()
}
