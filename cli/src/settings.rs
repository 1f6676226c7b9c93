//! From arguments to the settings of an installation. Outside development mode nothing is assumed: what
//! is missing is named, all of it at once, with what to do.

use secrecy::{ExposeSecret as _, SecretString};
use tenants::{
    Clock, Lengths, Settings,
    secrets::{HOW_TO_MAKE_A_KEY, MasterKeys},
};
use url::Url;

use crate::{Failure, args::installation::InstallationArgs, database};

const SPARE_SLOTS: i32 = 20;
const SPARE_SLOTS_DEV: i32 = 3;
/// A key that can be guessed opens everything.
const ROOT_KEY_CHARACTERS_MIN: usize = 32;

/// What development mode makes up and every other server must be given.
pub(crate) struct Known {
    pub(crate) gate_url: String,
    pub(crate) owner_url: Option<String>,
    pub(crate) secrets: String,
    pub(crate) root_key: Option<String>,
    pub(crate) public_url: Url,
    pub(crate) dev: bool,
}

/// A value that is there and not empty: compose files pass on what is unset as an empty text.
pub(crate) fn given(value: Option<&SecretString>) -> Option<&str> {
    value
        .map(|secret| secret.expose_secret().trim())
        .filter(|text| !text.is_empty())
}

/// Everything as `serve` and `work` need it without development mode.
pub(crate) fn required(args: &InstallationArgs) -> Result<Known, Failure> {
    let mut missing = Missing::default();
    let gate_url = missing.unless(given(args.database.database_url.as_ref()), NO_DATABASE);
    let secrets = missing.unless(given(args.secrets.secrets.as_ref()), NO_SECRETS);
    let public_url = missing.unless(
        args.public_url.as_ref(),
        ("INSULA_PUBLIC_URL", "set it, or --public-url, to where people reach this installation, such as https://id.example.com"),
    );
    missing.none()?;
    let (Some(gate_url), Some(secrets), Some(public_url)) = (gate_url, secrets, public_url) else {
        return Err(Failure::Usage("a setting is missing".to_owned()));
    };
    database::check(&args.database, false)?;
    Ok(Known {
        gate_url: gate_url.to_owned(),
        owner_url: given(args.database.owner_database_url.as_ref()).map(str::to_owned),
        secrets: secrets.to_owned(),
        root_key: root_key(args)?,
        public_url: public_url.clone(),
        dev: false,
    })
}

/// Put both together.
pub(crate) fn installation(args: &InstallationArgs, known: &Known) -> Result<Settings, Failure> {
    check_public_url(&known.public_url)?;
    let spare_slots = if known.dev {
        SPARE_SLOTS_DEV
    } else {
        SPARE_SLOTS
    };
    Ok(Settings {
        gate_url: known.gate_url.clone(),
        owner_url: known.owner_url.clone(),
        connections: args.db_connections,
        public_url: known.public_url.clone(),
        master_keys: master_keys(&known.secrets)?,
        root_key: known.root_key.clone(),
        allow_private: args.allow_private.clone(),
        allow_development: known.dev || args.allow_development_projects,
        delete_grace: chrono::TimeDelta::from_std(args.delete_grace)
            .map_err(|error| Failure::Usage(format!("INSULA_DELETE_GRACE: {error}")))?,
        spare_slots: args.spare_slots.unwrap_or(spare_slots),
        clock: Clock::machine(),
        config_rules: api::config_rules(),
        lengths: lengths(args),
        sandbox: tenants::Program::this(),
        release_guard: true,
    })
}

pub(crate) const NO_DATABASE: (&str, &str) = (
    "DATABASE_URL",
    "set it to the gate login, as postgres://insula_gate:PASSWORD@HOST:5432/insula",
);
pub(crate) const NO_OWNER: (&str, &str) = (
    "INSULA_OWNER_DATABASE_URL",
    "set it to a login with CREATEROLE that owns the database, as postgres://insula_owner:PASSWORD@HOST:5432/insula",
);
pub(crate) const NO_SECRETS: (&str, &str) = (
    "INSULA_SECRETS",
    "set it to a key of 32 bytes in base64url and keep a copy apart from the database",
);

