//! Answers for people, or for programs.

use clap::Args;

/// How to answer.
#[derive(Args, Clone, Copy, Debug)]
pub struct OutputArgs {
    /// Answer with one JSON document
    #[arg(long)]
    pub json: bool,
}
