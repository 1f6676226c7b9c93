//! `insula project`: projects made, found, and moved through their life.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{ListArgs, Listed, config, config::ConfigCommand, no_project};
use crate::{
    Failure,
    args::{output::OutputArgs, server::ServerArgs},
    client::{Client, Operation},
    document,
    output::{self, Table, cell, moment},
};

const OWNER: &str = "an OWNER of the project";

const CREATE: Operation = Operation {
    text: "mutation ($input: CreateProjectInput!) { createProject(input: $input) {
  project { id slug name environment publicUrl adminUrl configRevision }
  apiKey { id name role token } } }",
    needs: "an ADMIN of the installation",
};
const LIST: Operation = Operation {
    text: "query ($first: Int, $after: String, $search: String) {
  projects(first: $first, after: $after, search: $search) {
    edges { node { id slug name environment state createdAt updatedAt publicUrl } }
    pageInfo { hasNextPage endCursor } } }",
    needs: "a VIEWER",
};
/// What is asked of a project that is shown, in the braces of an operation.
macro_rules! of_project {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id slug name environment state createdAt updatedAt publicUrl adminUrl configRevision ",
            $after
        )
    };
}

const SHOW: Operation = Operation {
    text: of_project!("query ($slug: String!) { project(slug: $slug) {", "} }"),
    needs: "a VIEWER of the project",
};
const SUSPEND: Operation = Operation {
    text: of_project!(
        "mutation ($slug: String!) { suspendProject(input: {slug: $slug}) { project {",
        "} } }"
    ),
    needs: OWNER,
};
const RESUME: Operation = Operation {
    text: of_project!(
        "mutation ($slug: String!) { resumeProject(input: {slug: $slug}) { project {",
        "} } }"
    ),
    needs: OWNER,
};
const RESTORE: Operation = Operation {
    text: of_project!(
        "mutation ($slug: String!) { restoreProject(input: {slug: $slug}) { project {",
        "} } }"
    ),
    needs: OWNER,
};
const DELETE: Operation = Operation {
    text: "mutation ($slug: String!) { deleteProject(input: {slug: $slug}) { slug } }",
    needs: OWNER,
};

