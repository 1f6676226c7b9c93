//! From where a visitor comes, as far as limits are concerned.

use std::net::{IpAddr, SocketAddr};

/// The network of a visitor, and the larger one that a provider hands out at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// One IPv4 address, or the first 64 bits of an IPv6 address, which is what one household gets. What is no
    /// address stands for itself.
    pub narrow: String,
    /// The first 48 bits of an IPv6 address: 65,536 of the others, which one customer may get.
    pub wide: Option<String>,
}

impl Network {
    /// Of an address with or without a port.
    pub fn of(address: &str) -> Self {
        let ip = address.parse::<IpAddr>().ok();
        let ip = ip.or_else(|| address.parse::<SocketAddr>().ok().map(|peer| peer.ip()));
        let (narrow, wide) = match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => (ip.to_string(), None),
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                let wide = format!("{a:x}:{b:x}:{c:x}::/48");
                (format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), Some(wide))
            }
            None => (address.to_owned(), None),
        };
        Self { narrow, wide }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn networks() {
        let cases = [
            ("192.0.2.7", "192.0.2.7", None),
            ("192.0.2.7:443", "192.0.2.7", None),
            ("::ffff:192.0.2.7", "192.0.2.7", None),
            (
                "2001:db8:1:2:3::4",
                "2001:db8:1:2::/64",
                Some("2001:db8:1::/48"),
            ),
            (
                "[2001:db8:1:2:ffff::1]:80",
                "2001:db8:1:2::/64",
                Some("2001:db8:1::/48"),
            ),
            ("unknown", "unknown", None),
        ];
        for (address, narrow, wide) in cases {
            let found = Network::of(address);
            assert_eq!(found.narrow, narrow, "{address}");
            assert_eq!(found.wide.as_deref(), wide, "{address}");
        }
    }
}
