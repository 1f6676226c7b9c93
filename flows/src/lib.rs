//! What a person can do: the self-service flows, their methods and hooks, and the forms they draw.
//!
//! A method decides, one transaction writes, the edge answers. Nothing here sees a header or a status.

pub mod begin;
mod challenge;
pub mod config;
pub mod continue_with;
pub mod csrf;
pub mod cx;
pub mod decision;
pub mod errors;
pub mod flow;
pub mod guard;
pub mod hooks;
pub mod limits;
pub mod login;
mod messages;
pub mod methods;
pub mod recovery;
pub mod registration;
pub mod return_to;
pub mod settings;
pub mod store;
pub mod submission;
mod submit;
pub mod ui;
pub mod verification;
mod write;

use tenants::{ConfigRules, config::section_check};

/// How the configuration of a project is judged: by everybody who will read a part of it.
pub fn config_rules() -> ConfigRules {
    ConfigRules {
        schema_check: identity::schemas::check,
        presets: &identity::schema::PRESET_IDS,
        sections: &[
            section_check::<identity::sessions::SessionConfig>,
            section_check::<identity::sessions::Cookies>,
            section_check::<identity::schemas::IdentityConfig>,
            section_check::<identity::factors::CodeAsFactor>,
            section_check::<config::SelfService>,
            section_check::<config::Enumeration>,
            section_check::<limits::LimitsConfig>,
            section_check::<methods::code::CodeConfig>,
            section_check::<methods::code::CodeFlags>,
            section_check::<methods::password::PasswordConfig>,
            section_check::<methods::password::HasherConfig>,
            section_check::<methods::profile::ProfileConfig>,
            section_check::<settings::SettingsConfig>,
            section_check::<methods::account::AccountConfig>,
            section_check::<methods::link::LinkConfig>,
            section_check::<config::FeatureFlags>,
            section_check::<courier::CourierConfig>,
            section_check::<courier::TextConfig>,
        ],
        checks: &[hooks::check, courier::check],
    }
}
