//! The address of a client: its peer's, or what one header says where the peer is a trusted proxy. Which header
//! that is, the operator decides; nothing else that a request holds is believed.
//!
//! What an operator should mend is said in the log: a proxy that is not listed, an entry that cannot be read.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, header};
use identity::limits::Network;
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Of so many networks it is remembered that the operator was told.
const NETWORKS_TOLD_MAX: usize = 100;
/// What cannot be read is told again after so long.
const UNREADABLE_TOLD_EVERY: Duration = Duration::from_mins(1);
/// As much of an entry is shown.
const SHOWN_CHARS_MAX: usize = 60;

/// The one header in which trusted proxies say who the client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIpHeader(HeaderName);

impl Default for ClientIpHeader {
    fn default() -> Self {
        Self(X_FORWARDED_FOR)
    }
}

impl FromStr for ClientIpHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = HeaderName::from_str(text.trim())
            .map_err(|_| format!("{text:?} is no name of a header, such as X-Forwarded-For"))?;
        if name == header::FORWARDED {
            return Err("the header Forwarded is not read: let the proxy send X-Forwarded-For, or one address in a header of another name".to_owned());
        }
        Ok(Self(name))
    }
}

/// Where a request comes from. An extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct ClientAddress {
    /// As sessions and limits note it: a peer with its port, what a proxy named without one.
    pub(crate) noted: String,
    pub(crate) ip: IpAddr,
    /// Is the peer a trusted proxy?
    pub(crate) by_proxy: bool,
}

impl ClientAddress {
    /// The network that is counted; `None`: the caller is on this machine, with no proxy that we know of between. One
    /// that we do not know of would make all visitors one network.
    pub(crate) fn network(&self) -> Option<Network> {
        let is_here = self.ip.is_loopback() && !self.by_proxy;
        (!is_here).then(|| Network::of(&self.noted))
    }

    fn of_peer(peer: SocketAddr, by_proxy: bool) -> Self {
        Self {
            noted: peer.to_string(),
            ip: peer.ip().to_canonical(),
            by_proxy,
        }
    }
}

/// Whom to believe, and what the operator was told about the others.
pub(crate) struct Proxies {
    trusted: Vec<IpNet>,
    header: HeaderName,
    told_networks: Mutex<HashSet<String>>,
    told_unreadable: Mutex<Option<Instant>>,
}

impl Proxies {
    pub(crate) fn new(trusted: Vec<IpNet>, ClientIpHeader(header): ClientIpHeader) -> Self {
        Self {
            trusted,
            header,
            told_networks: Mutex::default(),
            told_unreadable: Mutex::default(),
        }
    }

    /// The address that the proxies name, else the peer's.
    pub(crate) fn client(&self, headers: &HeaderMap, peer: SocketAddr) -> ClientAddress {
        if !is_trusted(peer.ip(), &self.trusted) {
            self.warn_of_stranger(headers, peer.ip());
            return ClientAddress::of_peer(peer, false);
        }
        match self.named(headers) {
            Ok(Some(ip)) => ClientAddress {
                noted: ip.to_string(),
                ip,
                by_proxy: true,
            },
            Ok(None) => ClientAddress::of_peer(peer, true),
            Err(Unreadable(entry)) => {
                self.warn_of_unreadable(&entry, peer.ip());
                ClientAddress::of_peer(peer, true)
            }
        }
    }

