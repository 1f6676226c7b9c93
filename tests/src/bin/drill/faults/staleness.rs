//! How long the other replica lets in who was signed out: never longer than promised, counted from the moment in
//! which the sign-out was acknowledged to the moment in which the other one is asked. So a slow machine makes the
//! measurement coarse, not wrong.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{Done, errands::Visitor, ledger::Person, load::PROMISED, stage::Stage};

const ASKED_EVERY: Duration = Duration::from_millis(5);
/// More than that is told as that.
const LONGEST: Duration = Duration::from_secs(5);

pub(crate) async fn measured(stage: &mut Stage) -> Done {
    let mut seen = Vec::new();
    for _ in 0..stage.times(100) {
        seen.push(once(stage, false).await?);
    }
    tell(stage, "", seen);
    let mut seen = Vec::new();
    for _ in 0..stage.times(12) {
        let last = once(stage, true).await;
        stage.replicas[1]
            .way
            .lead_to(&stage.cluster.primary_socket()?);
        stage.ready(1).await?;
        seen.push(last?);
    }
    tell(stage, "with its way cut: ", seen);
    Ok(())
}

fn tell(stage: &mut Stage, when: &str, mut seen: Vec<Duration>) {
    seen.sort_unstable();
    let at = |percent: usize| seen[(seen.len() * percent / 100).min(seen.len() - 1)].as_millis();
    stage.note(format!(
        "{when}p50 {} ms, p99 {} ms, at most {} ms",
        at(50),
        at(99),
        at(100)
    ));
    if seen.iter().any(|last| *last > PROMISED) {
        stage.break_promise(format!(
            "{when}the other replica let in who was signed out {} ms before",
            at(100)
        ));
    }
}

/// The last moment in which the second replica let in who was signed out at the first one.
async fn once(stage: &mut Stage, cut: bool) -> Done<Duration> {
    let shared = &stage.shared;
    let person = shared
        .ledger
        .for_reading(&mut stage.chance, |person| person.maybe.is_none());
    let person: Person = person.ok_or("nobody is free")?.clone();
    let at = |at| Visitor {
        at: Some(at),
        ..shared.visitor(person.project, &person.from)
    };
    let entered = at(0).sign_in(&person.email, &person.password).await;
    let token = entered.map_err(|stop| stop.to_string())?.token;
    // So that it is in the memory of both.
    for _ in 0..2 {
        at(1)
            .whoami(&token)
            .await
            .map_err(|stop| stop.to_string())?;
    }
    if cut {
        stage.replicas[1].way.cut();
    }
    at(0)
        .sign_out(&token)
        .await
        .map_err(|stop| stop.to_string())?;
    let out = Instant::now();
    let mut last = Duration::ZERO;
    while out.elapsed() < LONGEST {
        let asked = out.elapsed();
        match at(1).whoami(&token).await {
            Ok(Some(_)) => last = asked,
            Ok(None) | Err(_) => break,
        }
        sleep(ASKED_EVERY).await;
    }
    Ok(last)
}
