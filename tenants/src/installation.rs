//! One installation: its pools, what it remembers, its keys and its clock. The root of everything.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;
use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    Fault, Outbound, OutboundPolicy,
    clock::Clock,
    config::{DocumentCheck, Environment, SectionCheck},
    control::keys::KeyCache,
    ids,
    invalidation::{self, Invalidations},
    jsonnet::{Program, Sandbox},
    migrations,
    pools::{Pools, Sizes},
    project::ProjectId,
    registry::Registry,
    roles::Gate,
    schema,
    secrets::{DataKey, MasterKeys},
};

/// What a configuration is judged by, beyond its own schema. Handed in, because this crate knows nothing of
/// people and flows.
#[derive(Clone, Copy, Debug)]
pub struct ConfigRules {
    /// `(pointer, message)` for each problem of an identity schema of that id.
    pub schema_check: fn(&str, &Value) -> Vec<(String, String)>,
    /// Ids of identity schemas that come with the product.
    pub presets: &'static [&'static str],
    /// Every part of the document that somebody will ask for, so that it is known to parse.
    pub sections: &'static [SectionCheck],
    /// What else has a say, once every part parses.
    pub checks: &'static [DocumentCheck],
}

/// How an installation is reached and what it may do.
pub struct Settings {
    /// The gate login.
    pub gate_url: String,
    /// The owner login; needed where slots are made and projects deleted.
    pub owner_url: Option<String>,
    /// Connections of the gate login in all (`INSULA_DB_CONNECTIONS`).
    pub connections: u32,
    /// Where the installation is reached from outside, without a path.
    pub public_url: url::Url,
    /// From `INSULA_SECRETS`.
    pub master_keys: MasterKeys,
    /// `INSULA_ROOT_KEY`, accepted as an installation key of role OWNER.
    pub root_key: Option<String>,
    /// Private ranges that projects may call.
    pub allow_private: Vec<IpNet>,
    /// May DEVELOPMENT projects be made?
    pub allow_development: bool,
    /// How long a deletion can be undone (`INSULA_DELETE_GRACE`).
    pub delete_grace: chrono::TimeDelta,
    /// How many spare slots are kept ready.
    pub spare_slots: i32,
    /// Where "now" comes from.
    pub clock: Clock,
    /// How configurations are judged.
    pub config_rules: ConfigRules,
    /// What evaluates Jsonnet in processes of its own.
    pub sandbox: Program,
    /// False only in the test that shows what the release guard is for.
    pub release_guard: bool,
}

/// A running installation. Cheap to clone.
#[derive(Clone)]
pub struct Installation(Arc<Inner>);

struct Inner {
    settings: Settings,
    prefix: String,
    gate: Gate,
    pools: Pools,
    invalidations: Invalidations,
    registry: Registry,
    keys: KeyCache,
    outbound: Outbound,
    outbound_development: Outbound,
    sandbox: Sandbox,
    slot_wanted: Notify,
    slot_made: Notify,
}

impl Installation {
    /// Connect, check that the database fits this binary and these master keys, and start hearing changes.
    ///
    /// Errors name what to do: an empty or older database, a missing master key.
    pub async fn connect(settings: Settings) -> Result<Self, Fault> {
        let pools = Pools::new(
            &settings.gate_url,
            Sizes {
                total: settings.connections,
                guarded: settings.release_guard,
            },
        )?;
        let prefix = prefix(&pools).await?;
        let policy = |development| OutboundPolicy {
            allow_private: settings.allow_private.clone(),
            allow_all_private: development,
        };
        let this = Self(Arc::new(Inner {
            outbound: outbound(policy(false))?,
            outbound_development: outbound(policy(true))?,
            sandbox: Sandbox::new(settings.sandbox.clone()),
            gate: Gate::of_url(&settings.gate_url)?,
            prefix,
            pools,
            invalidations: Invalidations::new(),
            registry: Registry::new(),
            keys: KeyCache::new(),
            slot_wanted: Notify::new(),
            slot_made: Notify::new(),
            settings,
        }));
        this.check_master_keys().await?;
        this.invalidations().poll(&this.pools().control).await?;
        this.listen();
        Ok(this)
    }

