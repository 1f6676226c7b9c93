//! Which addresses a project may reach. Pure: it looks at an address and at what the operator listed,
//! and knows nothing of names, sockets or HTTP.
//!
//! Ranges follow the IANA special-purpose registries; IPv6 outside 2000::/3 is refused as a whole, so
//! that a range invented tomorrow is not open today. Forms that embed an IPv4 address are judged by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What kind of address it is, as far as the guard cares. Everything but [`Class::Public`] needs leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Reachable by anyone.
    Public,
    /// 127.0.0.0/8, ::1.
    Loopback,
    /// RFC 1918, fc00::/7, site-local and the local NAT64 prefix.
    Private,
    /// 100.64.0.0/10, shared with the provider (RFC 6598).
    CarrierNat,
    /// 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// Where clouds hand credentials to any process that asks from inside.
    CloudMetadata,
    /// 0.0.0.0/8, `::`.
    Unspecified,
    /// 224.0.0.0/4, ff00::/8, and the broadcast address.
    Multicast,
    /// TEST-NET-1 to 3, 2001:db8::/32, 3fff::/20.
    Documentation,
    /// 198.18.0.0/15, 2001:2::/48.
    Benchmarking,
    /// Set aside for protocols or for the future.
    Reserved,
}

impl Class {
    /// For messages: "… is a loopback address".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::CarrierNat => "an address shared by a provider (100.64.0.0/10)",
            Self::LinkLocal => "a link-local address",
            Self::CloudMetadata => "a cloud metadata address",
            Self::Unspecified => "an unspecified address",
            Self::Multicast => "a multicast address",
            Self::Documentation => "an address reserved for documentation",
            Self::Benchmarking => "an address reserved for benchmarks",
            Self::Reserved => "a reserved address",
        }
    }

    /// What a DEVELOPMENT project may reach besides the public ones. Metadata and link-local stay shut:
    /// such a project may live on a shared installation in a cloud.
    fn is_ordinary_private(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::CarrierNat)
    }
}

/// What the guard lets through.
#[derive(Debug, Clone, Default)]
pub struct OutboundPolicy {
    /// Networks the operator listed (`INSULA_ALLOW_PRIVATE`); they open any class.
    pub allow_private: Vec<IpNet>,
    /// DEVELOPMENT projects: loopback, private and carrier-shared addresses are open.
    pub allow_all_private: bool,
    /// For what no TLS protects: nothing but the listed networks is open.
    pub listed_only: bool,
}

impl OutboundPolicy {
    /// May a project connect here? `Err` holds the class that forbids it.
    pub fn check(&self, address: IpAddr) -> Result<(), Class> {
        let inner = embedded(address);
        let listed = |ip: IpAddr| self.allow_private.iter().any(|net| net.contains(&ip));
        if listed(address) || listed(inner) {
            return Ok(());
        }
        match classify(address) {
            class if self.listed_only => Err(class),
            Class::Public => Ok(()),
            class if self.allow_all_private && class.is_ordinary_private() => Ok(()),
            class => Err(class),
        }
    }
}

/// The class of an address; IPv4 inside IPv6 is judged as that IPv4.
pub fn classify(address: IpAddr) -> Class {
    match embedded(address) {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

/// The IPv4 address that a mapped, compatible, NAT64 or 6to4 form leads to; otherwise the address itself.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let segments = v6.segments();
    let ipv4_at = |at: usize| {
        let bits = u32::from(segments[at]) << 16 | u32::from(segments[at + 1]);
        IpAddr::V4(Ipv4Addr::from_bits(bits))
    };
    match segments {
        // IPv4-compatible (long deprecated), but neither `::` nor `::1`
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        // that, IPv4-mapped, SIIT's ::ffff:0:a.b.c.d, and NAT64 (RFC 6052)
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..] => ipv4_at(6),
        // 6to4, RFC 3056
        [0x2002, ..] => ipv4_at(1),
        _ => address,
    }
}

