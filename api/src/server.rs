//! The listeners: the application's, and that of the metrics alone.

use std::{future::Future, io};

use axum::{Router, routing};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::{
    App,
    admission::{connections::Connections, listener::accept},
    limits::Limits,
    routes,
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

/// Prometheus metrics, without a key: for a listener that only the operator can reach.
pub async fn serve_metrics(
    handle: PrometheusHandle,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let render = move || {
        let handle = handle.clone();
        async move { handle.render() }
    };
    accept(
        Router::new().route("/metrics", routing::get(render)),
        &Connections::new(Limits::default(), Vec::new()),
        listener,
        shutdown,
    )
    .await
}