    fn named(&self, headers: &HeaderMap) -> Result<Option<IpAddr>, Unreadable> {
        if self.header == X_FORWARDED_FOR {
            return last_hop(headers, &self.trusted);
        }
        let mut lines = headers.get_all(&self.header).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(one), None) => read(one.as_bytes()).map(Some),
            // One of them may be the client's own.
            (Some(_), Some(_)) => Err(Unreadable("more than one line".to_owned())),
        }
    }

    /// Once for each network: who forgets to list a proxy has one client in the whole world.
    fn warn_of_stranger(&self, headers: &HeaderMap, peer: IpAddr) {
        let says = [&self.header, &X_FORWARDED_FOR, &header::FORWARDED];
        let Some(header) = says.into_iter().find(|name| headers.contains_key(*name)) else {
            return;
        };
        let mut told = self
            .told_networks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let room = told.len() < NETWORKS_TOLD_MAX;
        if !room || !told.insert(Network::of(&peer.to_string()).narrow) {
            return;
        }
        drop(told);
        let peer = IpNet::from(peer.to_canonical());
        tracing::warn!(
            %peer,
            %header,
            "a peer that is no trusted proxy says whom it forwards for, and is not believed: all who come through it \
             are one client to every limit. If it is a proxy of yours, list it in INSULA_TRUSTED_PROXIES"
        );
    }

    fn warn_of_unreadable(&self, entry: &str, peer: IpAddr) {
        let mut told = self
            .told_unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|at| at.elapsed() < UNREADABLE_TOLD_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        drop(told);
        tracing::warn!(
            proxy = %peer.to_canonical(),
            header = %self.header,
            entry,
            "a trusted proxy names a client in a way that cannot be read, so its own address stands for all such \
             clients. INSULA_CLIENT_IP_HEADER says which header is read"
        );
    }
}

/// What stands where an address should.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable(String);

/// From the right: hops append, so only what our own proxies wrote can be believed. The last hop that is no
/// proxy of ours is the client.
fn last_hop(headers: &HeaderMap, trusted: &[IpNet]) -> Result<Option<IpAddr>, Unreadable> {
    let lines: Vec<&[u8]> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .map(axum::http::HeaderValue::as_bytes)
        .collect();
    let entries = lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','))
        .filter(|entry| !entry.trim_ascii().is_empty());
    let mut client = None;
    for entry in entries {
        let ip = read(entry)?;
        client = Some(ip);
        if !is_trusted(ip, trusted) {
            break;
        }
    }
    Ok(client)
}

/// An address, in brackets and with a port where proxies write it so.
fn read(entry: &[u8]) -> Result<IpAddr, Unreadable> {
    let text = String::from_utf8_lossy(entry);
    let text = text.trim();
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        inside.parse().ok().map(IpAddr::V6)
    };
    bare()
        .or_else(with_port)
        .or_else(in_brackets)
        .map(|ip| ip.to_canonical())
        .ok_or_else(|| Unreadable(text.chars().take(SHOWN_CHARS_MAX).collect()))
}