    /// Poll for invalidations until the last handle is gone, or [`Self::close`].
    fn listen(&self) {
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(invalidation::POLL_EVERY).await;
                let Some(inner) = weak.upgrade() else { break };
                if inner.pools.control.is_closed() {
                    break;
                }
                if let Err(error) = inner.invalidations.poll(&inner.pools.control).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "changes cannot be read; caches are bypassed"
                    );
                }
            }
        });
    }

    /// The server must not start when something is stored that no configured key can open.
    async fn check_master_keys(&self) -> Result<(), Fault> {
        for (id, count) in self.master_key_use().await? {
            if !self.0.settings.master_keys.ids().any(|known| known == id) {
                return Err(Fault::broken(format!(
                    "{count} project key(s) are sealed with master key {id}, which INSULA_SECRETS does not contain; add that key to the list"
                )));
            }
        }
        Ok(())
    }

    /// How many projects' keys are wrapped with which master key.
    pub async fn master_key_use(&self) -> Result<Vec<(String, usize)>, Fault> {
        let wrapped =
            sqlx::query_scalar!("select data_key from control.projects where state <> 'DELETED'");
        let mut count = std::collections::BTreeMap::<String, usize>::new();
        for sealed in wrapped.fetch_all(&self.pools().control).await? {
            let id = MasterKeys::key_id_of(&sealed)
                .ok_or_else(|| Fault::broken("a stored project key is not a sealed value"))?;
            *count.entry(id).or_default() += 1;
        }
        Ok(count.into_iter().collect())
    }

    /// Wrap every project's key with the first master key. Answers how many were moved.
    pub async fn rewrap_keys(&self) -> Result<usize, Fault> {
        let rows =
            sqlx::query!("select id, data_key from control.projects where state <> 'DELETED'");
        let primary = self.0.settings.master_keys.primary_id().to_owned();
        let mut moved = 0;
        for row in rows.fetch_all(&self.pools().control).await? {
            if MasterKeys::key_id_of(&row.data_key).as_deref() == Some(&primary) {
                continue;
            }
            let key = self.unwrap_key(ProjectId(row.id), &row.data_key)?;
            let wrapped = self.wrap_key(ProjectId(row.id), &key);
            // Only over what was read: a change in between is left for the next run.
            let done = sqlx::query!(
                "update control.projects set data_key = $3 where id = $1 and data_key = $2",
                row.id,
                row.data_key,
                wrapped
            )
            .execute(&self.pools().control)
            .await?;
            moved += usize::try_from(done.rows_affected()).unwrap_or(0);
        }
        Ok(moved)
    }

    pub(crate) fn wrap_key(&self, project: ProjectId, key: &DataKey) -> Vec<u8> {
        key.wrap(
            &self.0.settings.master_keys,
            project.uuid().as_bytes(),
            ids::bytes(),
        )
    }

    pub(crate) fn unwrap_key(&self, project: ProjectId, wrapped: &[u8]) -> Result<DataKey, Fault> {
        let key = DataKey::unwrap(
            &self.0.settings.master_keys,
            project.uuid().as_bytes(),
            wrapped,
        );
        key.map_err(|e| Fault::broken(format!("key of project {project}: {e}")))
    }

    /// Why this replica should not get traffic: `(component, what is wrong)`. Empty when it should.
    pub async fn readiness(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if let Err(error) = sqlx::query!("select 1 as one")
            .fetch_one(&self.pools().control)
            .await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            wrong.push(("database", "the database does not answer".to_owned()));
        }
        if !self.invalidations().clock_is_right() {
            wrong.push((
                "clock",
                "this machine's clock is more than two seconds off the database's".to_owned(),
            ));
        }
        wrong
    }

    /// `{origin}/p/{slug}`.
    pub(crate) fn base_url_of(&self, slug: &str) -> String {
        format!("{}/p/{slug}", self.origin())
    }

    /// The installation's own origin, `scheme://host[:port]`.
    pub fn origin(&self) -> String {
        self.0.settings.public_url.origin().ascii_serialization()
    }

    /// Is the owner login configured? Without it nobody here makes spare slots or purges projects.
    pub fn has_owner(&self) -> bool {
        self.0.settings.owner_url.is_some()
    }

    /// Where "now" comes from.
    pub fn clock(&self) -> &Clock {
        &self.0.settings.clock
    }

    /// The guarded client of projects in that environment.
    pub fn outbound(&self, environment: Environment) -> &Outbound {
        if environment == Environment::Development {
            &self.0.outbound_development
        } else {
            &self.0.outbound
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    /// Close every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pools().close().await;
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.0.pools
    }

    pub(crate) fn invalidations(&self) -> &Invalidations {
        &self.0.invalidations
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn key_cache(&self) -> &KeyCache {
        &self.0.keys
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Told when a spare slot was taken or is missing.
    pub(crate) fn slot_wanted(&self) -> &Notify {
        &self.0.slot_wanted
    }

    /// Told when spare slots were made.
    pub(crate) fn slot_made(&self) -> &Notify {
        &self.0.slot_made
    }

    /// Invalidate something of the installation itself, on every replica.
    pub(crate) fn own_role(&self) -> String {
        schema::role_name(self.prefix(), schema::REFERENCE_SLOT)
    }

    pub(crate) fn forget_own(&self, key: Uuid) {
        self.invalidations().forget(schema::REFERENCE_SLOT, key);
    }

    /// Wait until the slot keeper says so, or a while passes.
    pub async fn until_slots_are_wanted(&self, or_after: Duration) {
        let _ = tokio::time::timeout(or_after, self.slot_wanted().notified()).await;
    }
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation")
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}

fn outbound(policy: OutboundPolicy) -> Result<Outbound, Fault> {
    Outbound::new(policy).map_err(|e| Fault::broken(format!("the HTTP client cannot be made: {e}")))
}

async fn prefix(pools: &Pools) -> Result<String, Fault> {
    let hint = "run `insula migrate` first";
    let version = sqlx::query_scalar!(
        r#"select coalesce(max(version), 0) as "version!" from control.migrations"#
    );
    let version = match version.fetch_one(&pools.control).await {
        Ok(version) => version,
        // 42P01 and 3F000: no such table or schema; 42501: not granted yet.
        Err(sqlx::Error::Database(e))
            if matches!(e.code().as_deref(), Some("42P01" | "3F000" | "42501")) =>
        {
            0
        }
        Err(other) => return Err(other.into()),
    };
    if version != migrations::control_version() {
        return Err(Fault::broken(format!(
            "the control schema has version {version}, this binary needs {}; {hint}",
            migrations::control_version()
        )));
    }
    Ok(
        sqlx::query_scalar!("select prefix from control.installation")
            .fetch_one(&pools.control)
            .await?,
    )
}
