//! What the configuration says of signing out. It is no flow with a form: the edge ends the session.

use serde::Deserialize;
use tenants::Section;

use crate::engine::after::AfterMethod;

/// `selfservice.flows.logout`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LogoutConfig {
    /// Where browsers go afterwards.
    pub after: AfterMethod,
}

impl Section for LogoutConfig {
    const POINTER: &'static str = "/selfservice/flows/logout";
}
