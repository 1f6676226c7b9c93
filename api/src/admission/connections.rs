//! Connections: how many there are at once, in all and from one network, and that a client which takes
//! nothing of its answer loses its own.

use std::{
    collections::HashMap,
    future::Future as _,
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use identity::limits::Network;
use ipnet::IpNet;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use crate::{client_address::is_trusted, limits::Limits};

/// The open connections, counted by the network that they come from.
pub(crate) struct Connections {
    limits: Limits,
    trusted: Vec<IpNet>,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_network: HashMap<String, usize>,
}

impl Connections {
    pub(crate) fn new(limits: Limits, trusted: Vec<IpNet>) -> Self {
        Self {
            limits,
            trusted,
            counts: Arc::default(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a connection from there, if there may be one more. All visitors of a trusted proxy come from its
    /// network, so that network may have every connection there is.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Connected> {
        let network = Network::of(&peer.to_string()).narrow;
        let most = if is_trusted(peer, &self.trusted) {
            self.limits.connections_max
        } else {
            self.limits.connections_per_network_max
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let from_there = counts.by_network.get(&network).copied().unwrap_or_default();
        if from_there >= most || counts.all >= self.limits.connections_max {
            metrics::counter!("insula_connections_refused_total").increment(1);
            return None;
        }
        counts.all += 1;
        counts.by_network.insert(network.clone(), from_there + 1);
        Some(Connected {
            network,
            counts: Arc::clone(&self.counts),
        })
    }
}

/// One connection that was let in; dropped, it counts no more.
pub(crate) struct Connected {
    network: String,
    counts: Arc<Mutex<Counts>>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(count) = counts.by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.by_network.remove(&self.network);
            }
        }
    }
}

/// A connection that fails when the client takes nothing of what it is sent for so long.
pub(crate) struct Impatient {
    stream: TcpStream,
    within: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    pub(crate) fn new(stream: TcpStream, within: Duration) -> Self {
        Self {
            stream,
            within,
            stalled: None,
        }
    }

    fn waited<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.stream), cx);
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let within = self.within;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.waited(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.waited(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waited(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waited(cx, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections() -> Connections {
        let limits = Limits {
            connections_max: 5,
            connections_per_network_max: 2,
            ..Limits::default()
        };
        Connections::new(limits, vec!["10.0.0.0/8".parse().unwrap()])
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_network_leaves_room_for_others() {
        let connections = connections();
        let first = connections.admit(ip("2001:db8:1:2::1")).unwrap();
        let _second = connections.admit(ip("2001:db8:1:2:ffff::1")).unwrap();
        assert!(connections.admit(ip("2001:db8:1:2::2")).is_none());
        let _other = connections.admit(ip("2001:db8:1:3::1")).unwrap();
        drop(first);
        assert!(connections.admit(ip("2001:db8:1:2::2")).is_some());
    }

    #[test]
    fn a_trusted_proxy_may_have_all_places_and_no_more() {
        let connections = connections();
        let proxy: Vec<_> = (0..5).map(|_| connections.admit(ip("10.1.2.3"))).collect();
        assert!(proxy.iter().all(Option::is_some));
        assert!(connections.admit(ip("10.1.2.3")).is_none());
        assert!(connections.admit(ip("192.0.2.1")).is_none());
        drop(proxy);
        assert!(connections.admit(ip("192.0.2.1")).is_some());
        let counts = connections.counts.lock().unwrap();
        assert!(counts.all == 0 && counts.by_network.is_empty());
    }
}
