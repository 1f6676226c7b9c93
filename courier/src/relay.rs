//! `courier.smtp.connection_uri` (W15.4): what it says, and what is wrong with it. Opens no connection.

use url::{Host, Url};

/// How the way to a relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// `smtps://`: TLS from the first byte.
    Implicit,
    /// `smtp://`: STARTTLS, or nothing is sent.
    Required,
    /// `smtp://…?disable_starttls=true`: STARTTLS where it is offered, then with a checked certificate.
    Opportunistic,
}

/// A relay. No `Debug`: it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Relay {
    /// A name, or an address without brackets.
    pub host: String,
    /// Always given: no default fits both schemes.
    pub port: u16,
    /// When TLS begins, and whether it must.
    pub protection: Protection,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// Must the certificate be good?
    pub verify: bool,
    /// The name it must be for, when that is not the host.
    pub server_name: Option<String>,
}

impl Relay {
    /// Read a connection URI. The error is for the author of the configuration and repeats nothing of the URI.
    pub fn parse(uri: &str) -> Result<Self, &'static str> {
        let url = Url::parse(uri).map_err(|_| "is no URI: smtps://user:password@host:port")?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err("must begin with smtps:// or smtp://"),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => decoded(name)?,
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => return Err("names no host"),
        };
        let port = url.port().filter(|port| *port != 0);
        let port = port.ok_or("must name the port: 465 with smtps://, 587 with smtp://")?;
        if !matches!(url.path(), "" | "/") {
            return Err("must end after the port, apart from parameters");
        }
        let (user, password) = (decoded(url.username())?, url.password().unwrap_or_default());
        let password = decoded(password)?;
        let flag = |name: &str| parameter(&url, name).is_some_and(|value| is_true(&value));
        let opportunistic = flag("disable_starttls");
        Ok(Self {
            host,
            port,
            protection: match (implicit, opportunistic) {
                (true, _) => Protection::Implicit,
                (false, false) => Protection::Required,
                (false, true) => Protection::Opportunistic,
            },
            credentials: (!user.is_empty()).then_some((user, password)),
            verify: !flag("skip_ssl_verify"),
            server_name: parameter(&url, "server_name").filter(|name| !name.is_empty()),
        })
    }

    /// The name that the certificate must carry.
    pub fn tls_name(&self) -> &str {
        self.server_name.as_deref().unwrap_or(&self.host)
    }

    /// Why what is sent there is not protected by TLS with a checked certificate, and what to say instead.
    pub fn unprotected(&self) -> Option<&'static str> {
        if self.protection == Protection::Opportunistic {
            Some("disable_starttls=true may send in the clear: leave it out")
        } else if !self.verify {
            Some(
                "skip_ssl_verify=true believes whoever answers: leave it out, or name what the certificate is for by server_name",
            )
        } else {
            None
        }
    }

    /// Is the relay on this very machine? Then a password may travel in the clear.
    pub fn is_local(&self) -> bool {
        let ip = self.host.parse::<std::net::IpAddr>();
        self.host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// As Kratos reads booleans.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "holds bytes that are no UTF-8")?;
    if decoded.chars().any(char::is_control) {
        return Err("holds control characters");
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W15.4.
    #[test]
    fn what_a_uri_says() {
        let read = |uri: &str| Relay::parse(uri).unwrap_or_else(|why| panic!("{uri}: {why}"));
        let relay =
            read("smtps://us%40er:p%2Fass@mail.example.com:465/?server_name=mx.example.com");
        assert_eq!(relay.protection, Protection::Implicit);
        let credentials = Some(("us@er".to_owned(), "p/ass".to_owned()));
        assert!(relay.credentials == credentials && relay.verify);
        assert_eq!((relay.port, relay.tls_name()), (465, "mx.example.com"));
        let relay = read("smtp://127.0.0.1:25?disable_starttls=true&skip_ssl_verify=1");
        assert_eq!(relay.protection, Protection::Opportunistic);
        assert!(relay.credentials.is_none() && !relay.verify && relay.is_local());
        let relay = read("smtp://[::1]:587/?disable_starttls=false");
        assert_eq!(
            (relay.protection, &*relay.host),
            (Protection::Required, "::1")
        );
        assert!(!read("smtp://user@relay.example:587").is_local());
    }

    #[test]
    fn what_is_no_relay() {
        for uri in [
            "",
            "mail.example.com:25",
            "http://mail.example.com:25",
            "smtp://mail.example.com",
            "smtps://mail.example.com/",
            "smtp://:25",
            "smtp://mail.example.com:0",
            "smtp://mail.example.com:99999",
            "smtp://mail.example.com:25/inbox",
            "smtp://us%0d%0aer:x@mail.example.com:25",
            "smtp://user:%ff@mail.example.com:25",
        ] {
            assert!(Relay::parse(uri).is_err(), "{uri}");
        }
    }
}
