//! What a visitor can do: the self-service flows, their methods and hooks, and the forms they draw.
//!
//! The machine is `engine`; on it stand the `kinds` of flow, on these `methods` and `hooks`, and `catalog` says
//! who takes part in what. A method decides, one transaction writes, the edge answers. Nothing here sees a header
//! or a status.

mod catalog;
mod engine;
mod hooks;
mod kinds;
pub mod methods;
pub mod ui;

pub use engine::{
    address_proof, after, attempt, begin, continue_with, csrf, cx, decision, errors, fields::Body,
    flags, flow, form, guard, hook, kind, limits, pages, return_to, run, store, strategy,
    submission,
};
pub use kinds::{login, logout, recovery, registration, settings, verification};

use tenants::{
    ConfigRules,
    config::{SectionCheck, section_check},
};

/// Every part of a configuration that a flow, or what it stands on, reads.
static SECTIONS: &[SectionCheck] = &[
    section_check::<identity::sessions::SessionConfig>(),
    section_check::<identity::sessions::Cookies>(),
    section_check::<identity::schemas::IdentityConfig>(),
    section_check::<identity::factors::CodeAsFactor>(),
    section_check::<pages::ReturnConfig>(),
    section_check::<pages::ErrorPageConfig>(),
    section_check::<login::LoginConfig>(),
    section_check::<logout::LogoutConfig>(),
    section_check::<registration::RegistrationConfig>(),
    section_check::<settings::SettingsConfig>(),
    section_check::<recovery::RecoveryConfig>(),
    section_check::<verification::VerificationConfig>(),
    section_check::<flags::Enumeration>(),
    section_check::<flags::FeatureFlags>(),
    section_check::<limits::LimitsConfig>(),
    section_check::<methods::account::AccountConfig>(),
    section_check::<methods::code::CodeConfig>(),
    section_check::<methods::code::CodeFlags>(),
    section_check::<methods::link::LinkConfig>(),
    section_check::<methods::password::PasswordConfig>(),
    section_check::<methods::password::HasherConfig>(),
    section_check::<methods::profile::ProfileConfig>(),
    section_check::<courier::CourierConfig>(),
    section_check::<courier::TextConfig>(),
];

/// How the configuration of a project is judged: by every part that will read it.
pub fn config_rules() -> ConfigRules {
    ConfigRules {
        schema_check: identity::schemas::check,
        presets: &identity::schema::PRESET_IDS,
        sections: SECTIONS,
        checks: &[hooks::check, courier::check],
        ways_out: courier::ways_out,
    }
}
