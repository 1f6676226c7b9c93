//! The operator's drill: an installation as in production, a load whose acknowledged writes are noted, one fault
//! after the other, and after each what was acknowledged is compared with what is there.
//!
//! ```text
//! drill [--seed N] [--seconds N] [--only NAME,…] [--list]
//! ```
//! Ends with 1 when a write was lost, a 500 was seen or a promise was broken. Knows Insula as an operator does: by
//! its binary, its settings and HTTP; besides, it counts rows, and takes some away to show that it would notice.

mod chance;
mod cluster;
mod compare;
mod control;
mod errands;
mod faults;
mod ledger;
mod load;
mod mails;
mod process;
mod proxy;
mod report;
mod setup;
mod stage;
mod tally;
mod way;

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{faults::Fault, report::Row, setup::set_up, stage::Stage};

/// Whatever keeps the drill itself from going on.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Done<T = ()> = Result<T, Failure>;

/// The operator's drill
#[derive(Debug, Parser)]
#[command(name = "drill")]
pub(crate) struct Args {
    /// What visitors do, and who, follows from it
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long: with 300 each fault lasts as long as its description says
    #[arg(long, env = "TORTURE_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(30..))]
    pub(crate) seconds: u32,
    /// What visitors begin each second
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) rate: u32,
    /// These faults alone, by their names
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Name the faults
    #[arg(long)]
    pub(crate) list: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for fault in faults::ALL {
            println!("{:<18}{}", fault.name, fault.title);
        }
        return ExitCode::SUCCESS;
    }
    let drilled = tokio::runtime::Runtime::new()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(until_told_to_stop(args)));
    match drilled {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("drill: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// So that servers and databases end with it.
async fn until_told_to_stop(args: Args) -> Done<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        drilled = drill(args) => drilled,
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("told to stop".into()),
    }
}

/// True: nothing was lost, and every promise kept.
async fn drill(args: Args) -> Done<bool> {
    let (chosen, began) = (chosen(&args.only)?, Instant::now());
    let mut stage = set_up(&args).await?;
    let mut rows = vec![control::run(&mut stage).await?];
    told(&rows[0], began);
    for (at, fault) in chosen.iter().enumerate() {
        eprintln!("drill: {}/{} {} …", at + 1, chosen.len(), fault.title);
        let row = stage.meet(fault).await?;
        told(&row, began);
        rows.push(row);
    }
    let last = everything(&mut stage).await?;
    told(&last, began);
    rows.push(last);
    report::print(&rows, &stage)?;
    Ok(rows.iter().all(Row::is_good))
}

fn chosen(only: &[String]) -> Done<Vec<&'static Fault>> {
    if let Some(unknown) = only
        .iter()
        .find(|name| faults::ALL.iter().all(|fault| fault.name != **name))
    {
        return Err(format!("there is no fault {unknown}; see --list").into());
    }
    let wanted = |fault: &&Fault| only.is_empty() || only.iter().any(|name| name == fault.name);
    Ok(faults::ALL.iter().filter(wanted).collect())
}

/// Once more after all of it, everybody.
async fn everything(stage: &mut Stage) -> Done<Row> {
    stage.shared.ledger.touch_all().await;
    let before = stage.shared.ledger.acknowledged();
    let mut row = Row::new("in the end, everybody once more".to_owned());
    stage.compare(&mut row).await?;
    row.writes = before;
    Ok(row)
}

fn told(row: &Row, began: Instant) {
    eprintln!(
        "drill: {:.0} s: {}",
        began.elapsed().as_secs_f64(),
        row.line()
    );
}
