//! PostgreSQL is away, frozen, full, read-only, or a replica's way to it is.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection as _;
use tokio::time::sleep;

use crate::{Done, proxy::Trouble, stage::Stage};

const WHILE: Duration = Duration::from_secs(8);
/// Within which a replica says that it is not ready.
const NOTICED_WITHIN: Duration = Duration::from_secs(2);

pub(crate) async fn restarted(stage: &mut Stage) -> Done {
    let began = Instant::now();
    stage.cluster.stop()?;
    stage.cluster.start_again()?;
    stage.is_mended();
    stage.note(format!(
        "restarted in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

pub(crate) async fn backend_killed(stage: &mut Stage) -> Done {
    let ask = "select pid from pg_stat_activity where usename = 'insula_gate' limit 1;";
    let pid = stage.cluster.sql(ask)?.parse().ok().and_then(Pid::from_raw);
    kill_process(pid.ok_or("no backend is found")?, Signal::KILL)?;
    let began = Instant::now();
    while stage.cluster.sql("select 1;").is_err() {
        if began.elapsed() > Duration::from_mins(1) {
            return Err("PostgreSQL does not recover".into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    stage.is_mended();
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

pub(crate) async fn frozen(stage: &mut Stage) -> Done {
    let frozen = stage.cluster.freeze()?;
    sleep(Duration::from_secs(10)).await;
    drop(frozen);
    stage.is_mended();
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

pub(crate) async fn way_cut(stage: &mut Stage) -> Done {
    stage.replicas[1].way.cut();
    not_ready(stage, &[1], WHILE).await;
    stage.replicas[1]
        .way
        .lead_to(&stage.cluster.primary_socket()?);
    stage.is_mended();
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

pub(crate) async fn way_slow(stage: &mut Stage) -> Done {
    stage.replicas[1].way.delay(Duration::from_millis(20));
    stage.pause(8).await;
    stage.replicas[1].way.delay(Duration::ZERO);
    Ok(())
}

pub(crate) async fn read_only(stage: &mut Stage) -> Done {
    stage
        .cluster
        .sql("alter system set default_transaction_read_only = on; select pg_reload_conf();")?;
    not_ready(stage, &[0, 1], WHILE).await;
    stage.cluster.sql(
        "set default_transaction_read_only = off; alter system reset default_transaction_read_only; \
         select pg_reload_conf();",
    )?;
    stage.is_mended();
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

pub(crate) async fn led_to_standby(stage: &mut Stage) -> Done {
    stage.replicas[1]
        .way
        .lead_to(&stage.cluster.standby_socket()?);
    not_ready(stage, &[1], WHILE).await;
    stage.replicas[1]
        .way
        .lead_to(&stage.cluster.primary_socket()?);
    stage.is_mended();
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

/// For so long those replicas have to say that they are not ready, with 503, once they had time to notice.
pub(crate) async fn not_ready(stage: &Stage, replicas: &[usize], time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        sleep(Duration::from_millis(200)).await;
        for &at in replicas {
            let since = began.elapsed();
            match stage.shared.proxy.readiness(at).await {
                Err(Trouble::Status(503, _)) => {}
                Ok(()) if since < NOTICED_WITHIN => {}
                Ok(()) => {
                    let line = format!("replica {} is ready {since:?} after it", at + 1);
                    stage.shared.tally.write(&line);
                    stage.break_promise(format!("replica {} says that it is ready", at + 1));
                }
                Err(trouble) => {
                    stage.break_promise(format!(
                        "replica {} says of its readiness: {trouble}",
                        at + 1
                    ));
                }
            }
        }
    }
}

pub(crate) async fn connections_exhausted(stage: &mut Stage) -> Done {
    // As superuser, who has places of his own.
    let mut superuser = stage.cluster.superuser().await?;
    stage.replicas[0].signal(Signal::TERM)?;
    let mut taken = Vec::new();
    let began = Instant::now();
    let mut is_restarted = false;
    while began.elapsed() < Duration::from_secs(15) || !is_restarted {
        match stage.cluster.gate().await {
            Ok(connection) => taken.push(connection),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
        if !is_restarted && !stage.replicas[0].is_running() {
            is_restarted = true;
            stage.replicas[0].start()?;
        }
        if began.elapsed() > Duration::from_mins(1) {
            return Err("the replica does not stop".into());
        }
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from pg_stat_activity where usename = 'insula_gate'")
            .fetch_one(&mut superuser)
            .await?;
    superuser.close().await?;
    stage.note(format!("{count} connections, {} of them ours", taken.len()));
    drop(taken);
    stage.is_mended();
    stage.ready(0).await?;
    Ok(())
}
