//! The client against servers of our own on loopback: no name outside this machine is looked up.

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answer by path, and keep what was asked. `{port}` in an answer is the server's own.
struct Server {
    port: u16,
    seen: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Server {
    async fn start(answers: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, seen) = tokio::sync::mpsc::unbounded_channel();
        let answers: HashMap<_, _> = answers.iter().copied().collect();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = vec![0; 8192];
                let read = socket.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = answers
                    .get(path.as_str())
                    .copied()
                    .unwrap_or("HTTP/1.1 404 \r\n\r\n");
                let answer = answer.replace("{port}", &port.to_string());
                sender.send(text).ok();
                socket.write_all(answer.as_bytes()).await.ok();
                if path == "/slow" {
                    // Never finishes the body; the client has to give up.
                    tokio::spawn(async move {
                        let _open = socket;
                        std::future::pending::<()>().await;
                    });
                }
            }
        });
        Self { port, seen }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    fn last(&mut self) -> Option<String> {
        let mut last = None;
        while let Ok(text) = self.seen.try_recv() {
            last = Some(text);
        }
        last
    }
}

fn client(listed: &[&str]) -> Outbound {
    let allow_private = listed.iter().map(|net| net.parse().unwrap()).collect();
    Outbound::new(OutboundPolicy {
        allow_private,
        ..OutboundPolicy::default()
    })
    .unwrap()
}

