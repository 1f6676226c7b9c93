//! Where a configuration lets messages leave, judged when it is written: without verified TLS into networks that
//! the operator listed, and nowhere else. Each message asks again, since names and lists change.

use std::time::Duration;

use super::{change_error::ChangeError, directory::Directory};
use crate::{
    OutboundError,
    config::{ConfigDoc, ConfigViolation, Environment, WayOut},
};

/// So long a name may take to be looked up.
const LOOKUP_SECONDS_MAX: Duration = Duration::from_secs(2);
const LISTED_ALONE: &str = "Outside DEVELOPMENT it is accepted for hosts in networks that the operator lists in INSULA_ALLOW_PRIVATE";

impl Directory {
    /// What cannot be reached now may be reachable when a message is due; it is noted, not refused.
    pub(crate) async fn check_ways_out(
        &self,
        accepted: &mut ConfigDoc,
        environment: Environment,
    ) -> Result<(), ChangeError> {
        if environment == Environment::Development {
            return Ok(());
        }
        let mut found = Vec::new();
        for way in (self.settings().config_rules.ways_out)(accepted.plain()) {
            let Err(error) = self.look_up(&way, environment).await else {
                continue;
            };
            match (way.unprotected, error) {
                (Some(how), OutboundError::Refused { .. }) => {
                    let message = format!("{how}. {LISTED_ALONE}, and this one is in none");
                    found.push(ConfigViolation::new(way.pointer, message));
                }
                (Some(how), _) => {
                    let message =
                        format!("{how}. {LISTED_ALONE}, and this one cannot be looked up");
                    found.push(ConfigViolation::new(way.pointer, message));
                }
                (None, error @ OutboundError::Refused { .. }) => {
                    let pointer = &way.pointer;
                    accepted.note(format!("{pointer}: nothing can be sent there: {error}"));
                }
                (None, _) => {}
            }
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(ChangeError::Violations(found))
        }
    }

    async fn look_up(&self, way: &WayOut, environment: Environment) -> Result<(), OutboundError> {
        let out = if way.unprotected.is_some() {
            self.outbound_unprotected(environment)
        } else {
            self.outbound(environment)
        };
        let looking = out.resolve(&way.host, way.port);
        let looked_up = tokio::time::timeout(LOOKUP_SECONDS_MAX, looking).await;
        looked_up
            .map_err(|_| OutboundError::Timeout)?
            .map(|_addresses| ())
    }
}