pub(crate) fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&ip.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.9:1234";

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                header::HeaderValue::from_bytes(value).unwrap(),
            );
        }
        headers
    }

    fn proxies(header: &str) -> Proxies {
        Proxies::new(vec!["10.0.0.0/8".parse().unwrap()], header.parse().unwrap())
    }

    fn noted(proxies: &Proxies, pairs: &[(&'static str, &[u8])], peer: &str) -> String {
        proxies.client(&headers(pairs), peer.parse().unwrap()).noted
    }

    /// A proxy that is known and names no visitor counts for its own network; one that is unknown for none.
    #[test]
    fn who_calls_from_here_is_not_counted_unless_a_proxy_is_between() {
        let here: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        let network = |trusted: &[&str], peer| {
            let trusted = trusted.iter().map(|it| it.parse().unwrap()).collect();
            let proxies = Proxies::new(trusted, ClientIpHeader::default());
            proxies.client(&HeaderMap::new(), peer).network()
        };
        assert_eq!(network(&[], here), None);
        assert_eq!(
            network(&["127.0.0.0/8"], here),
            Some(Network::of("127.0.0.1"))
        );
        let there = "192.0.2.7:4711".parse().unwrap();
        assert_eq!(network(&[], there), Some(Network::of("192.0.2.7")));
    }

    #[test]
    fn strangers_are_not_believed() {
        let forged: &[(_, &[u8])] = &[
            ("x-forwarded-for", b"1.2.3.4"),
            ("true-client-ip", b"1.2.3.4"),
        ];
        for name in ["x-forwarded-for", "true-client-ip"] {
            let seen = noted(&proxies(name), forged, "203.0.113.9:1234");
            assert_eq!(seen, "203.0.113.9:1234");
        }
    }

    #[test]
    fn hops_are_read_from_the_right_past_the_proxies() {
        let proxies = proxies("X-Forwarded-For");
        for (line, seen) in [
            // A visitor wrote the first entry, our proxies the others.
            (&b"1.2.3.4, 198.51.100.7, 10.0.0.2"[..], "198.51.100.7"),
            (b"1.2.3.4, 198.51.100.7:5555, 10.0.0.2:80", "198.51.100.7"),
            (b"1.2.3.4, 2001:db8::2", "2001:db8::2"),
            (b"1.2.3.4, [2001:db8::2]", "2001:db8::2"),
            (b"1.2.3.4,[2001:db8::2]:4711", "2001:db8::2"),
            (b"1.2.3.4, ::ffff:198.51.100.7", "198.51.100.7"),
            // What a visitor wrote does no harm, whatever it is.
            (b"\xff\xfe, 198.51.100.7", "198.51.100.7"),
            (b"nonsense,, 198.51.100.7, ", "198.51.100.7"),
            (b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
            (b"1.2.3.4, nonsense", PEER),
            (b"1.2.3.4, unknown, 10.0.0.2", PEER),
            (b"1.2.3.4, [198.51.100.7]", PEER),
            (b"1.2.3.4, 198.51.100.7:", PEER),
            (b"1.2.3.4, \xff", PEER),
            (b"", PEER),
            (b" , ", PEER),
        ] {
            let shown = String::from_utf8_lossy(line);
            assert_eq!(
                noted(&proxies, &[("x-forwarded-for", line)], PEER),
                seen,
                "{shown}"
            );
        }
        let lines: &[(_, &[u8])] = &[
            ("x-forwarded-for", b"1.2.3.4"),
            ("x-forwarded-for", b"198.51.100.7"),
        ];
        assert_eq!(noted(&proxies, lines, PEER), "198.51.100.7");
        assert_eq!(noted(&proxies, &[], PEER), PEER);
    }

    #[test]
    fn another_header_is_one_address_and_no_list() {
        let proxies = proxies("X-Real-IP");
        for (value, seen) in [
            (&b"198.51.100.7"[..], "198.51.100.7"),
            (b" 198.51.100.7:5555 ", "198.51.100.7"),
            (b"[2001:db8::2]:4711", "2001:db8::2"),
            (b"198.51.100.7, 198.51.100.8", PEER),
            (b"", PEER),
        ] {
            let sent: &[(_, &[u8])] = &[("x-real-ip", value), ("x-forwarded-for", b"1.2.3.4")];
            assert_eq!(noted(&proxies, sent, PEER), seen);
        }
        // One is the visitor's, and nobody knows which.
        let two: &[(_, &[u8])] = &[("x-real-ip", b"1.2.3.4"), ("x-real-ip", b"198.51.100.7")];
        assert_eq!(noted(&proxies, two, PEER), PEER);
    }

    #[test]
    fn a_header_has_a_name_that_can_be_read() {
        assert_eq!("x-forwarded-for".parse(), Ok(ClientIpHeader::default()));
        assert!("CF-Connecting-IP".parse::<ClientIpHeader>().is_ok());
        for bad in ["", "two words", "Forwarded"] {
            assert!(bad.parse::<ClientIpHeader>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_remembered_of_strangers_has_an_end() {
        let proxies = proxies("X-Forwarded-For");
        let sent = headers(&[("forwarded", b"for=1.2.3.4")]);
        for n in 0..1_000_u32 {
            let peer = IpAddr::from(std::net::Ipv4Addr::from(0xc633_0000 + n));
            proxies.client(&sent, SocketAddr::new(peer, 1));
        }
        let told = proxies.told_networks.lock().unwrap();
        assert_eq!(told.len(), NETWORKS_TOLD_MAX);
    }
}
