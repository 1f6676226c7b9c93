//! `insula project config`: a project's configuration shown, changed, compared and brought back.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{ListArgs, Listed, no_project};
use crate::{
    Failure,
    args::{output::OutputArgs, server::ServerArgs},
    client::{Client, Operation},
    document,
    output::{self, Table, cell, moment},
};

const ADMIN: &str = "an ADMIN of the project";
const VIEWER: &str = "a VIEWER of the project";

const GET: Operation = Operation {
    text: "query ($slug: String!) { project(slug: $slug) { config } }",
    needs: VIEWER,
};
const GET_REVISION: Operation = Operation {
    text: "query ($slug: String!, $revision: Int!) { project(slug: $slug) {
  revision(number: $revision) { config } } }",
    needs: VIEWER,
};
const UPDATE: Operation = Operation {
    text: "mutation ($input: UpdateProjectConfigInput!) { changed: updateProjectConfig(input: $input) {
  project { slug configRevision } diff notes } }",
    needs: ADMIN,
};
const RESTORE: Operation = Operation {
    text: "mutation ($input: RestoreProjectConfigInput!) { changed: restoreProjectConfig(input: $input) {
  project { slug configRevision } diff notes } }",
    needs: ADMIN,
};
const HISTORY: Operation = Operation {
    text: "query ($slug: String!, $first: Int, $after: String) { project(slug: $slug) {
  revisions(first: $first, after: $after) {
    edges { node { number author createdAt diff } } pageInfo { hasNextPage endCursor } } } }",
    needs: VIEWER,
};

/// `insula project config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the document in force, secrets masked
    #[command(
        after_help = "Examples:\n  insula project config get shop > shop.json\n  \
        insula project config get shop --revision 3"
    )]
    Get(GetArgs),
    /// Change it: a file, standard input, or KEY.PATH=VALUE. What is not named stays; null removes
    #[command(
        after_help = "Examples:\n  insula project config set shop session.lifespan=12h\n  \
        insula project config set shop shop.yml --replace --dry-run\n  \
        echo '{\"session\": null}' | insula project config set shop -"
    )]
    Set(SetArgs),
    /// Show what `set` would change, and change nothing
    #[command(
        after_help = "Examples:\n  insula project config diff shop shop.yml --replace\n  \
        insula project config diff shop shop.yml --replace --check || echo drifted"
    )]
    Diff(DiffArgs),
    /// List the revisions, newest first
    #[command(after_help = "Example:\n  insula project config history shop --first 5")]
    History(HistoryArgs),
    /// Make an earlier revision the next one, with the secrets that it had
    #[command(after_help = "Example:\n  insula project config restore shop 3 --dry-run")]
    Restore(RestoreArgs),
}

/// `insula project config get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// The project's name in URLs
    pub slug: String,
    /// An earlier document
    #[arg(long, value_name = "NUMBER")]
    pub revision: Option<i32>,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What to change.
