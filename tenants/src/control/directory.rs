//! The directory: which projects an installation has, their configurations, their keys. It is kept in the
//! control tables of the home cluster, and what was read there is remembered as long as it is true.
//!
//! What can be done with it is `impl Directory` in `registry.rs` and the files beside this one; all of it
//! together is listed in `installation.rs`.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{changes::Changes, key::StoredKey};
use crate::{
    Fault, Outbound, OutboundPolicy, Project, Settings, clock::Clock, cluster::Cluster,
    config::Environment, invalidation::Load, jsonnet::Sandbox, schema,
};

/// The directory of one installation, and what a change to it is judged with.
pub(crate) struct Directory {
    home: Cluster,
    settings: Settings,
    projects: moka::sync::Cache<String, (Project, Load)>,
    keys: moka::sync::Cache<Uuid, (Arc<StoredKey>, Load)>,
    outbound: Outbound,
    outbound_development: Outbound,
    outbound_listed: Outbound,
    sandbox: Arc<Sandbox>,
    changes: Changes,
}

impl Directory {
    pub(crate) fn new(home: Cluster, settings: Settings) -> Result<Self, Fault> {
        let usual = OutboundPolicy {
            allow_private: settings.allow_private.clone(),
            ..OutboundPolicy::default()
        };
        let development = OutboundPolicy {
            allow_all_private: true,
            ..usual.clone()
        };
        let listed = OutboundPolicy {
            listed_only: true,
            ..usual.clone()
        };
        Ok(Self {
            home,
            projects: moka::sync::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_hours(1))
                .build(),
            keys: moka::sync::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(30))
                .build(),
            outbound: outbound(usual)?,
            outbound_development: outbound(development)?,
            outbound_listed: outbound(listed)?,
            sandbox: Arc::new(Sandbox::new(settings.sandbox.clone())),
            changes: Changes::default(),
            settings,
        })
    }

    /// The cluster whose control tables hold the directory.
    pub(crate) fn home(&self) -> &Cluster {
        &self.home
    }

    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.settings.clock
    }

    pub(crate) fn origin(&self) -> String {
        self.settings.public_url.origin().ascii_serialization()
    }

    pub(crate) fn outbound(&self, environment: Environment) -> &Outbound {
        if environment == Environment::Development {
            &self.outbound_development
        } else {
            &self.outbound
        }
    }

    /// For what no TLS protects: outside DEVELOPMENT it reaches listed networks alone.
    pub(crate) fn outbound_unprotected(&self, environment: Environment) -> &Outbound {
        if environment == Environment::Development {
            &self.outbound_development
        } else {
            &self.outbound_listed
        }
    }

    pub(crate) fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// Projects by slug.
    pub(crate) fn known_projects(&self) -> &moka::sync::Cache<String, (Project, Load)> {
        &self.projects
    }

    /// Keys by id.
    pub(crate) fn known_keys(&self) -> &moka::sync::Cache<Uuid, (Arc<StoredKey>, Load)> {
        &self.keys
    }

    /// Under whose name something of the installation itself is invalidated: no project's.
    pub(crate) fn own_role(&self) -> String {
        schema::role_name(self.home.prefix(), schema::REFERENCE_SLOT)
    }

    /// Forget something of the installation itself, here and now.
    pub(crate) fn forget_own(&self, key: Uuid) {
        self.home
            .invalidations()
            .forget(schema::REFERENCE_SLOT, key);
    }
}

fn outbound(policy: OutboundPolicy) -> Result<Outbound, Fault> {
    Outbound::new(policy).map_err(|e| Fault::broken(format!("the HTTP client cannot be made: {e}")))
}
