//! `insula secrets`: which master key protects what, and the move to a new one.

use chrono::TimeDelta;
use serde_json::json;
use tenants::{Clock, Installation, Settings};
use url::Url;

use crate::{
    Failure,
    args::installation::SecretsArgs,
    connect, database, output,
    settings::{self, Missing, NO_DATABASE, NO_SECRETS, given},
};

/// `insula secrets status`.
pub(crate) async fn status(args: SecretsArgs) -> Result<(), Failure> {
    let opened = Opened::by(&args).await?;
    let in_use = opened.installation.master_key_use().await;
    let in_use = in_use.map_err(|fault| connect::hint(fault.into()))?;
    let mut shown = Vec::new();
    for (at, id) in opened.ids.iter().enumerate() {
        let count = in_use
            .iter()
            .find(|(key, _)| key == id)
            .map_or(0, |(_, count)| *count);
        let role = match (at, count) {
            (0, _) => "encrypts",
            (_, 0) => "no project key rests under it",
            _ => "still needed; see `insula secrets rewrap`",
        };
        if args.output.json {
            shown.push(json!({"id": id, "projectKeys": count, "encrypts": at == 0}));
        } else {
            output::say(&format!("{id}  {count} project key(s)  {role}"))?;
        }
    }
    if args.output.json {
        output::json(&json!({"masterKeys": shown}))?;
    }
    opened.installation.close().await;
    Ok(())
}

/// `insula secrets rewrap`.
pub(crate) async fn rewrap(args: SecretsArgs) -> Result<(), Failure> {
    let opened = Opened::by(&args).await?;
    let moved = opened.installation.rewrap_keys().await;
    let moved = moved.map_err(|fault| connect::hint(fault.into()))?;
    let to = &opened.ids[0];
    if args.output.json {
        output::json(&json!({"moved": moved, "masterKey": to}))?;
    } else {
        output::say(&format!("{moved} project key(s) moved to master key {to}"))?;
    }
    opened.installation.close().await;
    Ok(())
}

struct Opened {
    installation: Installation,
    /// Of the master keys given, the encrypting one first.
    ids: Vec<String>,
}

impl Opened {
    async fn by(args: &SecretsArgs) -> Result<Self, Failure> {
        let mut missing = Missing::default();
        let gate = missing.unless(given(args.database.database_url.as_ref()), NO_DATABASE);
        let keys = missing.unless(given(args.secrets.secrets.as_ref()), NO_SECRETS);
        missing.none()?;
        database::check(&args.database, false)?;
        let (gate, keys) = (gate.unwrap_or_default(), keys.unwrap_or_default());
        let ids = settings::master_keys(keys)?
            .ids()
            .map(str::to_owned)
            .collect();
        let installation = connect::patiently("the database (DATABASE_URL)", async || {
            let keys = settings::master_keys(keys)
                .map_err(|_| tenants::Fault::broken("INSULA_SECRETS cannot be read"))?;
            Installation::connect(small(gate, keys)).await
        })
        .await
        .map_err(connect::hint)?;
        Ok(Self { installation, ids })
    }
}

/// No project is served and nothing is called: only the database and the keys matter.
fn small(gate: &str, master_keys: tenants::secrets::MasterKeys) -> Settings {
    Settings {
        gate_url: gate.to_owned(),
        owner_url: None,
        connections: 4,
        public_url: Url::parse("http://localhost").expect("a constant URL"),
        master_keys,
        root_key: None,
        allow_private: Vec::new(),
        allow_development: false,
        delete_grace: TimeDelta::zero(),
        spare_slots: 0,
        clock: Clock::machine(),
        config_rules: api::config_rules(),
        lengths: tenants::Lengths::default(),
        sandbox: tenants::Program::this(),
        release_guard: true,
    }
}
