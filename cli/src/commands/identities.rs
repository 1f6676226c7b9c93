//! `insula identities`: the people of a project, by its administrative REST.

use std::{
    io::{IsTerminal as _, Read as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ListArgs, Listed};
use crate::{
    Failure,
    args::{output::OutputArgs, server::ServerArgs},
    client::Client,
    document,
    output::{self, Table, cell, moment},
};

const VIEWER: &str = "a VIEWER of the project";
const ADMIN: &str = "an ADMIN of the project";
/// Traits that name a person, the best first.
const NAMES: [&str; 3] = ["email", "username", "phone"];

/// `insula identities`.
#[derive(Debug, Subcommand)]
pub enum IdentitiesCommand {
    /// List identities, by id
    #[command(
        after_help = "Examples:\n  insula identities list --project shop --identifier ada@example.com\n  \
        insula identities list --project shop --all --json > everybody.json"
    )]
    List(IdentityListArgs),
    /// Print an identity as JSON
    #[command(
        after_help = "Example:\n  insula identities get --project shop 0b8d6a3e-6c0f-4f37-9c0f-5b6b2f9d2a11"
    )]
    Get(IdentityArgs),
    /// Make an identity
    #[command(
        after_help = "Examples:\n  insula identities create --project shop --traits '{\"email\": \"ada@example.com\"}'\n  \
        pass show ada | insula identities create --project shop --traits @ada.json --password-stdin\n  \
        insula identities create --project shop --file identity.json"
    )]
    Create(Box<IdentityCreateArgs>),
    /// Delete an identity with its credentials and sessions, for good
    #[command(
        after_help = "Example:\n  insula identities delete --project shop --yes 0b8d6a3e-6c0f-4f37-9c0f-5b6b2f9d2a11"
    )]
    Delete(IdentityDeleteArgs),
}