/// Collects what is missing, so that all of it is told at once.
#[derive(Default)]
pub(crate) struct Missing(Vec<String>);

impl Missing {
    pub(crate) fn unless<T>(&mut self, value: Option<T>, (name, how): (&str, &str)) -> Option<T> {
        if value.is_none() {
            self.0.push(format!("  {name}: {how}"));
            if name == NO_SECRETS.0 {
                self.0.push(format!("    {HOW_TO_MAKE_A_KEY}"));
            }
        }
        value
    }

    pub(crate) fn none(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "a setting is missing:\n{}",
            self.0.join("\n")
        )))
    }
}

pub(crate) fn master_keys(text: &str) -> Result<MasterKeys, Failure> {
    MasterKeys::parse(text).map_err(|error| Failure::Usage(error.to_string()))
}

/// `INSULA_ROOT_KEY`, if it is set and long enough.
pub(crate) fn root_key(args: &InstallationArgs) -> Result<Option<String>, Failure> {
    let Some(key) = given(args.root_key.as_ref()) else {
        return Ok(None);
    };
    if key.len() < ROOT_KEY_CHARACTERS_MIN {
        return Err(Failure::Usage(format!(
            "INSULA_ROOT_KEY has fewer than {ROOT_KEY_CHARACTERS_MIN} characters; make one with: openssl rand -hex 32"
        )));
    }
    Ok(Some(key.to_owned()))
}

/// What is not given is as it is by default.
fn lengths(args: &InstallationArgs) -> Lengths {
    let kib = |given: Option<u32>, usual: usize| given.map_or(usual, |kib| kib as usize * 1024);
    let usual = Lengths::default();
    Lengths {
        submission: kib(args.submission_kib, usual.submission),
        traits: kib(args.traits_kib, usual.traits),
        typed: kib(args.typed_kib, usual.typed),
    }
}

/// An origin, and nothing that would be dropped in silence.
fn check_public_url(url: &Url) -> Result<(), Failure> {
    let bare = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "INSULA_PUBLIC_URL: {url} is not an origin; it has a scheme (http or https), a host and perhaps a port, such as https://id.example.com"
    )))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        args::installation::WorkArgs,
        command_line::{Cli, Command},
    };

    /// Whatever the environment of the test says, these are empty or given.
    fn work(public_url: &str, database: &str) -> Box<WorkArgs> {
        let line = [
            "insula",
            "work",
            "--secrets",
            " ",
            "--owner-database-url",
            "",
            "--root-key",
            "",
            "--database-url",
            database,
            "--public-url",
            public_url,
        ];
        match Cli::try_parse_from(line).unwrap().command {
            Command::Work(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let args = work("https://id.example.com", " ");
        let Err(Failure::Usage(text)) = required(&args.installation) else {
            panic!("accepted");
        };
        for name in ["DATABASE_URL: ", "INSULA_SECRETS: ", "openssl rand"] {
            assert!(text.contains(name), "{text}");
        }
        assert!(!text.contains("INSULA_PUBLIC_URL"), "{text}");
        let hint = text.lines().position(|line| line.contains("openssl rand"));
        let named = text
            .lines()
            .position(|line| line.contains("INSULA_SECRETS: "));
        assert_eq!(hint, named.map(|line| line + 1), "{text}");
    }

    #[test]
    fn a_public_url_is_an_origin() {
        for good in ["https://id.example.com", "http://localhost:4433/"] {
            assert!(
                check_public_url(&Url::parse(good).unwrap()).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "https://id.example.com/auth",
            "https://id.example.com/?a",
            "ftp://id.example.com",
            "https://u:p@id.example.com",
            "mailto:a@b.example",
        ] {
            assert!(
                check_public_url(&Url::parse(bad).unwrap()).is_err(),
                "{bad}"
            );
        }
    }
}
