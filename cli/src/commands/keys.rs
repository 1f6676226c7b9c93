//! `insula keys`: API keys, of one project or of the installation.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use tenants::Clock;
use uuid::Uuid;

use super::{ListArgs, Listed};
use crate::{
    Failure,
    args::{output::OutputArgs, server::ServerArgs},
    client::{Client, Operation},
    output::{self, Table, cell, moment},
};

const OF_PROJECT: &str = "an OWNER of the project";
const OF_INSTALLATION: &str =
    "an OWNER of the installation; a project's keys are named by --project";

const CREATE: &str = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  apiKey { id name role token prefix } } }";
const LIST: Operation = Operation {
    text: "query ($first: Int, $after: String, $revoked: Boolean) {
  apiKeys(first: $first, after: $after, includeRevoked: $revoked) {
    edges { node { id name role prefix author createdAt expiresAt revokedAt } }
    pageInfo { hasNextPage endCursor } } }",
    needs: OF_INSTALLATION,
};
const LIST_OF_PROJECT: Operation = Operation {
    text: "query ($slug: String!, $first: Int, $after: String, $revoked: Boolean) { project(slug: $slug) {
  apiKeys(first: $first, after: $after, includeRevoked: $revoked) {
    edges { node { id name role prefix author createdAt expiresAt revokedAt } }
    pageInfo { hasNextPage endCursor } } } }",
    needs: OF_PROJECT,
};
const REVOKE: Operation = Operation {
    text: "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { id } }",
    needs: "an OWNER of the key's project or of the installation",
};

/// `insula keys`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print its token, which is shown only now
    #[command(
        after_help = "Examples:\n  insula keys create --project shop --name 'nightly import' --role admin --expires 30d\n  \
        export INSULA_KEY=$(insula keys create --name mine --role owner --json | jq -r .token)"
    )]
    Create(KeyCreateArgs),
    /// List keys, newest first; tokens are never shown
    #[command(after_help = "Example:\n  insula keys list --project shop")]
    List(KeyListArgs),
    /// End a key at once
    #[command(after_help = "Example:\n  insula keys revoke 0b8d6a3e-6c0f-4f37-9c0f-5b6b2f9d2a11")]
    Revoke(KeyRevokeArgs),
}

/// `insula keys create`.
#[derive(Args, Debug)]
pub struct KeyCreateArgs {
    /// The project's name in URLs; without it the key is one of the installation, with its role in every project
    #[arg(long, short, env = "INSULA_PROJECT", value_name = "SLUG")]
    pub project: Option<String>,
    /// What tells it from others, 1 to 100 characters
    #[arg(long)]
    pub name: String,
    /// What it may do
    #[arg(long, ignore_case = true)]
    pub role: RoleArg,
    /// When it stops working: in so many days or so (30d, 12h, 2w), or at a moment (2027-01-31T12:00:00Z);
    /// without it never
    #[arg(long, value_name = "IN|AT", value_parser = expiry)]
    pub expires: Option<Expiry>,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Everything, also keys, suspension and deletion
    Owner,
    /// Also write identities, sessions and configuration
    Admin,
    /// Read all but secrets and credentials
    Viewer,
}

impl RoleArg {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Admin => "ADMIN",
            Self::Viewer => "VIEWER",
        }
    }
}

/// When a key stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// So long after it was made.
    In(TimeDelta),
    /// At that moment.
    At(DateTime<Utc>),
}

