//! How an installation is reached and what it may do: what `Installation::connect` is given.

use ipnet::IpNet;
use serde_json::Value;

use crate::{
    clock::Clock,
    config::{DocumentCheck, SectionCheck, WayOut},
    jsonnet::Program,
    lengths::Lengths,
    secrets::MasterKeys,
};

/// What a configuration is judged by, beyond its own schema. Handed in, because this crate knows nothing of
/// people and flows.
#[derive(Clone, Copy, Debug)]
pub struct ConfigRules {
    /// `(pointer, message)` for each problem of an identity schema of that id.
    pub schema_check: fn(&str, &Value) -> Vec<(String, String)>,
    /// Ids of identity schemas that come with the product.
    pub presets: &'static [&'static str],
    /// Every part of the document that some crate reads, so that it is known to parse.
    pub sections: &'static [SectionCheck],
    /// What else has a say, once every part parses.
    pub checks: &'static [DocumentCheck],
    /// Where messages leave by an accepted document.
    pub ways_out: fn(&Value) -> Vec<WayOut>,
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
    /// How long what comes from outside may be.
    pub lengths: Lengths,
    /// What evaluates Jsonnet in processes of its own.
    pub sandbox: Program,
    /// False only in the test that shows what the release guard is for.
    pub release_guard: bool,
}