/// `insula project`.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Make a project, and print its URLs and its first key
    #[command(
        after_help = "Example:\n  insula project create shop --name 'The shop' --config shop.yml"
    )]
    Create(CreateArgs),
    /// List projects by slug
    #[command(after_help = "Example:\n  insula project list --search shop")]
    List(ProjectListArgs),
    /// Show a project
    #[command(after_help = "Example:\n  insula project show shop --json")]
    Show(ProjectArgs),
    /// Refuse everybody until the project is resumed
    #[command(after_help = "Example:\n  insula project suspend shop")]
    Suspend(ProjectArgs),
    /// Let a suspended project serve again
    #[command(after_help = "Example:\n  insula project resume shop")]
    Resume(ProjectArgs),
    /// Stop serving at once; the data goes when the grace is over
    #[command(after_help = "Example:\n  insula project delete shop --yes")]
    Delete(DeleteArgs),
    /// Undo a deletion within its grace
    #[command(after_help = "Example:\n  insula project restore shop")]
    Restore(ProjectArgs),
    /// The configuration of a project, and its history
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// `insula project create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// 3 to 40 of a to z, 0 to 9 and inner hyphens; unique for ever
    pub slug: String,
    /// The name people see [default: the slug]
    #[arg(long)]
    pub name: Option<String>,
    /// [default: PRODUCTION, on a server in development mode DEVELOPMENT]
    #[arg(long, ignore_case = true)]
    pub environment: Option<EnvironmentArg>,
    /// Configuration document, JSON or YAML, `-` for standard input; identity schemas by file:// are read,
    /// relative to it, and sent along
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `insula project list`.
#[derive(Args, Debug)]
pub struct ProjectListArgs {
    /// A part of the slug or the name
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
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

/// One project.
#[derive(Args, Debug)]
pub struct ProjectArgs {
    /// Its name in URLs
    pub slug: String,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The server to ask, and the key to ask with.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `insula project delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// The project to delete.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Where between trying out and earnest a project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EnvironmentArg {
    /// DEVELOPMENT.
    Development,
    /// STAGING.
    Staging,
    /// PRODUCTION.
    Production,
}

impl EnvironmentArg {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "DEVELOPMENT",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

pub(crate) async fn run(command: ProjectCommand) -> Result<(), Failure> {
    match command {
        ProjectCommand::Create(args) => create(args).await,
        ProjectCommand::List(args) => list(args).await,
        ProjectCommand::Show(args) => show(args).await,
        ProjectCommand::Suspend(args) => change(args, (&SUSPEND, "/suspendProject")).await,
        ProjectCommand::Resume(args) => change(args, (&RESUME, "/resumeProject")).await,
        ProjectCommand::Delete(args) => delete(args).await,
        ProjectCommand::Restore(args) => change(args, (&RESTORE, "/restoreProject")).await,
        ProjectCommand::Config(command) => config::run(command).await,
    }
}

async fn create(args: CreateArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let mut input = Map::new();
    input.insert("slug".to_owned(), json!(args.slug));
    let name = args.name.as_ref().unwrap_or(&args.slug);
    input.insert("name".to_owned(), json!(name));
    if let Some(environment) = args.environment {
        input.insert("environment".to_owned(), json!(environment.as_str()));
    }
    if let Some(file) = &args.config {
        input.insert("config".to_owned(), document::config(file)?);
    }
    let data = client.graphql(&CREATE, json!({"input": input})).await?;
    let made = &data["createProject"];
    if args.output.json {
        return output::json(made);
    }
    let (project, key) = (&made["project"], &made["apiKey"]);
    output::facts(&[
        ("project", cell(&project["slug"])),
        ("environment", cell(&project["environment"])),
        ("id", cell(&project["id"])),
        ("URL", cell(&project["publicUrl"])),
        ("key", cell(&key["token"])),
        (
            "",
            format!("role {}; it is shown only now", cell(&key["role"])),
        ),
    ])
}

async fn list(args: ProjectListArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let variables = Map::from_iter([("search".to_owned(), json!(args.search))]);
    let of = ("/projects", "projects");
    let listed = Listed::by_graphql(&client, &LIST, of, (variables, &args.list)).await?;
    let table = Table::new(&["SLUG", "NAME", "ENVIRONMENT", "STATE", "URL"]);
    let row = |project: &Value| {
        ["slug", "name", "environment", "state", "publicUrl"]
            .map(|field| cell(&project[field]))
            .into()
    };
    listed.print(args.output, "projects", (table, row))
}

async fn show(args: ProjectArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let data = client.graphql(&SHOW, json!({"slug": args.slug})).await?;
    if data["project"].is_null() {
        return Err(no_project());
    }
    print(&data["project"], args.output)
}

async fn change(
    args: ProjectArgs,
    (operation, pointer): (&Operation, &str),
) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let data = client
        .graphql(operation, json!({"slug": args.slug}))
        .await?;
    let payload = data.pointer(pointer).unwrap_or(&Value::Null);
    print(&payload["project"], args.output)
}

async fn delete(args: DeleteArgs) -> Result<(), Failure> {
    let DeleteArgs { yes, project } = args;
    let client = Client::new(&project.server)?;
    let slug = &project.slug;
    let question = format!("Delete the project {slug} on {}?", project.server.url);
    output::confirm(&question, yes)?;
    let data = client.graphql(&DELETE, json!({"slug": slug})).await?;
    if project.output.json {
        return output::json(&data["deleteProject"]);
    }
    output::say(&format!(
        "{slug} is deleted and serves no more. `insula project restore {slug}` undoes it while its grace lasts; \
         DEVELOPMENT projects have none."
    ))
}

fn print(project: &Value, output: OutputArgs) -> Result<(), Failure> {
    if output.json {
        return output::json(project);
    }
    output::facts(&[
        ("project", cell(&project["slug"])),
        ("name", cell(&project["name"])),
        ("id", cell(&project["id"])),
        ("environment", cell(&project["environment"])),
        ("state", cell(&project["state"])),
        ("URL", cell(&project["publicUrl"])),
        (
            "configuration",
            format!("revision {}", project["configRevision"]),
        ),
        ("created", moment(&project["createdAt"])),
        ("updated", moment(&project["updatedAt"])),
    ])
}