/// `insula keys list`.
#[derive(Args, Debug)]
pub struct KeyListArgs {
    /// The project's name in URLs; without it the keys of the installation
    #[arg(long, short, env = "INSULA_PROJECT", value_name = "SLUG")]
    pub project: Option<String>,
    /// Also those that were revoked
    #[arg(long)]
    pub revoked: bool,
    /// Which part of the list.
    #[command(flatten)]
    pub list: ListArgs,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `insula keys revoke`.
#[derive(Args, Debug)]
pub struct KeyRevokeArgs {
    /// The id of the key, not its token
    pub id: Uuid,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

pub(crate) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(args) => create(args).await,
        KeysCommand::List(args) => list(args).await,
        KeysCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: KeyCreateArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let expires_at = match args.expires {
        None => None,
        Some(Expiry::At(at)) => Some(at),
        Some(Expiry::In(time)) => Some(
            Clock::machine()
                .now()
                .checked_add_signed(time)
                .ok_or_else(|| Failure::Usage("--expires: that is too far away".to_owned()))?,
        ),
    };
    let expires_at = expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let input = json!({
        "slug": args.project,
        "name": args.name,
        "role": args.role.as_str(),
        "expiresAt": expires_at,
    });
    let needs = if args.project.is_some() {
        OF_PROJECT
    } else {
        OF_INSTALLATION
    };
    let operation = Operation {
        text: CREATE,
        needs,
    };
    let mut data = client.graphql(&operation, json!({"input": input})).await?;
    let mut key = data["createApiKey"]["apiKey"].take();
    if args.output.json {
        key["expiresAt"] = json!(expires_at);
        return output::json(&key);
    }
    let of = match &args.project {
        Some(slug) => format!("the project {slug}"),
        None => "the installation".to_owned(),
    };
    output::facts(&[
        ("key", cell(&key["token"])),
        (
            "",
            "it is shown only now: keep it where nobody else reads".to_owned(),
        ),
        ("id", cell(&key["id"])),
        ("role", format!("{} of {of}", cell(&key["role"]))),
        ("expires", expires_at.unwrap_or_else(|| "never".to_owned())),
    ])
}

async fn list(args: KeyListArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let mut variables = Map::from_iter([("revoked".to_owned(), json!(args.revoked))]);
    let (operation, pointer) = match &args.project {
        Some(slug) => {
            variables.insert("slug".to_owned(), json!(slug));
            (&LIST_OF_PROJECT, "/project/apiKeys")
        }
        None => (&LIST, "/apiKeys"),
    };
    let listed = Listed::by_graphql(
        &client,
        operation,
        (pointer, "keys"),
        (variables, &args.list),
    );
    let listed = listed.await?;
    let table = Table::new(&[
        "ID",
        "ROLE",
        "BEGINS WITH",
        "CREATED (UTC)",
        "ENDS (UTC)",
        "NAME",
    ]);
    let row = |key: &Value| {
        let ends = match (&key["revokedAt"], &key["expiresAt"]) {
            (Value::Null, Value::Null) => "never".to_owned(),
            (Value::Null, at) => moment(at),
            (at, _) => format!("{}, revoked", moment(at)),
        };
        vec![
            cell(&key["id"]),
            cell(&key["role"]),
            cell(&key["prefix"]),
            moment(&key["createdAt"]),
            ends,
            cell(&key["name"]),
        ]
    };
    listed.print(args.output, "keys", (table, row))
}

async fn revoke(args: KeyRevokeArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let data = client.graphql(&REVOKE, json!({"id": args.id})).await?;
    if args.output.json {
        return output::json(&data["revokeApiKey"]);
    }
    output::say(&format!("{} works no more", args.id))
}

/// `30d`, `2w`, whatever configurations take for a duration, or a moment.
fn expiry(text: &str) -> Result<Expiry, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Expiry::At(at.to_utc()));
    }
    let days = |days: Option<i64>| days.and_then(TimeDelta::try_days);
    let whole = |text: &str| text.parse::<i64>().ok().filter(|number| *number > 0);
    let time = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "d")) => days(whole(number)),
        Some((number, "w")) => days(whole(number).and_then(|weeks| weeks.checked_mul(7))),
        _ => tenants::config::units::parse_duration(text)
            .ok()
            .and_then(|duration| TimeDelta::from_std(duration).ok()),
    };
    let time = time.filter(|time| *time > TimeDelta::zero());
    time.map(Expiry::In).ok_or_else(|| {
        "is neither a time such as 30d or 12h nor a moment such as 2027-01-31T12:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_distance_or_by_moment() {
        for (text, days) in [("30d", 30), ("2w", 14), ("48h", 2)] {
            assert_eq!(
                expiry(text),
                Ok(Expiry::In(TimeDelta::days(days))),
                "{text}"
            );
        }
        let at = expiry("2027-01-31T13:00:00+01:00").unwrap();
        assert!(matches!(at, Expiry::At(at) if at.to_rfc3339() == "2027-01-31T12:00:00+00:00"));
        for bad in [
            "",
            "d",
            "0d",
            "-1d",
            "soon",
            "9999999999999999999d",
            "99999999999999999w",
            "0s",
            "ż",
        ] {
            assert!(expiry(bad).is_err(), "{bad}");
        }
    }
}
