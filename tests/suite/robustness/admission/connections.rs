//! Connections that are not used, and those that take more than their share.
//!
//! Looks inside: `identity`.

use std::{io, time::Duration};

use identity::People;
use tests::{Site, eventually, story};
use tokio::io::AsyncReadExt as _;

use super::{beside, connect, last_words, limits, site};

#[story(site(limits(|l| l.headers_within = Duration::from_millis(200))))]
async fn a_connection_that_sends_no_headers_is_cut(site: Site) {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let silent = [
        "",
        "GET /version HTTP/1.1\r\nhost: x\r\nx-slow",
        "PRI * HT",
        preface,
    ];
    for sent in silent {
        let said = last_words(connect(&site.origin, sent).await).await;
        assert!(!said.contains("200 OK"), "{sent:?}: {said}");
    }
    // Nor is a client that goes silent after its answer kept.
    let once = "GET /version HTTP/1.1\r\nhost: x\r\n\r\n";
    let said = last_words(connect(&site.origin, once).await).await;
    assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
}

/// Has the server closed this connection? It sends nothing else before it is asked.
async fn is_refused(origin: &str) -> bool {
    let mut stream = connect(origin, "").await;
    let mut said = [0];
    let read = stream.read(&mut said);
    let closed = tokio::time::timeout(Duration::from_millis(500), read).await;
    matches!(closed, Ok(Ok(0) | Err(_)))
}

#[story]
async fn one_network_has_only_so_many_connections_unless_it_is_a_proxys() {
    let mut settings = limits(|l| l.connections_per_network_max = 3);
    let site = site(settings.clone()).await;
    let silent = [
        connect(&site.origin, "").await,
        connect(&site.origin, "").await,
        connect(&site.origin, "").await,
    ];
    assert!(is_refused(&site.origin).await);
    drop(silent);
    let free = async || !is_refused(&site.origin).await;
    eventually("there is room again", Duration::from_secs(5), free).await;

    settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let (origin, server) = beside(&site, People::new(), settings).await;
    let mut proxy = Vec::new();
    for _ in 0..10 {
        proxy.push(connect(&origin, "").await);
    }
    assert!(!is_refused(&origin).await);
    server.abort();
    site.finish().await;
}

#[story(site(limits(|l| l.taken_within = Duration::from_millis(200))))]
async fn a_connection_that_takes_nothing_of_an_answer_is_cut(site: Site) {
    // More than the buffers of both sides hold.
    let asked = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    let stream = connect(&site.origin, &asked).await;
    let cut = async || {
        stream
            .try_write(b"G")
            .is_err_and(|e| e.kind() != io::ErrorKind::WouldBlock)
    };
    eventually("the connection is gone", Duration::from_secs(20), cut).await;
}
