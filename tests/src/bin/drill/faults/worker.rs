//! The worker dies, stops, is missing, is there twice.

use std::time::{Duration, Instant};

use tests::relay::{Mood, Step};
use tokio::time::sleep;

use crate::{Done, stage::Stage};

const SLOW: Duration = Duration::from_millis(1500);
/// That are caused so that some are on their way.
const MAILS: usize = 6;
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
        mails_on_their_way(stage).await?;
        stage.worker.kill()?;
        stage.worker.start()?;
    }
    Ok(())
}

/// Until the worker has some of them in hand.
async fn mails_on_their_way(stage: &mut Stage) -> Done {
    let calls = stage.shared.relay.calls();
    cause_mails(stage).await?;
    let began = Instant::now();
    while stage.shared.relay.calls() == calls && began.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn cause_mails(stage: &mut Stage) -> Done {
    let caused = stage.shared.cause_mails(&mut stage.chance, MAILS).await;
    Ok(caused.map_err(|stop| format!("a mail: {stop}"))?)
}

/// What it has not heard of, it does once more.
pub(crate) async fn killed_when_taken(stage: &mut Stage) -> Done {
    let (before, began) = (stage.shared.relay.stopped(), Instant::now());
    stage.shared.relay.set(Mood::StopsAt(Step::Taken));
    cause_mails(stage).await?;
    let relay = &stage.shared.relay;
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
        mails_on_their_way(stage).await?;
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
