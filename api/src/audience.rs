//! For whom the routes of a project answer. It is said where a route is added, because CSRF cookies and caches
//! go by it; a route cannot be added without.

use axum::{Router, http::Method};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::App;

/// For whom a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Pages and scripts in a browser, which hold forms: a visitor without a CSRF cookie is given one.
    Browsers,
    /// API clients, services and administrators, which hold no forms.
    Clients,
    /// Every visitor alike, whatever the request's cookies say.
    Everyone,
}

impl Audience {
    /// Does the answer give the visitor a CSRF cookie? Not the one to a submission: its form came with one.
    pub(crate) fn gets_csrf_cookie(self, method: &Method) -> bool {
        self == Self::Browsers && matches!(*method, Method::GET | Method::HEAD)
    }

    /// Must caches tell answers apart by the request's cookies?
    pub(crate) fn varies_by_cookie(self) -> bool {
        self != Self::Everyone
    }
}

/// The routes of a project while they are put together.
pub(crate) struct ProjectRoutes {
    router: OpenApiRouter<App>,
    audiences: Vec<(String, Audience)>,
}

impl ProjectRoutes {
    pub(crate) fn new() -> Self {
        Self {
            router: OpenApiRouter::new(),
            audiences: Vec::new(),
        }
    }

    /// Adds a route that answers [`Audience::Browsers`].
    pub(crate) fn for_browsers(self, route: UtoipaMethodRouter<App>) -> Self {
        self.add(Audience::Browsers, route)
    }

    /// Adds a route that answers [`Audience::Clients`].
    pub(crate) fn for_clients(self, route: UtoipaMethodRouter<App>) -> Self {
        self.add(Audience::Clients, route)
    }

    /// Adds a route that answers [`Audience::Everyone`].
    pub(crate) fn for_everyone(self, route: UtoipaMethodRouter<App>) -> Self {
        self.add(Audience::Everyone, route)
    }

    fn add(mut self, audience: Audience, route: UtoipaMethodRouter<App>) -> Self {
        let (_, paths, _) = &route;
        let paths = paths.paths.keys().cloned();
        self.audiences.extend(paths.map(|path| (path, audience)));
        self.router = self.router.routes(route);
        self
    }

    /// Adds the routes of another part.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.audiences.extend(other.audiences);
        self
    }

    /// What is described of the routes.
    pub(crate) fn into_openapi(self) -> OpenApi {
        self.router.into_openapi()
    }

    /// The routes to be served, and for whom each answers.
    pub(crate) fn split(self) -> (Router<App>, Audiences) {
        let (router, _) = self.router.split_for_parts();
        let mut by_path = matchit::Router::new();
        for (path, audience) in self.audiences {
            if let Err(error) = by_path.insert(path, audience) {
                tracing::error!(%error, "a path was added twice");
            }
        }
        (router, Audiences(by_path))
    }
}

/// Audiences by path, matched as the router matches.
pub(crate) struct Audiences(matchit::Router<Audience>);

impl Audiences {
    /// For whom the route of that path answers; `None` when there is none.
    pub(crate) fn of(&self, path: &str) -> Option<Audience> {
        self.0.at(path).ok().map(|route| *route.value)
    }
}