fn get(url: String) -> OutboundRequest {
    OutboundRequest::new(Method::GET, url)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

#[tokio::test]
async fn loopback_is_refused_by_address_and_by_name_unless_listed() {
    let mut server = Server::start(&[("/", OK)]).await;
    let hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ];
    for host in hosts {
        let error = client(&[])
            .fetch(get(server.url(host, "/")))
            .await
            .unwrap_err();
        assert!(
            matches!(error, OutboundError::Refused { .. }),
            "{host}: {error:?}"
        );
        assert!(
            error.to_string().contains("INSULA_ALLOW_PRIVATE"),
            "{error}"
        );
    }
    assert_eq!(server.last(), None, "a refused call must send nothing");

    let open = client(&["127.0.0.0/8"]);
    for host in ["127.0.0.1", "localhost"] {
        let answer = open.fetch(get(server.url(host, "/"))).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_slice()),
            (200, &b"hello"[..])
        );
    }
    let development = Outbound::new(OutboundPolicy {
        allow_all_private: true,
        ..OutboundPolicy::default()
    });
    assert!(
        development
            .unwrap()
            .fetch(get(server.url("localhost", "/")))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn only_plain_web_urls_are_called() {
    let open = client(&["127.0.0.0/8"]);
    let urls = [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://:secret@127.0.0.1/",
        "/relative",
        "http://",
    ];
    for url in urls {
        let error = open.fetch(get(url.to_owned())).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::BadUrl { .. }),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn every_hop_is_checked_again() {
    let mut server = Server::start(&[
        ("/", OK),
        (
            "/in",
            "HTTP/1.1 302 \r\nlocation: http://127.0.0.2:{port}/\r\nconnection: close\r\n\r\n",
        ),
        (
            "/name",
            "HTTP/1.1 307 \r\nlocation: http://localhost:{port}/\r\nconnection: close\r\n\r\n",
        ),
        (
            "/file",
            "HTTP/1.1 302 \r\nlocation: file:///etc/passwd\r\nconnection: close\r\n\r\n",
        ),
        (
            "/user",
            "HTTP/1.1 302 \r\nlocation: http://a:b@127.0.0.1/\r\nconnection: close\r\n\r\n",
        ),
        (
            "/loop",
            "HTTP/1.1 302 \r\nlocation: /loop\r\nconnection: close\r\n\r\n",
        ),
    ])
    .await;
    let only_three = client(&["127.0.0.3/32"]);
    for path in ["/in", "/name", "/loop"] {
        let error = only_three
            .fetch(get(server.url("127.0.0.3", path)))
            .await
            .unwrap_err();
        assert!(
            matches!(error, OutboundError::Refused { .. }),
            "{path}: {error:?}"
        );
    }
    for path in ["/file", "/user"] {
        let error = only_three
            .fetch(get(server.url("127.0.0.3", path)))
            .await
            .unwrap_err();
        assert!(
            matches!(error, OutboundError::BadUrl { .. }),
            "{path}: {error:?}"
        );
    }
    server.last();
    let both = client(&["127.0.0.2/31"]);
    let answer = both
        .fetch(get(server.url("127.0.0.3", "/in")))
        .await
        .unwrap();
    assert_eq!(answer.url.as_str(), server.url("127.0.0.2", "/"));

    let unfollowed = OutboundRequest {
        redirects_max: 0,
        ..get(server.url("127.0.0.3", "/in"))
    };
    assert_eq!(both.fetch(unfollowed).await.unwrap().status.as_u16(), 302);
}

#[tokio::test]
async fn a_redirect_elsewhere_takes_no_secrets_along() {
    let mut server = Server::start(&[
        ("/", OK),
        (
            "/see",
            "HTTP/1.1 303 \r\nlocation: /\r\nconnection: close\r\n\r\n",
        ),
        (
            "/keep",
            "HTTP/1.1 308 \r\nlocation: http://127.0.0.2:{port}/\r\nconnection: close\r\n\r\n",
        ),
    ])
    .await;
    let open = client(&["127.0.0.0/8"]);
    let mut request = OutboundRequest::new(Method::POST, server.url("127.0.0.1", "/see"));
    request.headers.insert("x-api-key", "k".parse().unwrap());
    request
        .headers
        .insert("content-type", "text/plain".parse().unwrap());
    request.body = b"payload".to_vec();

    open.fetch(request.clone()).await.unwrap();
    let here = server.last().unwrap();
    assert!(
        here.starts_with("GET / ") && !here.contains("payload"),
        "{here}"
    );
    assert!(
        here.contains("x-api-key: k"),
        "the same origin keeps its headers: {here}"
    );

    open.fetch(OutboundRequest {
        url: server.url("127.0.0.1", "/keep"),
        ..request
    })
    .await
    .unwrap();
    let elsewhere = server.last().unwrap();
    assert!(
        elsewhere.starts_with("POST / ") && elsewhere.ends_with("payload"),
        "{elsewhere}"
    );
    assert!(
        !elsewhere.contains("x-api-key") && elsewhere.contains("text/plain"),
        "{elsewhere}"
    );
}

/// Behind a front that many share, `Host` says whose server answers.
#[tokio::test]
async fn where_a_request_goes_is_said_by_its_url_alone() {
    let mut server = Server::start(&[("/", OK)]).await;
    let mut request = OutboundRequest::new(Method::POST, server.url("127.0.0.1", "/"));
    let port = server.port;
    for name in CLIENT_HEADERS {
        request.headers.insert(name, "7".parse().unwrap());
    }
    request.body = b"payload".to_vec();
    client(&["127.0.0.1/32"]).fetch(request).await.unwrap();
    let sent = server.last().unwrap().to_ascii_lowercase();
    assert!(sent.contains(&format!("host: 127.0.0.1:{port}")), "{sent}");
    assert!(
        !sent.contains("host: 7") && !sent.contains("upgrade"),
        "{sent}"
    );
    assert_eq!(
        sent.matches("content-length: 7").count(),
        1,
        "its own: {sent}"
    );
}

#[tokio::test]
async fn long_bodies_are_cut_off_announced_or_not() {
    let server = Server::start(&[
        ("/", OK),
        (
            "/chunked",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        ),
    ])
    .await;
    let open = client(&["127.0.0.1/32"]);
    for path in ["/", "/chunked"] {
        let request = |body_bytes_max| OutboundRequest {
            body_bytes_max,
            ..get(server.url("127.0.0.1", path))
        };
        let error = open.fetch(request(4)).await.unwrap_err();
        assert_eq!(error, OutboundError::TooLarge { limit: 4 }, "{path}");
        assert_eq!(
            open.fetch(request(5)).await.unwrap().body,
            b"hello",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_slow_body_ends_in_a_timeout_and_a_shut_port_in_unreachable() {
    let server =
        Server::start(&[("/slow", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal")]).await;
    let open = client(&["127.0.0.1/32"]);
    let timeout = Duration::from_millis(200);
    let slow = OutboundRequest {
        timeout,
        ..get(server.url("127.0.0.1", "/slow"))
    };
    assert_eq!(open.fetch(slow).await.unwrap_err(), OutboundError::Timeout);

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shut = format!(
        "http://127.0.0.1:{}/?secret",
        free.local_addr().unwrap().port()
    );
    drop(free);
    let error = open.fetch(get(shut)).await.unwrap_err();
    assert!(
        matches!(error, OutboundError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn other_protocols_get_checked_addresses_too() {
    let shut = client(&[]);
    for host in ["127.0.0.1", "[::1]", "::1", "localhost"] {
        let error = shut.resolve(host, 25).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::Refused { .. }),
            "{host}: {error:?}"
        );
    }
    let found = client(&["127.0.0.0/8"])
        .resolve("localhost", 25)
        .await
        .unwrap();
    assert_eq!(found, ["127.0.0.1:25".parse().unwrap()]);
}
