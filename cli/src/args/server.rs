//! Which running server a command calls, and by which right.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;
use url::Url;

use super::output::OutputArgs;

/// A running server and the right to command it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// The server's origin
    #[arg(
        long,
        env = "INSULA_URL",
        value_name = "URL",
        value_parser = server_url,
        default_value = "http://localhost:4433"
    )]
    pub url: Url,
    /// Data folder of development mode: without INSULA_KEY its root key is used, for a server on this
    /// machine alone
    #[arg(
        long,
        env = "INSULA_DATA",
        value_name = "DIR",
        default_value = ".insula"
    )]
    pub data: PathBuf,
    /// `INSULA_KEY`.
    #[arg(
        long,
        env = "INSULA_KEY",
        hide = true,
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub key: Option<SecretString>,
}

/// `insula health`.
#[derive(Args, Debug)]
pub struct HealthArgs {
    /// The server's origin
    #[arg(
        long,
        env = "INSULA_URL",
        value_name = "URL",
        value_parser = server_url,
        default_value = "http://127.0.0.1:4433"
    )]
    pub url: Url,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What can be called, and not the base of a project.
pub(crate) fn server_url(text: &str) -> Result<Url, String> {
    let example = "such as https://id.example.com";
    let url = Url::parse(text).map_err(|error| format!("{error}; it is an origin, {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("it begins with http:// or https://, {example}"));
    }
    if url.path().starts_with("/p/") {
        return Err(format!(
            "it is the server's origin, without /p/…: {}",
            url.origin().ascii_serialization()
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_its_origin() {
        for good in ["http://localhost:4433", "https://id.example.com/insula/"] {
            assert!(server_url(good).is_ok(), "{good}");
        }
        for (bad, advice) in [
            ("localhost:4433", "begins with http://"),
            ("id.example.com", "it is an origin"),
            ("file:///tmp", "begins with http://"),
            ("http://localhost:4433/p/demo", ": http://localhost:4433"),
        ] {
            let said = server_url(bad).unwrap_err();
            assert!(said.contains(advice), "{bad}: {said}");
        }
    }
}
