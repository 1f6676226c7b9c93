//! The edge: host and path -> project, cookies, REST, GraphQL. The only crate that knows HTTP.

mod accept;
mod admin;
mod admission;
mod app;
mod audience;
mod body;
mod client;
mod client_address;
mod cookies;
mod cors;
mod edge;
mod error;
pub mod graphql;
mod installation;
mod limits;
mod mailbox;
mod metrics;
mod openapi;
mod paging;
mod public;
mod query;
mod request_id;
mod respond;
mod routes;
mod server;
#[cfg(test)]
mod tests_config_defaults;
mod ui;
mod visit;
mod visits;

pub use app::{ApiSettings, App};
pub use client_address::ClientIpHeader;
pub use limits::Limits;
pub use metrics::Metrics;
pub use routes::{document as openapi, routes};
pub use server::{serve, serve_metrics};

use tenants::{
    ConfigRules,
    config::{SectionCheck, section_check},
};

/// How configurations are judged: by each part of the server that reads a section of one.
pub fn config_rules() -> ConfigRules {
    static SECTIONS: std::sync::LazyLock<Vec<SectionCheck>> = std::sync::LazyLock::new(|| {
        let own: [SectionCheck; 4] = [
            section_check::<cookies::SecretsConfig>(),
            section_check::<cors::CorsConfig>(),
            section_check::<public::CacheFlags>(),
            section_check::<ui::Branding>(),
        ];
        flows::config_rules()
            .sections
            .iter()
            .copied()
            .chain(own)
            .collect()
    });
    ConfigRules {
        sections: &SECTIONS,
        ..flows::config_rules()
    }
}
