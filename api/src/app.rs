//! What every request can reach, made once per process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use identity::People;
use ipnet::IpNet;
use tenants::Installation;

use crate::{
    admission::Admission,
    client_address::{ClientIpHeader, Proxies},
    graphql,
    limits::Limits,
    metrics::Metrics,
    visits::Visits,
};

/// How the edge behaves.
#[derive(Clone, Debug, Default)]
pub struct ApiSettings {
    /// Development mode: introspection without a key, and mail that is read without one.
    pub dev: bool,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they name the client.
    pub client_ip_header: ClientIpHeader,
    /// What a request may take.
    pub limits: Limits,
    /// So long it serves on after it was told to stop, and says so.
    pub drain: Duration,
}

/// The application: everything that handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    installation: Installation,
    people: Arc<People>,
    settings: ApiSettings,
    metrics: Option<Metrics>,
    graphql: graphql::Schema,
    admission: Arc<Admission>,
    visits: Visits,
    proxies: Proxies,
    stopping: AtomicBool,
}

impl App {
    /// Put the parts together. `metrics`: shown to holders of an installation key.
    pub fn new(
        installation: Installation,
        people: Arc<People>,
        settings: ApiSettings,
        metrics: Option<Metrics>,
    ) -> Self {
        let graphql = graphql::schema(installation.clone());
        let proxies = Proxies::new(
            settings.trusted_proxies.clone(),
            settings.client_ip_header.clone(),
        );
        Self(Arc::new(Inner {
            installation,
            people,
            admission: Arc::new(Admission::new(&settings.limits)),
            visits: Visits::new(settings.limits.visits_per_minute),
            settings,
            metrics,
            graphql,
            proxies,
            stopping: AtomicBool::new(false),
        }))
    }

    /// The installation.
    pub fn installation(&self) -> &Installation {
        &self.0.installation
    }

    /// Sessions in memory and the hashing pool.
    pub fn people(&self) -> &People {
        &self.0.people
    }

    /// How the edge behaves.
    pub fn settings(&self) -> &ApiSettings {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.0.metrics.as_ref()
    }

    pub(crate) fn graphql(&self) -> &graphql::Schema {
        &self.0.graphql
    }

    pub(crate) fn visits(&self) -> &Visits {
        &self.0.visits
    }

    pub(crate) fn admission(&self) -> &Arc<Admission> {
        &self.0.admission
    }

    /// Was it told to stop? Then every answer is the last of its connection.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    /// Say so from now on, for long enough that the proxies that send traffic here have asked. Without a database
    /// none does.
    pub(crate) async fn drain(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(self.settings().drain) => {}
            () = self.installation().until_away() => {}
        }
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }
}
