//! Everything that code may touch on behalf of one project: its data, configuration, keys, clock.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, atomic::AtomicI64},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Fault, JsonnetError, Outbound,
    cluster::Cluster,
    config::{ConfigDoc, Environment, Section},
    invalidation::{Invalidations, Load},
    jsonnet::Sandbox,
    lengths::Lengths,
    pools::ConnectionState,
    secrets::DataKey,
};

/// The id of a project; not interchangeable with ids of anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(pub(crate) Uuid);

impl ProjectId {
    /// The bare id, for answers and logs.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a project stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectState {
    /// Being made in another cluster.
    Creating,
    /// Its requests are served.
    Active,
    /// Refuses every request with 403 `project_suspended`.
    Suspended,
    /// On its way to another cluster.
    Moving,
    /// Deleted, but its grace is not over: `restoreProject` brings it back.
    Deleting,
    /// Gone. The slug stays taken.
    Deleted,
}

impl ProjectState {
    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Moving => "MOVING",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_value(text.into())
            .map_err(|_| Fault::broken(format!("unknown project state {text:?}")))
    }
}

/// The only handle to a project's data. Nothing else can begin a transaction, and nothing in it says
/// which project is meant, so nothing can say it wrongly. Made by the registry alone. No way leads from
/// it to another project: it holds its cluster, not the installation.
#[derive(Clone)]
pub struct Project(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) record: Record,
    pub(crate) config: ConfigDoc,
    pub(crate) data_key: DataKey,
    pub(crate) begin_sql: Arc<str>,
    pub(crate) base_url: String,
    pub(crate) origin: String,
    pub(crate) cluster: Cluster,
    pub(crate) http: Outbound,
    pub(crate) http_unprotected: Outbound,
    pub(crate) lengths: Lengths,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) memo: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    /// When this replica last asked for a sweep of this project (Unix seconds).
    pub(crate) swept_at: AtomicI64,
}

/// The directory's row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: ProjectId,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) environment: Environment,
    pub(crate) state: ProjectState,
    pub(crate) purge_at: Option<DateTime<Utc>>,
    pub(crate) slot: i32,
    pub(crate) db_role: String,
    pub(crate) schema_version: i32,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) config_revision: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Project {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn record(&self) -> &Record {
        &self.0.record
    }

    /// The project's id.
    pub fn id(&self) -> ProjectId {
        self.0.record.id
    }

    /// The project's slug, unique for ever.
    pub fn slug(&self) -> &str {
        &self.0.record.slug
    }

    /// The name people gave it.
    pub fn name(&self) -> &str {
        &self.0.record.name
    }

    /// DEVELOPMENT, STAGING or PRODUCTION.
    pub fn environment(&self) -> Environment {
        self.0.record.environment
    }

    /// Where it stands in its life.
    pub fn state(&self) -> ProjectState {
        self.0.record.state
    }

    /// When it was made.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.0.record.created_at
    }

    /// When name, environment, state or configuration last changed.
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.0.record.updated_at
    }

    /// The number of the configuration in force; from 1.
    pub fn config_revision(&self) -> i32 {
        self.0.record.config_revision
    }

    /// The primary base, without a slash at its end: `{origin}/p/{slug}`.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// The origin of the installation that serves it, `scheme://host[:port]`.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The project's time. Never the wall clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.cluster.clock().now()
    }

    /// One part of the configuration, parsed once per revision.
    pub fn config<S: Section>(&self) -> Arc<S> {
        self.0.config.section::<S>()
    }

    /// The whole configuration document, secrets in clear: for the administration's masking only.
    pub fn document(&self) -> &ConfigDoc {
        &self.0.config
    }

    /// The key from which the project's cookie, HMAC and cipher keys derive.
    pub fn data_key(&self) -> &DataKey {
        &self.0.data_key
    }

    /// How long what its people and administrators send may be.
    pub fn lengths(&self) -> Lengths {
        self.0.lengths
    }

    /// The guarded client for every call that this project's configuration can cause.
    pub fn http(&self) -> &Outbound {
        &self.0.http
    }

    /// The same for messages that no verified TLS protects: outside DEVELOPMENT it reaches the networks that the
    /// operator listed, and nothing else.
    pub fn http_unprotected(&self) -> &Outbound {
        &self.0.http_unprotected
    }

    /// What a snippet of Jsonnet makes of `ctx`: the value of its call, when it is a function. In a process of
    /// its own, after at most a second of computing.
    pub async fn jsonnet(&self, source: String, ctx: Value) -> Result<Value, JsonnetError> {
        let sandbox = &self.0.sandbox;
        sandbox.evaluate(self.id().uuid(), source, Some(ctx)).await
    }

    /// Call before the first statement of a load whose result is to be cached.
    pub fn loading(&self) -> Load {
        Invalidations::loading()
    }

    /// Something computed from the configuration, kept as long as this revision is in force.
    pub fn memo<T: Any + Send + Sync>(&self, make: impl FnOnce(&Self) -> T) -> Arc<T> {
        let known = self
            .0
            .memo
            .lock()
            .ok()
            .and_then(|memo| memo.get(&TypeId::of::<T>()).cloned());
        if let Some(value) = known.and_then(|value| value.downcast::<T>().ok()) {
            return value;
        }
        let value = Arc::new(make(self));
        if let Ok(mut memo) = self.0.memo.lock() {
            memo.insert(
                TypeId::of::<T>(),
                Arc::clone(&value) as Arc<dyn Any + Send + Sync>,
            );
        }
        value
    }

    /// How the next borrower finds a connection of this project's pool: for tests of the release guard.
    #[doc(hidden)]
    pub async fn probe_connection(&self) -> Result<ConnectionState, Fault> {
        self.0.cluster.pools().probe(self.slot()).await
    }

    /// The cluster that its data lives in; every way to the data goes by it.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    pub(crate) fn slot(&self) -> i32 {
        self.0.record.slot
    }

    pub(crate) fn db_role(&self) -> &str {
        &self.0.record.db_role
    }

    pub(crate) fn begin_sql(&self) -> &Arc<str> {
        &self.0.begin_sql
    }

    pub(crate) fn swept_at(&self) -> &AtomicI64 {
        &self.0.swept_at
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("slug", &self.slug())
            .finish_non_exhaustive()
    }
}
