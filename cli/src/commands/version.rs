//! `insula version`: of this binary, and of a server.

use clap::Args;
use serde_json::{Value, json};
use url::Url;

use crate::{
    Failure,
    args::{output::OutputArgs, server::server_url},
    client, output,
};

/// `insula version`.
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Also ask the server
    #[arg(long)]
    pub server: bool,
    /// The server's origin
    #[arg(
        long,
        env = "INSULA_URL",
        value_name = "URL",
        value_parser = server_url,
        default_value = "http://localhost:4433"
    )]
    pub url: Url,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
}

pub(crate) async fn run(args: VersionArgs) -> Result<(), Failure> {
    let own = env!("CARGO_PKG_VERSION");
    let server = if args.server {
        Some(client::version(&args.url).await?)
    } else {
        None
    };
    if args.output.json {
        let server = server.map_or(Value::Null, Value::from);
        return output::json(&json!({"version": own, "server": server}));
    }
    output::say(&format!("insula {own}"))?;
    if let Some(server) = server {
        output::say(&format!("server {server}"))?;
    }
    Ok(())
}