/// Whose people, on which server.
#[derive(Args, Debug)]
pub struct OfProjectArgs {
    /// The project's name in URLs [default: the project that the key belongs to]
    #[arg(long, short, env = "INSULA_PROJECT", value_name = "SLUG")]
    pub project: Option<String>,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `insula identities list`.
#[derive(Args, Debug)]
pub struct IdentityListArgs {
    /// Who signs in with exactly this e-mail address, user name or telephone number
    #[arg(long, value_name = "TEXT")]
    pub identifier: Option<String>,
    /// Which part of the list.
    #[command(flatten)]
    pub list: ListArgs,
    /// The project it concerns, and its server.
    #[command(flatten)]
    pub of: OfProjectArgs,
}

/// One identity.
#[derive(Args, Debug)]
pub struct IdentityArgs {
    /// Its id
    pub id: Uuid,
    /// The project it concerns, and its server.
    #[command(flatten)]
    pub of: OfProjectArgs,
}

/// `insula identities create`.
#[derive(Args, Debug)]
pub struct IdentityCreateArgs {
    /// What is known of them, by the schema: JSON, or @FILE of JSON or YAML
    #[arg(long, value_name = "JSON|@FILE", required_unless_present = "file")]
    pub traits: Option<String>,
    /// The identity schema [default: the project's]
    #[arg(long, value_name = "ID")]
    pub schema: Option<String>,
    /// An id of your own, unique in the project
    #[arg(long, value_name = "TEXT")]
    pub external_id: Option<String>,
    /// Read a password from standard input; a line end behind it is none of it
    #[arg(long)]
    pub password_stdin: bool,
    /// The whole body of the request instead, JSON or YAML, `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["traits", "schema", "external_id", "password_stdin"])]
    pub file: Option<PathBuf>,
    /// The project it concerns, and its server.
    #[command(flatten)]
    pub of: OfProjectArgs,
}

/// `insula identities delete`.
#[derive(Args, Debug)]
pub struct IdentityDeleteArgs {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// The identity to delete.
    #[command(flatten)]
    pub identity: IdentityArgs,
}

pub(crate) async fn run(command: IdentitiesCommand) -> Result<(), Failure> {
    match command {
        IdentitiesCommand::List(args) => list(args).await,
        IdentitiesCommand::Get(args) => get(args).await,
        IdentitiesCommand::Create(args) => create(*args).await,
        IdentitiesCommand::Delete(args) => delete(args).await,
    }
}

async fn list(args: IdentityListArgs) -> Result<(), Failure> {
    let client = Client::new(&args.of.server)?;
    let project = client.project(args.of.project.as_deref()).await?;
    let filter = args.identifier.map(|it| ("credentials_identifier", it));
    let filter: Vec<_> = filter.into_iter().collect();
    let path = (&*project, "identities");
    let listed =
        Listed::by_rest(&client, path, ("identities", VIEWER), (&filter, &args.list)).await?;
    let table = Table::new(&["ID", "STATE", "CREATED (UTC)", "SCHEMA", "WHO"]);
    let row = |identity: &Value| {
        vec![
            cell(&identity["id"]),
            cell(&identity["state"]),
            moment(&identity["created_at"]),
            cell(&identity["schema_id"]),
            who(&identity["traits"]),
        ]
    };
    listed.print(args.of.output, "identities", (table, row))
}

/// What names them, or else all that is known.
fn who(traits: &Value) -> String {
    let named = NAMES.iter().find(|name| traits[**name].is_string());
    named.map_or_else(|| cell(traits), |name| cell(&traits[*name]))
}

async fn get(args: IdentityArgs) -> Result<(), Failure> {
    let client = Client::new(&args.of.server)?;
    let project = client.project(args.of.project.as_deref()).await?;
    let path = format!("identities/{}", args.id);
    let page = client
        .admin(Method::GET, (&project, &path), None, VIEWER)
        .await?;
    output::json(&page.body)
}

async fn create(args: IdentityCreateArgs) -> Result<(), Failure> {
    let client = Client::new(&args.of.server)?;
    let body = body(&args)?;
    let project = client.project(args.of.project.as_deref()).await?;
    let of = (&*project, "identities");
    let made = client
        .admin(Method::POST, of, Some(body), ADMIN)
        .await?
        .body;
    if args.of.output.json {
        return output::json(&made);
    }
    output::facts(&[
        ("identity", cell(&made["id"])),
        ("who", who(&made["traits"])),
        ("schema", cell(&made["schema_id"])),
        ("state", cell(&made["state"])),
    ])
}

fn body(args: &IdentityCreateArgs) -> Result<Value, Failure> {
    if let Some(file) = &args.file {
        return document::read(file);
    }
    let mut body = json!({"traits": traits(args.traits.as_deref().unwrap_or("{}"))?});
    if let Some(schema) = &args.schema {
        body["schema_id"] = json!(schema);
    }
    if let Some(id) = &args.external_id {
        body["external_id"] = json!(id);
    }
    if args.password_stdin {
        body["credentials"] = json!({"password": {"config": {"password": password()?}}});
    }
    Ok(body)
}

fn traits(text: &str) -> Result<Value, Failure> {
    match text.strip_prefix('@') {
        Some(file) => document::read(&PathBuf::from(file)),
        None => serde_json::from_str(text).map_err(|error| {
            Failure::Usage(format!(
                "--traits: no JSON: {error}; a file is named by @FILE"
            ))
        }),
    }
}

fn password() -> Result<String, Failure> {
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("the password, then Enter and Ctrl-D; what is typed can be seen");
    }
    let mut text = String::new();
    let read = stdin.read_to_string(&mut text);
    read.map_err(|error| Failure::of(&error))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        let why = "--password-stdin: standard input holds no password";
        return Err(Failure::Usage(why.to_owned()));
    }
    Ok(line.to_owned())
}

async fn delete(args: IdentityDeleteArgs) -> Result<(), Failure> {
    let IdentityDeleteArgs { yes, identity } = args;
    let client = Client::new(&identity.of.server)?;
    let project = client.project(identity.of.project.as_deref()).await?;
    let id = identity.id;
    let question = format!("Delete the identity {id} of {project} for good?");
    output::confirm(&question, yes)?;
    let path = format!("identities/{id}");
    client
        .admin(Method::DELETE, (&project, &path), None, ADMIN)
        .await?;
    if identity.of.output.json {
        return output::json(&json!({"id": id}));
    }
    output::say(&format!("{id} is deleted"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn people_go_by_their_names() {
        assert_eq!(who(&json!({"n": 1, "email": "a@b"})), "a@b");
        assert_eq!(who(&json!({"username": "ada", "phone": "+1"})), "ada");
        assert_eq!(who(&json!({"badge": 7})), r#"{"badge":7}"#);
    }

    #[test]
    fn traits_stand_here_or_in_a_file() {
        assert_eq!(traits(r#"{"a": 1}"#).unwrap(), json!({"a": 1}));
        let Err(Failure::Usage(text)) = traits("a@b") else {
            panic!("accepted");
        };
        assert!(text.contains("@FILE"), "{text}");
        let file = std::env::temp_dir().join(format!("insula-traits-{}", std::process::id()));
        fs::write(&file, "email: a@b\n").unwrap();
        let read = traits(&format!("@{}", file.display())).unwrap();
        assert_eq!(read, json!({"email": "a@b"}));
        fs::remove_file(&file).unwrap();
    }
}
