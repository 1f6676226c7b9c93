//! What a database URL says of its server: which one it is, and how the way there is protected. Opens no
//! connection.

use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// How the way to a database is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseWay {
    /// By TLS with a certificate that is checked, and its name.
    Verified,
    /// It does not leave the machine: a Unix socket or a loopback address.
    Local,
    /// Whoever is between can read along or stand in for it. The host.
    Open(String),
}

impl DatabaseWay {
    /// Read a URL. The error is for whoever set it, and repeats nothing of the URI.
    pub fn of(url: &str) -> Result<Self, &'static str> {
        one_server(url)?;
        let options: PgConnectOptions = url.parse().map_err(
            |_| "is no URL of PostgreSQL, such as postgres://user:password@host:5432/database",
        )?;
        // `verify-ca` does not look at the name, and the driver believes every authority that browsers know besides
        // the one that is given: a server with a certificate of any name could stand in.
        if matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
            return Ok(Self::Verified);
        }
        let host = options.get_host();
        let local = options.get_socket().is_some() || host.starts_with('/') || is_loopback(host);
        Ok(if local {
            Self::Local
        } else {
            Self::Open(host.to_owned())
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The driver knows one server and does not ask what it is for.
fn one_server(url: &str) -> Result<(), &'static str> {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Passwords may hold a slash, hosts neither that nor an @.
    let (_, after_user) = before.rsplit_once('@').unwrap_or(("", before));
    let hosts = after_user.split('/').next().unwrap_or_default();
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let listed = parameters
        .any(|(name, value)| matches!(&*name, "host" | "hostaddr" | "port") && value.contains(','));
    if hosts.contains(',') || listed {
        return Err(
            "names several hosts, and one address is understood: that of PgBouncer, a virtual address or a DNS name that follows the primary",
        );
    }
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    if parameters.any(|(name, _)| name == "target_session_attrs") {
        return Err(
            "holds target_session_attrs, which is not understood: leave it out and give one address that follows the primary, that of PgBouncer, a virtual address or a DNS name",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_the_way_is_protected() {
        let open = |host: &str| DatabaseWay::Open(host.to_owned());
        for (url, way) in [
            (
                "postgres://g:p@db.example.com:5432/insula",
                open("db.example.com"),
            ),
            (
                "postgres://g:p@10.0.0.5/insula?sslmode=require",
                open("10.0.0.5"),
            ),
            (
                "postgres://g:p@10.0.0.5/insula?sslmode=disable",
                open("10.0.0.5"),
            ),
            (
                "postgres://g:p@db/insula?sslmode=verify-full",
                DatabaseWay::Verified,
            ),
            (
                "postgres://g:p@db/insula?sslmode=verify-ca&sslrootcert=/ca.pem",
                open("db"),
            ),
            ("postgres://g:p@localhost/insula", DatabaseWay::Local),
            (
                "postgres://g:p@127.8.0.1:6432/insula?sslmode=disable",
                DatabaseWay::Local,
            ),
            ("postgres://g:p@[::1]/insula", DatabaseWay::Local),
            (
                "postgres://g:p@localhost.example.com/insula",
                open("localhost.example.com"),
            ),
            (
                "postgres://g:p@%2Fvar%2Frun%2Fpostgresql/insula",
                DatabaseWay::Local,
            ),
            (
                "postgres:///insula?host=/var/run/postgresql&user=g",
                DatabaseWay::Local,
            ),
            (
                "postgres://g@localhost/insula?host=db.example.com",
                open("db.example.com"),
            ),
        ] {
            assert_eq!(DatabaseWay::of(url), Ok(way), "{url}");
        }
    }

    #[test]
    fn one_server_is_meant() {
        for url in [
            "postgres://u:p@host1,host2/db",
            "postgres://u:p@host1:5432,host2:5432/db",
            "postgres://host1,host2",
            "postgres:///db?host=host1,host2",
            "postgres://u:p@host1,host2/db?target_session_attrs=read-write",
        ] {
            let why = DatabaseWay::of(url).unwrap_err();
            assert!(why.starts_with("names several hosts"), "{url}: {why}");
        }
        let url = "postgres://u:p@host/db?target_session_attrs=read-write";
        let why = DatabaseWay::of(url).unwrap_err();
        assert!(why.contains("target_session_attrs"), "{why}");
        assert!(DatabaseWay::of("postgres://u:a,b@localhost/d,b").is_ok());
        assert!(DatabaseWay::of("not a URL").is_err());
    }
}
