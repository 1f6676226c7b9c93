//! The worker dies, stops, is missing, is there twice.

use std::time::{Duration, Instant};

use tests::relay::{Mood, Step};
use tokio::time::sleep;

use crate::{Done, stage::Stage};

const SLOW: Duration = Duration::from_millis(1500);
/// What tells that no worker runs.
const ALARM: &str = "insula_jobs_oldest_seconds";

pub(crate) async fn killed(stage: &mut Stage) -> Done {
    for _ in 0..stage.times(5) {
        sleep(Duration::from_secs(2)).await;
        stage.worker.kill()?;
        stage.worker.start()?;
    }
    Ok(())
}

pub(crate) async fn killed_with_a_slow_relay(stage: &mut Stage) -> Done {
    stage.shared.relay.set(Mood::TakesItsTime(SLOW));
    for _ in 0..stage.times(3) {
        sleep(Duration::from_secs(3)).await;
        stage.worker.kill()?;
        stage.worker.start()?;
    }
    Ok(())
}

/// What it has not heard of, it does once more.
pub(crate) async fn killed_when_taken(stage: &mut Stage) -> Done {
    let relay = &stage.shared.relay;
    let (before, began) = (relay.stopped(), Instant::now());
    relay.set(Mood::StopsAt(Step::Taken));
    while relay.stopped() < before + 3 && began.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20)).await;
    }
    let taken = relay.stopped() - before;
    stage.worker.kill()?;
    stage.shared.relay.set(Mood::TakesAll);
    stage.worker.start()?;
    stage.note(format!("{taken} mail(s) were in its hand"));
    // They come once more when the lease is over; here, and not in the middle of the next fault.
    let began = Instant::now();
    while stage.shared.mails.twice() < taken && began.elapsed() < super::LEASE {
        sleep(Duration::from_millis(100)).await;
        stage.shared.mails.read(&stage.shared.relay);
    }
    Ok(())
}

pub(crate) async fn stopped(stage: &mut Stage) -> Done {
    stage.shared.relay.set(Mood::TakesItsTime(SLOW));
    for _ in 0..stage.times(2) {
        sleep(Duration::from_secs(3)).await;
        let took = stage.worker.stop().await?;
        stage.note(format!("stopped after {:.1} s", took.as_secs_f64()));
        stage.worker.start()?;
    }
    Ok(())
}

pub(crate) async fn none(stage: &mut Stage) -> Done {
    stage.worker.stop().await?;
    sleep(Duration::from_secs(8)).await;
    let metrics = stage.metrics(0).await?;
    if !metrics.lines().any(|line| line.starts_with(ALARM)) {
        stage.break_promise(format!("no worker runs, and no replica tells {ALARM}"));
    }
    stage.worker.start()?;
    Ok(())
}

pub(crate) async fn two(stage: &mut Stage) -> Done {
    stage.second_worker.start()?;
    stage.pause(10).await;
    stage.second_worker.stop().await?;
    Ok(())
}
