//! All routes put together, above every handler: a project's below `/p/{slug}`, the installation's beside
//! them; and what is told of them, to the tests and in the description of the REST interface.

use std::sync::Arc;

use axum::{Router, handler::Handler as _, middleware};
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App, admin,
    audience::ProjectRoutes,
    edge::{
        self,
        dispatch::{Projects, dispatch},
        fallback::{fallback, wrong_method},
    },
    installation, mailbox, openapi, public, ui,
};

/// Everything below `{base}`.
fn project() -> ProjectRoutes {
    public::router()
        .merge(admin::router())
        .merge(ui::router())
        .merge(mailbox::router())
}

/// Everything beside the projects.
fn installation() -> OpenApiRouter<App> {
    installation::router().merge(openapi::router(document))
}

/// Everything served: the installation's routes, and those of each project below `/p/{slug}`.
/// Requests must carry `ConnectInfo<SocketAddr>`.
pub(crate) fn router(app: App) -> Router {
    let (of_project, audiences) = project().split();
    let projects = Projects {
        routes: of_project
            .fallback(fallback)
            .method_not_allowed_fallback(wrong_method)
            .with_state(app.clone()),
        audiences: Arc::new(audiences),
        app: app.clone(),
    };
    let (own, _) = installation().split_for_parts();
    own.fallback_service(dispatch.with_state(projects))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), edge::around))
        .with_state(app)
}

/// The whole description, as in `schemas/openapi.json`.
pub fn document() -> Value {
    openapi::describe(project().into_openapi(), installation().into_openapi())
}

/// Every REST route served, as `METHOD path`: the project's below `{base}`, then the installation's.
/// The isolation table of the tests must name each.
pub fn routes() -> (Vec<String>, Vec<String>) {
    (
        named(project().into_openapi()),
        named(installation().into_openapi()),
    )
}

fn named(api: OpenApi) -> Vec<String> {
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
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::audience::Audience;

    const BROWSERS: [&str; 23] = [
        "/.well-known/change-password",
        "/recovery/code",
        "/recovery/link",
        "/schemas",
        "/self-service/errors",
        "/self-service/insula/account/data",
        "/self-service/login",
        "/self-service/login/browser",
        "/self-service/login/flows",
        "/self-service/logout",
        "/self-service/logout/browser",
        "/self-service/recovery",
        "/self-service/recovery/browser",
        "/self-service/recovery/flows",
        "/self-service/registration",
        "/self-service/registration/browser",
        "/self-service/registration/flows",
        "/self-service/settings",
        "/self-service/settings/browser",
        "/self-service/settings/flows",
        "/self-service/verification",
        "/self-service/verification/browser",
        "/self-service/verification/flows",
    ];
    const EVERYONE: [&str; 8] = [
        "/health/alive",
        "/health/ready",
        "/ui/assets/{file}",
        "/ui/config.json",
        "/ui/mail",
        "/ui/mail/{id}",
        "/ui/{page}",
        "/version",
    ];

    /// A new route for browsers is a line here: an answer that gives a CSRF cookie away is one to think of.
    #[test]
    fn every_route_of_a_project_says_for_whom_it_answers() {
        let (_, audiences) = project().split();
        let (of_project, _) = routes();
        let (mut browsers, mut everyone) = (BTreeSet::new(), BTreeSet::new());
        for route in &of_project {
            let (_, path) = route.split_once(' ').unwrap();
            match audiences.of(&path.replace(['{', '}'], "")) {
                Some(Audience::Browsers) => browsers.insert(path),
                Some(Audience::Everyone) => everyone.insert(path),
                Some(Audience::Clients) => true,
                None => panic!("{route} does not say for whom it answers"),
            };
        }
        assert_eq!(browsers, BTreeSet::from(BROWSERS));
        assert_eq!(everyone, BTreeSet::from(EVERYONE));
    }
}
