//! What an operator does on purpose, and nobody should notice.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::replicas;
use crate::{Done, setup::MASTER_KEY, stage::Stage};

/// Any other 32 bytes.
const NEXT_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
/// What `insula secrets status` says of a key that can go.
const UNUSED: &str = "no project key rests under it";

pub(crate) async fn rotation(stage: &mut Stage) -> Done {
    for keys in [
        format!("{MASTER_KEY},{NEXT_KEY}"),
        format!("{NEXT_KEY},{MASTER_KEY}"),
    ] {
        restart_with(stage, &keys).await?;
    }
    insula(stage, &["secrets", "rewrap"])?;
    let status = insula(stage, &["secrets", "status"])?;
    if !status.contains(UNUSED) {
        stage.break_promise(format!(
            "after rewrap the old key is still in use: {status}"
        ));
    }
    restart_with(stage, NEXT_KEY).await?;
    // The first key of the list is the new one.
    let id = status
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    refuses_the_old_key(stage, &id).await
}

async fn restart_with(stage: &mut Stage, keys: &str) -> Done {
    stage.worker.installation().set_secrets(keys);
    for at in [0, 1] {
        replicas::restart(stage, at).await?;
        sleep(Duration::from_secs(2)).await;
    }
    stage.worker.stop().await?;
    stage.worker.start()
}

/// It does not start, and names the key that it lacks.
async fn refuses_the_old_key(stage: &Stage, id: &str) -> Done {
    let mut command = stage
        .worker
        .installation()
        .command(&["serve", "--no-worker"], &stage.worker.way);
    command
        .env("INSULA_SECRETS", MASTER_KEY)
        .env("INSULA_LISTEN", "127.0.0.1:0")
        .env("INSULA_METRICS_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            child.kill()?;
            child.wait()?;
            stage.break_promise("a server with the old key alone starts".to_owned());
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || id.is_empty() || !said.contains(id) {
        stage.break_promise(format!(
            "a server with the old key alone does not name the key {id}: {said}"
        ));
    }
    Ok(())
}

pub(crate) async fn migrate(stage: &mut Stage) -> Done {
    for args in [&["migrate", "--check"][..], &["migrate"]] {
        for _ in 0..stage.times(3) {
            let began = Instant::now();
            insula(stage, args)?;
            stage
                .shared
                .tally
                .write(&format!("{args:?} took {:?}", began.elapsed()));
            sleep(Duration::from_millis(500)).await;
        }
    }
    Ok(())
}

/// What it printed; anything but the status 0 breaks a promise.
fn insula(stage: &Stage, args: &[&str]) -> Done<String> {
    let (status, said) = stage.worker.installation().run(args, &stage.worker.way)?;
    if !status.success() {
        stage.break_promise(format!("insula {}: {status}: {said}", args.join(" ")));
    }
    Ok(said)
}
