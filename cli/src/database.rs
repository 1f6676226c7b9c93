//! The way to the database, judged before it is gone: one server, and TLS with a checked certificate unless the
//! way stays on this machine or the operator says that the network is trusted.

use tenants::DatabaseWay;

use crate::{Failure, args::installation::DatabaseArgs, settings::given};

/// `trusting`: development mode, where the way may be as it is.
pub(crate) fn check(args: &DatabaseArgs, trusting: bool) -> Result<(), Failure> {
    let urls = [
        ("DATABASE_URL", &args.database_url),
        ("INSULA_OWNER_DATABASE_URL", &args.owner_database_url),
    ];
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    for (name, url) in urls {
        match given(url.as_ref()).map(DatabaseWay::of) {
            Some(Ok(DatabaseWay::Open(host))) => open.push((name, host)),
            Some(Ok(DatabaseWay::Verified | DatabaseWay::Local)) | None => {}
            Some(Err(why)) => wrong.push(format!("  {name} {why}")),
        }
    }
    if args.plain_database {
        for (setting, host) in &open {
            tracing::warn!(
                setting,
                host,
                "the way to the database is not protected by TLS with a checked certificate, as --plain-database says: \
                 whoever is in the network between can read and change everything"
            );
        }
    } else if !trusting {
        wrong.extend(open.iter().map(|(name, host)| unprotected(name, host)));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "a setting is refused:\n{}",
        wrong.join("\n")
    )))
}

fn unprotected(name: &str, host: &str) -> String {
    format!(
        "  {name}: nothing protects the way to {host}. Add ?sslmode=verify-full, and &sslrootcert=FILE for an \
         authority of your own; or, where nobody else is in the network between, set INSULA_PLAIN_DATABASE=true"
    )
}
