//! The edge: host and path -> project, cookies, REST, GraphQL. The only crate that knows HTTP.

mod accept;
mod admin;
mod app;
mod body;
mod challenges;
mod client;
mod connections;
mod cookies;
mod cors;
mod edge;
mod error;
pub mod graphql;
mod installation;
mod limits;
mod mailbox;
mod openapi;
mod paging;
mod public;
mod query;
mod request_id;
mod respond;
mod room;
mod server;
mod ui;
mod visit;

pub use app::{ApiSettings, App};
pub use limits::Limits;
pub use openapi::document as openapi;
pub use server::{router, serve, serve_metrics};

use tenants::{ConfigRules, config::section_check};

/// How configurations are judged: by everybody who reads a part of one.
pub fn config_rules() -> ConfigRules {
    static SECTIONS: std::sync::LazyLock<Vec<tenants::config::SectionCheck>> =
        std::sync::LazyLock::new(|| {
            let own: [tenants::config::SectionCheck; 4] = [
                section_check::<cookies::SecretsConfig>,
                section_check::<cors::CorsConfig>,
                section_check::<public::CacheFlags>,
                section_check::<ui::Branding>,
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

/// Every REST route served, as `METHOD path`: the project's below `{base}`, then the installation's.
/// The isolation table of the tests must name each.
pub fn routes() -> (Vec<String>, Vec<String>) {
    let of = |router: utoipa_axum::router::OpenApiRouter<App>| {
        let (_, api) = router.split_for_parts();
        let paths = api.paths.paths.into_iter();
        let operations = paths.flat_map(|(path, item)| {
            let methods = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            methods
                .into_iter()
                .filter(|(_, there)| *there)
                .map(move |(method, _)| format!("{method} {path}"))
        });
        operations.collect()
    };
    (of(app::project_router()), of(installation::router()))
}
