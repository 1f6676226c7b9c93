//! A project's configuration: one JSON document, checked when it is written and read through typed
//! windows ([`Section`]) that live beside what they configure.
//!
//! What a key may hold stands in `schemas/config.schema.json` alone; the rules between keys stand in
//! `rules.rs`. Nothing here touches a database, the network or a clock, and nothing here knows what a
//! password or an identity is: the caller brings the judgement on identity schemas.

mod change;
mod context;
mod document;
mod environment;
mod formats;
mod lifespans;
mod mask;
mod places;
mod pointer;
mod rules;
mod schema;
mod sealed;
mod section;
mod sources;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_secrets;
pub mod units;
mod unsupported_keys;
mod validate;
mod violation;
mod way_out;

pub(crate) use change::merged_into_masked;
pub use change::{diff, merged};
pub use context::{DocumentCheck, SchemaCheck, ValidateCx};
pub use document::ConfigDoc;
pub use environment::Environment;
pub use mask::{MASK, masked, restore_masks};
pub use places::Place;
pub use rules::DEFAULT_SCHEMAS;
pub(crate) use rules::SESSION_COOKIE;
pub use schema::SCHEMA_TEXT;
pub use sealed::{OpenError, masked_stored};
pub use section::{Section, SectionCheck, section_check};
pub use sources::SCHEMA_BYTES_MAX;
pub use violation::ConfigViolation;
pub use way_out::WayOut;
