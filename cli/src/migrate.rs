//! `insula migrate`: shows what there is to do, or does it and shows how far it is.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tenants::migrate::{self, Pending, Progress};
use tokio::time::Instant;

use crate::{
    Failure,
    args::installation::MigrateArgs,
    connect, database, output,
    settings::{Missing, NO_DATABASE, NO_OWNER, given},
};

/// Without a terminal: one line for so many projects.
const LINE_EVERY: usize = 100;

pub(crate) async fn migrate(args: MigrateArgs) -> Result<(), Failure> {
    let mut missing = Missing::default();
    let owner = missing.unless(given(args.database.owner_database_url.as_ref()), NO_OWNER);
    let gate = given(args.database.database_url.as_ref());
    let gate = if args.check {
        gate.or(Some(""))
    } else {
        missing.unless(gate, NO_DATABASE)
    };
    missing.none()?;
    database::check(&args.database, false)?;
    let (owner, gate) = (owner.unwrap_or_default(), gate.unwrap_or_default());
    let pending = connect::patiently("the database (INSULA_OWNER_DATABASE_URL)", async || {
        migrate::check(owner).await
    })
    .await?;
    if !args.output.json {
        output::say(&told(pending))?;
    } else if args.check {
        answer(pending, None)?;
    }
    if args.check {
        return if pending.is_none() {
            Ok(())
        } else {
            Err(Failure::Pending)
        };
    }
    let began = Instant::now();
    run(owner, gate, usize::from(args.at_once)).await?;
    let took = began.elapsed();
    if args.output.json {
        return answer(pending, Some(took));
    }
    output::say(&format!("done in {}", seconds(took)))
}

/// What was found to be pending, and how long it took to do.
fn answer(pending: Pending, took: Option<Duration>) -> Result<(), Failure> {
    output::json(&json!({
        "pending": !pending.is_none(),
        "control": {"version": pending.control, "wanted": pending.control_wanted},
        "projects": {"behind": pending.projects, "wanted": pending.project_wanted},
        "done": took.is_some(),
        "seconds": took.map(|took| took.as_secs_f64()),
    }))
}

/// Also with nothing pending: roles and grants are set right every time.
async fn run(owner: &str, gate: &str, at_once: usize) -> Result<(), Failure> {
    if !std::io::stderr().is_terminal() {
        let line = |progress: Progress| {
            if progress.done.is_multiple_of(LINE_EVERY) || progress.done == progress.total {
                eprintln!("{} of {} projects", progress.done, progress.total);
            }
        };
        return Ok(migrate::migrate(owner, gate, at_once, &line).await?);
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} projects, {eta} left")
    {
        bar.set_style(style);
    }
    let move_bar = |progress: Progress| {
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    };
    let ended = migrate::migrate(owner, gate, at_once, &move_bar).await;
    bar.finish_and_clear();
    Ok(ended?)
}

fn told(pending: Pending) -> String {
    let Pending {
        control,
        control_wanted,
        projects,
        project_wanted,
    } = pending;
    if pending.is_none() {
        return format!("nothing is pending: control schema {control}, projects {project_wanted}");
    }
    format!(
        "pending: control schema {control} of {control_wanted}, {projects} project schema(s) below {project_wanted}"
    )
}

/// `0.84 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
