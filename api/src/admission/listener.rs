//! Accepting connections: limits, graceful shutdown, one task a connection.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::connections::{Connections, Impatient};
use crate::limits::HEADERS_BYTES_MAX;

/// After a shutdown signal, requests have so long to finish.
const FINISH_WITHIN: Duration = Duration::from_secs(20);

/// Serve until `shutdown`, then finish what has begun.
///
/// HTTP/1.1 alone: between a proxy and its server it is what is spoken, and its only states are a head, a body
/// and an answer, each with its limit.
pub(crate) async fn accept(
    router: Router,
    connections: &Connections,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let limits = connections.limits();
    let mut http = http1::Builder::new();
    // Runs from the first moment of a connection, and anew after each answer.
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_buf_size(HEADERS_BYTES_MAX);
    tokio::pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = next(&listener) => accepted,
            () = &mut shutdown => break,
        };
        let Some(connected) = connections.admit(peer.ip()) else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = router
            .clone()
            .map_request(move |request| with_peer(request, peer));
        let stream = Impatient::new(stream, limits.taken_within);
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(connected);
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

async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to be given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn with_peer(
    request: hyper::Request<hyper::body::Incoming>,
    peer: SocketAddr,
) -> axum::extract::Request {
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