#[derive(Args, Debug)]
pub struct ChangeArgs {
    /// The project's name in URLs
    pub slug: String,
    /// A file of JSON or YAML, `-` for standard input; or KEY.PATH=VALUE, as often as needed, where a value is
    /// JSON or else text. Identity schemas by file:// are read, relative to the file, and sent along
    #[arg(required = true, value_name = "FILE|KEY.PATH=VALUE")]
    pub what: Vec<String>,
    /// It is the whole new document, not a merge patch
    #[arg(long)]
    pub replace: bool,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `insula project config set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    /// With how much care.
    #[command(flatten)]
    pub care: CareArgs,
    /// The new document, or the patch.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// How carefully to change.
#[derive(Args, Debug)]
pub struct CareArgs {
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Refuse unless this is the latest revision
    #[arg(long, value_name = "NUMBER")]
    pub expected_revision: Option<i32>,
}

/// `insula project config diff`.
#[derive(Args, Debug)]
pub struct DiffArgs {
    /// End with exit status 3 when there is a difference
    #[arg(long)]
    pub check: bool,
    /// The new document, or the patch.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// `insula project config history`.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// The project's name in URLs
    pub slug: String,
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

/// `insula project config restore`.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// The project's name in URLs
    pub slug: String,
    /// The number of the revision
    pub revision: i32,
    /// With how much care.
    #[command(flatten)]
    pub care: CareArgs,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

pub(super) async fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Get(args) => get(args).await,
        ConfigCommand::Set(args) => {
            let care = &args.care;
            let made = change(&args.change, care).await?;
            print(&made, care.dry_run, args.change.output)
        }
        ConfigCommand::Diff(args) => diff(args).await,
        ConfigCommand::History(args) => history(args).await,
        ConfigCommand::Restore(args) => restore(args).await,
    }
}

async fn get(args: GetArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let variables = json!({"slug": args.slug, "revision": args.revision});
    let operation = if args.revision.is_some() {
        &GET_REVISION
    } else {
        &GET
    };
    let data = client.graphql(operation, variables).await?;
    let project = &data["project"];
    if project.is_null() {
        return Err(no_project());
    }
    // With --json or without: the document is JSON in any case.
    match args.revision {
        None => output::json(&project["config"]),
        Some(_) if project["revision"].is_object() => output::json(&project["revision"]["config"]),
        Some(number) => Err(Failure::NotFound(format!(
            "{} has no revision {number}\n  `insula project config history {0}` shows those it has",
            args.slug
        ))),
    }
}

/// The patch or document that the arguments say.
fn given(what: &[String]) -> Result<Value, Failure> {
    // What looks like a path is one, whatever its name holds.
    let is_pair = |text: &String| text.contains('=') && !text.starts_with(['.', '/']);
    if what.iter().all(is_pair) {
        return document::pairs(what);
    }
    match what {
        [file] => document::config(&PathBuf::from(file)),
        _ => Err(Failure::Usage(
            "give one file, or `-`, or KEY.PATH=VALUE as often as needed, but not several of these"
                .to_owned(),
        )),
    }
}

async fn change(args: &ChangeArgs, care: &CareArgs) -> Result<Value, Failure> {
    let client = Client::new(&args.server)?;
    let input = json!({
        "slug": args.slug,
        "config": given(&args.what)?,
        "mode": if args.replace { "REPLACE" } else { "MERGE" },
        "dryRun": care.dry_run,
        "expectedRevision": care.expected_revision,
    });
    let data = client.graphql(&UPDATE, json!({"input": input})).await?;
    Ok(data["changed"].clone())
}

async fn diff(args: DiffArgs) -> Result<(), Failure> {
    let care = CareArgs {
        dry_run: true,
        expected_revision: None,
    };
    let made = change(&args.change, &care).await?;
    print(&made, true, args.change.output)?;
    let differs = made["diff"].as_array().is_some_and(|diff| !diff.is_empty());
    if args.check && differs {
        return Err(Failure::Pending);
    }
    Ok(())
}

async fn history(args: HistoryArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let variables = Map::from_iter([("slug".to_owned(), json!(args.slug))]);
    let of = ("/project/revisions", "revisions");
    let listed = Listed::by_graphql(&client, &HISTORY, of, (variables, &args.list)).await?;
    let table = Table::new(&["REVISION", "WHEN (UTC)", "AUTHOR", "CHANGES"]);
    let row = |revision: &Value| {
        let changes = output::places(&revision["diff"]).join(", ");
        vec![
            cell(&revision["number"]),
            moment(&revision["createdAt"]),
            cell(&revision["author"]),
            changes,
        ]
    };
    listed.print(args.output, "revisions", (table, row))
}

async fn restore(args: RestoreArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let care = &args.care;
    let input = json!({
        "slug": args.slug,
        "revision": args.revision,
        "dryRun": care.dry_run,
        "expectedRevision": care.expected_revision,
    });
    let data = client.graphql(&RESTORE, json!({"input": input})).await?;
    print(&data["changed"], care.dry_run, args.output)
}

/// `{"slug", "configRevision", "dryRun", "diff", "notes"}`, or the changes line by line.
fn print(made: &Value, dry_run: bool, output: OutputArgs) -> Result<(), Failure> {
    let (slug, revision) = (&made["project"]["slug"], &made["project"]["configRevision"]);
    if output.json {
        return output::json(&json!({
            "slug": slug,
            "configRevision": revision,
            "dryRun": dry_run,
            "diff": made["diff"],
            "notes": made["notes"],
        }));
    }
    for text in made["notes"].as_array().into_iter().flatten() {
        output::note(text.as_str().unwrap_or_default());
    }
    let changes = output::changes(&made["diff"]);
    let slug = cell(slug);
    if changes.is_empty() {
        eprintln!("no difference: {slug} stays at revision {revision}");
        return Ok(());
    }
    output::say(&changes.join("\n"))?;
    if dry_run {
        eprintln!("nothing was changed: {slug} stays at revision {revision}");
    } else {
        eprintln!("revision {revision} of {slug} is in force");
    }
    Ok(())
}
