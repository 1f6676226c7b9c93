//! `insula messages`: what a project has said to people, by its administrative REST. The server shows codes
//! and links in DEVELOPMENT projects alone.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::{ListArgs, Listed, identities::OfProjectArgs};
use crate::{
    Failure,
    client::Client,
    output::{self, Table, cell, moment},
};

const VIEWER: &str = "a VIEWER of the project";

/// `insula messages`.
#[derive(Debug, Subcommand)]
pub enum MessagesCommand {
    /// List messages, newest first
    #[command(
        after_help = "Examples:\n  insula messages list --project shop --status abandoned\n  \
        insula messages list --project shop --recipient ada@example.com --json"
    )]
    List(MessageListArgs),
    /// Show one message and what became of each attempt to send it
    #[command(
        after_help = "Example:\n  insula messages show --project shop 0b8d6a3e-6c0f-4f37-9c0f-5b6b2f9d2a11"
    )]
    Show(MessageArgs),
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// Waits for its first or next attempt.
    Queued,
    /// Is being sent.
    Processing,
    /// Taken by the relay.
    Sent,
    /// Given up.
    Abandoned,
}

impl StatusArg {
    fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Sent => "sent",
            Self::Abandoned => "abandoned",
        }
    }
}

/// `insula messages list`.
#[derive(Args, Debug)]
pub struct MessageListArgs {
    /// Only those that stand there
    #[arg(long, value_enum)]
    pub status: Option<StatusArg>,
    /// Only those to exactly this address
    #[arg(long, value_name = "ADDRESS")]
    pub recipient: Option<String>,
    /// Which part of the list.
    #[command(flatten)]
    pub list: ListArgs,
    /// The project it concerns, and its server.
    #[command(flatten)]
    pub of: OfProjectArgs,
}

/// One message.
#[derive(Args, Debug)]
pub struct MessageArgs {
    /// Its id
    pub id: Uuid,
    /// The project it concerns, and its server.
    #[command(flatten)]
    pub of: OfProjectArgs,
}

pub(crate) async fn run(command: MessagesCommand) -> Result<(), Failure> {
    match command {
        MessagesCommand::List(args) => list(args).await,
        MessagesCommand::Show(args) => show(args).await,
    }
}

async fn list(args: MessageListArgs) -> Result<(), Failure> {
    let client = Client::new(&args.of.server)?;
    let project = client.project(args.of.project.as_deref()).await?;
    let mut filter = Vec::new();
    if let Some(status) = args.status {
        filter.push(("status", status.as_str().to_owned()));
    }
    if let Some(recipient) = args.recipient {
        filter.push(("recipient", recipient));
    }
    let path = (&*project, "courier/messages");
    let listed =
        Listed::by_rest(&client, path, ("messages", VIEWER), (&filter, &args.list)).await?;
    let table = Table::new(&["ID", "STATUS", "TRIED", "CREATED (UTC)", "TEMPLATE", "TO"]);
    let row = |message: &Value| {
        vec![
            cell(&message["id"]),
            cell(&message["status"]),
            cell(&message["send_count"]),
            moment(&message["created_at"]),
            cell(&message["template_type"]),
            cell(&message["recipient"]),
        ]
    };
    listed.print(args.of.output, "messages", (table, row))
}

async fn show(args: MessageArgs) -> Result<(), Failure> {
    let client = Client::new(&args.of.server)?;
    let project = client.project(args.of.project.as_deref()).await?;
    let path = format!("courier/messages/{}", args.id);
    let page = client
        .admin(Method::GET, (&project, &path), None, VIEWER)
        .await?;
    let message = page.body;
    if args.of.output.json {
        return output::json(&message);
    }
    let mut facts = vec![
        ("message", cell(&message["id"])),
        ("to", cell(&message["recipient"])),
        ("template", cell(&message["template_type"])),
        ("status", cell(&message["status"])),
        ("tried", cell(&message["send_count"])),
        ("created", moment(&message["created_at"])),
        ("subject", cell(&message["subject"])),
    ];
    for dispatch in message["dispatches"].as_array().into_iter().flatten() {
        let why = ["reason", "message"].map(|name| cell(&dispatch["error"][name]));
        let why = why.into_iter().find(|why| !why.is_empty());
        let at = moment(&dispatch["updated_at"]);
        let status = cell(&dispatch["status"]);
        facts.push((
            "attempt",
            format!("{at} {status} {}", why.unwrap_or_default()),
        ));
    }
    output::facts(&facts)?;
    output::say(&format!("\n{}", output::text(&message["body"])))
}