fn classify_v4(ip: Ipv4Addr) -> Class {
    match ip.octets() {
        // AWS, Azure, GCP and most others; Alibaba; Oracle's second; Azure's wire server
        [169, 254, 169, 254] | [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => {
            Class::CloudMetadata
        }
        [0, ..] => Class::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private,
        [127, ..] => Class::Loopback,
        [100, 64..=127, ..] => Class::CarrierNat,
        [169, 254, ..] => Class::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Class::Documentation,
        [198, 18..=19, ..] => Class::Benchmarking,
        [224..=239, ..] | [255, 255, 255, 255] => Class::Multicast,
        // protocol assignments; the old 6to4 relay; class E
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => Class::Reserved,
        _ => Class::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> Class {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        // AWS and GCP
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Class::CloudMetadata
        }
        [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Class::Private,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        [0xff00..=0xffff, ..] => Class::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Documentation,
        [0x2001, 2, 0, ..] => Class::Benchmarking,
        // Teredo, ORCHID and other protocol assignments
        [0x2001, 0..=0x1ff, ..] => Class::Reserved,
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Class::*;

    const CLASSES: &[(&str, Class)] = &[
        ("8.8.8.8", Public),
        ("93.184.216.34", Public),
        ("11.0.0.1", Public),
        ("172.15.255.255", Public),
        ("172.32.0.0", Public),
        ("100.63.255.255", Public),
        ("100.128.0.0", Public),
        ("192.0.1.1", Public),
        ("198.17.0.1", Public),
        ("198.20.0.1", Public),
        ("223.255.255.255", Public),
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Unspecified),
        ("10.0.0.1", Private),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("192.168.1.1", Private),
        ("127.0.0.1", Loopback),
        ("127.255.255.254", Loopback),
        ("100.64.0.1", CarrierNat),
        ("100.127.255.255", CarrierNat),
        ("169.254.0.1", LinkLocal),
        ("169.254.169.254", CloudMetadata),
        ("100.100.100.200", CloudMetadata),
        ("192.0.0.192", CloudMetadata),
        ("168.63.129.16", CloudMetadata),
        ("192.0.2.1", Documentation),
        ("198.51.100.7", Documentation),
        ("203.0.113.9", Documentation),
        ("198.18.0.1", Benchmarking),
        ("198.19.255.255", Benchmarking),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("255.255.255.255", Multicast),
        ("192.0.0.1", Reserved),
        ("192.88.99.1", Reserved),
        ("240.0.0.1", Reserved),
        ("2606:4700::1111", Public),
        ("2a00:1450:4001::200e", Public),
        ("2001:4860:4860::8888", Public),
        ("::", Unspecified),
        ("::1", Loopback),
        ("fc00::1", Private),
        ("fd12:3456::1", Private),
        ("fec0::1", Private),
        ("64:ff9b:1::1", Private),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fd00:ec2::254", CloudMetadata),
        ("fd20:ce::254", CloudMetadata),
        ("ff02::1", Multicast),
        ("2001:db8::1", Documentation),
        ("3fff::1", Documentation),
        ("2001:2::1", Benchmarking),
        ("2001::1", Reserved),
        ("2001:20::1", Reserved),
        ("100::1", Reserved),
        ("4000::1", Reserved),
        ("1::1", Reserved),
        // IPv4 in other clothes
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:8.8.8.8", Public),
        ("::ffff:169.254.169.254", CloudMetadata),
        ("::ffff:0:10.0.0.1", Private),
        ("::10.0.0.1", Private),
        ("::0.0.0.2", Unspecified),
        ("64:ff9b::10.0.0.1", Private),
        ("64:ff9b::8.8.8.8", Public),
        ("64:ff9b::169.254.169.254", CloudMetadata),
        ("2002:7f00:1::", Loopback),
        ("2002:a00:1::1", Private),
        ("2002:808:808::1", Public),
    ];

    #[test]
    fn addresses_fall_into_their_classes() {
        for (text, expected) in CLASSES {
            assert_eq!(classify(text.parse().unwrap()), *expected, "{text}");
        }
    }

    #[test]
    fn a_list_opens_what_it_names_in_every_form() {
        let policy = OutboundPolicy {
            allow_private: vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..OutboundPolicy::default()
        };
        for open in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
            "fd00:ec2::254",
            "9.9.9.9",
        ] {
            assert_eq!(policy.check(open.parse().unwrap()), Ok(()), "{open}");
        }
        for shut in ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "fc00::1"] {
            assert!(policy.check(shut.parse().unwrap()).is_err(), "{shut}");
        }
    }

    #[test]
    fn without_tls_the_list_is_all_there_is() {
        let policy = OutboundPolicy {
            allow_private: vec!["10.1.0.0/16".parse().unwrap()],
            listed_only: true,
            ..OutboundPolicy::default()
        };
        assert_eq!(policy.check("10.1.2.3".parse().unwrap()), Ok(()));
        for shut in ["9.9.9.9", "127.0.0.1", "10.2.0.1", "2606:4700::1111"] {
            assert!(policy.check(shut.parse().unwrap()).is_err(), "{shut}");
        }
    }

    #[test]
    fn development_opens_the_neighbourhood_but_not_the_metadata() {
        let policy = OutboundPolicy {
            allow_all_private: true,
            ..OutboundPolicy::default()
        };
        for open in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "192.168.0.2",
            "fd12::1",
            "100.64.0.1",
        ] {
            assert_eq!(policy.check(open.parse().unwrap()), Ok(()), "{open}");
        }
        for shut in [
            "169.254.169.254",
            "fd00:ec2::254",
            "169.254.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            assert!(policy.check(shut.parse().unwrap()).is_err(), "{shut}");
        }
    }
}
