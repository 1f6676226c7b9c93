//! What takes longer than a second says so, on standard error: a spinner on a terminal, elsewhere now and
//! then a line.

use std::{future::Future, io::IsTerminal as _, pin::pin, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, timeout};

/// What is faster says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);
/// Without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Do `work`, and tell what it is if it takes long.
pub(crate) async fn told<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(PATIENCE, &mut work).await {
        return done;
    }
    let spinner = spinner();
    spinner.set_message(what.to_owned());
    if !std::io::stderr().is_terminal() {
        eprintln!("{what} …");
    }
    let done = work.await;
    spinner.finish_and_clear();
    done
}

/// Counts what a long list has brought so far.
pub(crate) struct Counter {
    noun: &'static str,
    count: usize,
    spinner: Option<ProgressBar>,
    last: Instant,
}

impl Counter {
    pub(crate) fn of(noun: &'static str) -> Self {
        Self {
            noun,
            count: 0,
            spinner: None,
            last: Instant::now(),
        }
    }

    pub(crate) fn add(&mut self, more: usize) {
        self.count += more;
        let text = format!("{} {} so far", self.count, self.noun);
        if std::io::stderr().is_terminal() {
            if self.last.elapsed() >= PATIENCE {
                let shown = self.spinner.get_or_insert_with(spinner);
                shown.set_message(text);
            }
        } else if self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            eprintln!("{text}");
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// Hidden where standard error is no terminal.
fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(TICK);
    spinner
}
