//! From a relay's name to a line that SMTP can be spoken on: addresses that the guard permits, TLS from the
//! start or by STARTTLS, and a limit on what the other side may say.
//!
//! STARTTLS is done here and not by lettre, so that nothing said in the clear is believed afterwards (what
//! arrives behind the answer to STARTTLS ends the connection).

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::sign::CertifiedKey;
use tenants::{OutboundError, Project};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{error::DeliveryError, tls};
use crate::{
    config::TextConfig,
    relay::{Protection, Relay},
};

const DIAL_SECONDS_MAX: Duration = Duration::from_secs(10);
/// Of one connection, all answers together.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const REPLY_BYTES_MAX: usize = 16 << 10;

/// A line, and whether others can listen.
pub(super) struct Line {
    pub(super) stream: Box<dyn AsyncTokioStream>,
    pub(super) is_encrypted: bool,
}

/// Dial, in ten seconds for the connection itself.
pub(super) async fn dial(
    project: &Project,
    relay: &Relay,
    local_name: &str,
) -> Result<Line, DeliveryError> {
    let stream = connect(project, relay).await?;
    let ours = client_certificate(project);
    if relay.protection == Protection::Implicit {
        let stream = tls::protect(stream, (relay.tls_name(), relay.verify), ours).await?;
        return Line::new(stream, Vec::new(), true);
    }
    let mut clear = Clear {
        stream,
        unread: Vec::new(),
    };
    let greeting = clear.reply(b"220").await?;
    clear.say(&format!("EHLO {local_name}\r\n")).await?;
    let offers = clear.reply(b"250").await?;
    let offers_tls = offers.lines().any(|line| {
        let word = line.get(4..).unwrap_or_default().trim();
        word.eq_ignore_ascii_case("STARTTLS")
    });
    if offers_tls {
        clear.say("STARTTLS\r\n").await?;
        clear.reply(b"220").await?;
        if !clear.unread.is_empty() {
            let why = "the relay says more in the clear than it should before TLS";
            return Err(DeliveryError::Relay(why.to_owned()));
        }
        // Where TLS is a choice, it has to be real TLS (W15.4).
        let optional = relay.protection == Protection::Opportunistic;
        let name = if optional {
            (&*relay.host, true)
        } else {
            (relay.tls_name(), relay.verify)
        };
        let stream = tls::protect(clear.stream, name, ours).await?;
        // SMTP begins anew without a greeting, but lettre waits for one.
        return Line::new(stream, greeting.into_bytes(), true);
    }
    if relay.protection == Protection::Required {
        let why =
            "the relay does not offer STARTTLS; ?disable_starttls=true would send in the clear";
        return Err(DeliveryError::Relay(why.to_owned()));
    }
    let mut said = greeting.into_bytes();
    said.extend(clear.unread);
    Line::new(clear.stream, said, false)
}

/// What this project shows to relays that ask, read once for each revision.
fn client_certificate(project: &Project) -> Option<Arc<CertifiedKey>> {
    struct Parsed(Option<Arc<CertifiedKey>>);
    let parsed = project.memo(|project| {
        let config = project.config::<TextConfig>();
        let configured = config.client_certificate.as_ref();
        Parsed(configured.and_then(|configured| match configured.read() {
            Ok(certified) => Some(Arc::new(certified)),
            // Judged when it was written.
            Err((part, why)) => {
                tracing::error!(
                    project = project.slug(),
                    part,
                    why,
                    "client certificate left out"
                );
                None
            }
        }))
    });
    parsed.0.clone()
}

async fn connect(project: &Project, relay: &Relay) -> Result<TcpStream, DeliveryError> {
    let until = Instant::now() + DIAL_SECONDS_MAX;
    let late = || DeliveryError::Passing("the relay cannot be reached in time".to_owned());
    let out = if relay.unprotected().is_some() {
        project.http_unprotected()
    } else {
        project.http()
    };
    let resolved = timeout_at(until, out.resolve(&relay.host, relay.port)).await;
    let addresses = resolved.map_err(|_| late())?.map_err(|error| match error {
        OutboundError::Refused { .. } | OutboundError::BadUrl { .. } => {
            DeliveryError::Relay(error.to_string())
        }
        other => DeliveryError::Passing(format!("the relay cannot be found: {other}")),
    })?;
    let mut last = None;
    for address in addresses {
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some(error),
            Err(_) => return Err(late()),
        }
    }
    let why = last.map_or_else(|| "it has no address".to_owned(), |error| error.to_string());
    Err(DeliveryError::Passing(format!(
        "the relay cannot be reached: {why}"
    )))
}

/// The connection before TLS.
struct Clear {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Clear {
    async fn say(&mut self, text: &str) -> Result<(), DeliveryError> {
        self.stream.write_all(text.as_bytes()).await.map_err(broke)
    }

    /// A whole reply, of as many lines as it has, if it has the code.
    async fn reply(&mut self, code: &[u8; 3]) -> Result<String, DeliveryError> {
        let mut reply = Vec::new();
        loop {
            let line = self.line().await?;
            reply.extend_from_slice(&line);
            if reply.len() > REPLY_BYTES_MAX {
                return Err(DeliveryError::Relay(
                    "the relay's answer has no end".to_owned(),
                ));
            }
            if line.get(3) == Some(&b'-') {
                continue;
            }
            let text = String::from_utf8_lossy(&reply).into_owned();
            return match line.first() {
                _ if line.starts_with(code) => Ok(text),
                Some(b'4') => Err(DeliveryError::Passing(format!(
                    "the relay says: {}",
                    text.trim()
                ))),
                _ => Err(DeliveryError::Relay(format!(
                    "the relay says: {}",
                    text.trim()
                ))),
            };
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, DeliveryError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                return Ok(self.unread.drain(..=end).collect());
            }
            if self.unread.len() > REPLY_BYTES_MAX {
                return Err(DeliveryError::Relay(
                    "the relay's answer has no end".to_owned(),
                ));
            }
            if self
                .stream
                .read_buf(&mut self.unread)
                .await
                .map_err(broke)?
                == 0
            {
                return Err(DeliveryError::Passing("the relay hung up".to_owned()));
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn broke(error: io::Error) -> DeliveryError {
    DeliveryError::Passing(format!("the connection broke: {error}"))
}

impl Line {
    fn new<S>(stream: S, said: Vec<u8>, is_encrypted: bool) -> Result<Self, DeliveryError>
    where
        S: AsyncRead + AsyncWrite + Peer + Send + Sync + Unpin + std::fmt::Debug + 'static,
    {
        let peer = stream.peer().map_err(broke)?;
        let bounded = Bounded {
            stream,
            peer,
            said: said.into(),
            left: ANSWER_BYTES_MAX,
        };
        Ok(Self {
            stream: Box::new(bounded),
            is_encrypted,
        })
    }
}

trait Peer {
    fn peer(&self) -> io::Result<SocketAddr>;
}

impl Peer for TcpStream {
    fn peer(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }
}

impl Peer for tokio_rustls::client::TlsStream<TcpStream> {
    fn peer(&self) -> io::Result<SocketAddr> {
        self.get_ref().0.peer_addr()
    }
}

/// Gives back first what was said already, then what comes, up to a limit.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    peer: SocketAddr,
    said: std::collections::VecDeque<u8>,
    left: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.said.is_empty() {
            let count = self.said.len().min(buf.remaining());
            let said: Vec<u8> = self.said.drain(..count).collect();
            buf.put_slice(&said);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other("the relay talks without end"))),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
