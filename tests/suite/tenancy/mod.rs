//! Projects: their isolation, their life, and what several servers over one database know of them.

mod api_keys;
mod cancellation;
mod configuration;
mod cookie_names;
mod invalidation;
mod isolation;
pub(crate) mod isolation_table;
mod lifecycle;
mod migrate;
mod queue;
pub(crate) mod replicas;
mod round_trips;
mod unloadable_project;
