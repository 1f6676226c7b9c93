//! Hooks: what else happens before and after a flow. Which kind of flow may have which says `catalog.rs`.

pub(crate) mod addresses;
mod check;
pub(crate) mod notify_previous_addresses;
pub(crate) mod revoke_active_sessions;
pub(crate) mod verify_new_address;

pub(crate) use check::check;
