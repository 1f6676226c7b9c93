//! Replicas die, stop, stand still.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    Done,
    load::Shared,
    process::ENDS_WITHIN,
    proxy::{ASKED_EVERY, Ask, Choice, Trouble},
    stage::Stage,
};

pub(crate) async fn killed(stage: &mut Stage) -> Done {
    for round in 0..stage.times(2) {
        let at = round % 2;
        stage.replicas[at].kill()?;
        stage.pause(8).await;
        stage.replicas[at].start()?;
        stage.ready(at).await?;
        stage.is_mended();
    }
    Ok(())
}

/// As the operations guide has it: the next one when the first is ready and the proxy's second has passed.
pub(crate) async fn rolling(stage: &mut Stage) -> Done {
    for round in 0..stage.times(2) * 2 {
        restart(stage, round % 2).await?;
        sleep(Duration::from_secs(3)).await;
    }
    Ok(())
}

/// SIGTERM, its end, a new start.
pub(crate) async fn restart(stage: &mut Stage, at: usize) -> Done {
    let took = stage.replicas[at].stop().await?;
    stage.replicas[at].start()?;
    stage.ready(at).await?;
    let line = format!("replica {} stopped in {took:?}", at + 1);
    stage.shared.tally.write(&line);
    Ok(())
}

pub(crate) async fn rolling_by_readiness(stage: &mut Stage) -> Done {
    let shared = Arc::clone(&stage.shared);
    let asking = tokio::spawn(async move { shared.proxy.ask_for_readiness().await });
    stage.shared.proxy.choose(Choice::ByReadiness);
    let rolled = roll(stage).await;
    stage.shared.proxy.choose(Choice::NextOnRefusal);
    asking.abort();
    rolled
}

async fn roll(stage: &mut Stage) -> Done {
    for at in [0, 1] {
        stage.replicas[at].signal(Signal::TERM)?;
        // Beside the wait for its end: what it says of itself meanwhile.
        let shared = Arc::clone(&stage.shared);
        let watched = tokio::spawn(async move { says_that_it_stops(&shared, at).await });
        let (status, _) = stage.replicas[at].ended(ENDS_WITHIN).await?;
        if !status.success() {
            stage.break_promise(format!("replica {} ended with {status}", at + 1));
        }
        if let Err(instead) = watched.await? {
            stage.break_promise(format!(
                "told to stop, a replica does not say `stopping` while it serves: {instead}"
            ));
        }
        stage.replicas[at].start()?;
        stage.ready(at).await?;
        sleep(ASKED_EVERY * 2).await;
    }
    Ok(())
}

/// Readiness is 503 and says `stopping`, and other requests are answered.
async fn says_that_it_stops(shared: &Shared, at: usize) -> Result<(), String> {
    let began = Instant::now();
    loop {
        match shared.proxy.readiness(at).await {
            Err(Trouble::Status(503, said)) if said.contains("stopping") => break,
            Err(Trouble::Status(503, said)) => return Err(format!("503 {said}")),
            Err(trouble) => return Err(trouble.to_string()),
            Ok(()) if began.elapsed() > Duration::from_secs(2) => return Err("ready".to_owned()),
            Ok(()) => sleep(Duration::from_millis(10)).await,
        }
    }
    let alive = shared.proxy.send_to(at, Ask::get("/health/alive")).await;
    alive
        .map(drop)
        .map_err(|trouble| format!("stopping, and {trouble}"))
}

pub(crate) async fn frozen(stage: &mut Stage) -> Done {
    stage.replicas[1].signal(Signal::STOP)?;
    sleep(Duration::from_secs(8)).await;
    stage.replicas[1].signal(Signal::CONT)?;
    Ok(())
}
