//! The listeners: the application's, and that of metrics and health alone.

use std::{future::Future, io};

use axum::{Router, routing};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    App,
    admission::{connections::Connections, listener::accept},
    limits::Limits,
    metrics::Metrics,
    public, routes,
};

/// Serve until `shutdown` and the drain after it, then finish what has begun.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let settings = app.settings();
    let connections = Connections::new(settings.limits, settings.trusted_proxies.clone());
    let stopping = app.clone();
    let over = async move {
        shutdown.await;
        stopping.drain().await;
    };
    accept(routes::router(app), &connections, listener, over).await
}

/// Metrics and health without a key: for a listener that only the operator can reach. Serves until `shutdown`;
/// `stopping` is true once the process was told to stop.
pub async fn serve_metrics(
    metrics: Metrics,
    stopping: watch::Receiver<bool>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let shown = metrics.clone();
    let render = move || {
        let shown = shown.clone();
        async move { shown.render().await }
    };
    let ready = move || {
        let (installation, stopping) = (metrics.installation().clone(), *stopping.borrow());
        async move { public::readiness(&installation, stopping).await }
    };
    accept(
        Router::new()
            .route("/metrics", routing::get(render))
            .route("/health/alive", routing::get(async || public::Alive::OK))
            .route("/health/ready", routing::get(ready)),
        &Connections::new(Limits::default(), Vec::new()),
        listener,
        shutdown,
    )
    .await
}
