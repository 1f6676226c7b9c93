//! Accepting connections: limits, graceful shutdown, one task a connection.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, middleware, routing};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, sync::Semaphore};
use tower::ServiceExt as _;

use crate::{App, app::Limits, edge, installation};

const CONNECTIONS_MAX: usize = 10_000;
/// Request line and headers together. The address of an init is stored with its flow, so it must be short.
const HEADERS_BYTES_MAX: usize = 64 << 10;
/// After a shutdown signal, requests have so long to finish.
const FINISH_WITHIN: Duration = Duration::from_secs(20);

/// Everything served: the installation's routes, and those of each project below `/p/{slug}`.
/// Requests must carry `ConnectInfo<SocketAddr>`.
pub fn router(app: App) -> Router {
    let (own, _) = installation::router().split_for_parts();
    own.fallback(edge::dispatch)
        .method_not_allowed_fallback(edge::wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), edge::around))
        .with_state(app)
}

/// Serve until `shutdown`, then finish what has begun.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let headers_within = app.settings().limits.headers_within;
    accept(router(app), headers_within, listener, shutdown).await
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
        Limits::default().headers_within,
        listener,
        shutdown,
    )
    .await
}

async fn accept(
    router: Router,
    headers_within: Duration,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to be given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = router
            .clone()
            .map_request(move |request| with_peer(request, peer));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .max_buf_size(HEADERS_BYTES_MAX)
            .header_read_timeout(headers_within);
        let connection = builder.serve_connection_with_upgrades(
            TokioIo::new(stream),
            TowerToHyperService::new(service),
        );
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended badly");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH_WITHIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

fn with_peer(
    request: hyper::Request<hyper::body::Incoming>,
    peer: SocketAddr,
) -> axum::extract::Request {
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
