//! Projects and their isolation: the handle, the transaction, the queue, the control tables.
//!
//! This crate knows nothing of people, flows or HTTP answers. A project's data is reachable only through
//! a [`Tx`], a `Tx` comes only from a [`Project`], and a `Project` only from the registry or a claimed job.

mod cache;
pub mod clock;
mod cluster;
pub mod config;
pub mod control;
mod database_url;
pub mod fair;
mod fault;
pub mod ids;
mod installation;
mod invalidation;
mod job;
mod jsonnet;
mod lengths;
pub mod migrate;
mod migrations;
pub mod open_transactions;
pub mod outbound;
mod poller;
mod pool;
mod pools;
mod project;
mod pruner;
mod queue;
mod reach;
mod registry;
mod roles;
mod schema;
pub mod secrets;
mod settings;
mod slots;
mod tx;

pub use cache::Scoped;
pub use clock::Clock;
pub use config::{Environment, Section};
pub use control::{
    Actor, ChangeError,
    key::{Key, KeyEntry, KeyPage, KeyRequest, NewKey, Role},
    projects::NewProject,
    revisions::{ConfigRestore, ConfigUpdate, ConfigUpdated, RevisionEntry, UpdateMode},
};
pub use database_url::DatabaseWay;
pub use fault::{Fault, broken_constraint};
pub use installation::Installation;
pub use invalidation::Load;
pub use job::{Claimed, Job, Verdict};
pub use jsonnet::{JsonnetError, Program, serve_sandbox};
pub use lengths::Lengths;
pub use outbound::{
    Method, Outbound, OutboundError, OutboundPolicy, OutboundRequest, OutboundResponse,
};
#[doc(hidden)]
pub use pools::ConnectionState;
pub use project::{Project, ProjectId, ProjectState};
pub use pruner::Pruner;
pub use queue::{Claim, QueueDepth};
pub use registry::Lookup;
pub use settings::{ConfigRules, Settings};
pub use slots::Kept;
pub use tx::Tx;
