//! The parts of a running process, and how they end together: the first signal, or the first part that
//! fails, stops them all in good order.

use std::{future::Future, io, time::Duration};

use tenants::Installation;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::timeout,
};

use crate::{
    Failure,
    shutdown::{Stop, requested},
};

/// Requests in hand get 20 s from the server itself, jobs begun a little more.
const FINISH: Duration = Duration::from_secs(22);
const CLOSE: Duration = Duration::from_secs(5);
/// There is no server to say goodbye to.
const CLOSE_AWAY: Duration = Duration::from_millis(500);

/// Parts of this process that run until they are told to end.
pub(crate) struct Running {
    installation: Installation,
    /// How long the server serves on when it was told to end.
    drain: Duration,
    end: watch::Sender<bool>,
    over: watch::Sender<bool>,
    parts: Parts,
    last: Parts,
}

type Parts = JoinSet<(&'static str, io::Result<()>)>;

impl Running {
    pub(crate) fn new(installation: Installation, drain: Duration) -> Self {
        Self {
            installation,
            drain,
            end: watch::Sender::new(false),
            over: watch::Sender::new(false),
            parts: JoinSet::new(),
            last: JoinSet::new(),
        }
    }

    /// Becomes true when parts are to end.
    pub(crate) fn end(&self) -> Stop {
        self.end.subscribe()
    }

    /// Becomes true when they have ended.
    pub(crate) fn over(&self) -> Stop {
        self.over.subscribe()
    }

    /// Run one more part. It ends soon after [`Self::end`] became true, and not before.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        part: impl Future<Output = io::Result<()>> + Send + 'static,
    ) {
        self.parts.spawn(async move { (name, part.await) });
    }

    /// Run a part that watches the others: it ends soon after [`Self::over`] became true.
    pub(crate) fn add_last(
        &mut self,
        name: &'static str,
        part: impl Future<Output = io::Result<()>> + Send + 'static,
    ) {
        self.last.spawn(async move { (name, part.await) });
    }

    /// Run until `stop`, then end everything: requests, jobs, connections.
    pub(crate) async fn until(mut self, stop: Stop) -> Result<(), Failure> {
        let early = tokio::select! {
            () = requested(stop) => None,
            ended = self.parts.join_next() => ended,
            Some(ended) = self.last.join_next() => Some(ended),
        };
        self.end.send_replace(true);
        let mut ended = early.map_or(Ok(()), |part| Err(too_early(part)));
        let within = self.drain + FINISH;
        if !all_ended(&mut self.parts, within, &mut ended).await {
            tracing::warn!(
                "not everything ended within {} s; the rest is cut off, jobs will be taken up again",
                within.as_secs()
            );
            self.parts.shutdown().await;
        }
        self.over.send_replace(true);
        all_ended(&mut self.last, CLOSE, &mut ended).await;
        let within = if self.installation.is_away() {
            CLOSE_AWAY
        } else {
            CLOSE
        };
        if timeout(within, self.installation.close()).await.is_err() {
            tracing::warn!("some connections to the database were still in use");
        }
        ended
    }
}

/// Did they, in time? `ended` becomes the first failure there is.
async fn all_ended(parts: &mut Parts, within: Duration, ended: &mut Result<(), Failure>) -> bool {
    let all = async {
        while let Some(part) = parts.join_next().await {
            let before = std::mem::replace(ended, Ok(()));
            *ended = before.and_then(|()| in_order(part));
        }
    };
    timeout(within, all).await.is_ok()
}

type Ended = Result<(&'static str, io::Result<()>), JoinError>;

fn too_early(part: Ended) -> Failure {
    match part {
        Ok((name, Ok(()))) => Failure::Failed(format!("the {name} ended by itself")),
        failed => match in_order(failed) {
            Err(failure) => failure,
            Ok(()) => Failure::Failed("a part ended by itself".to_owned()),
        },
    }
}

fn in_order(part: Ended) -> Result<(), Failure> {
    match part {
        Ok((_, Ok(()))) => Ok(()),
        Ok((name, Err(error))) => Err(Failure::Failed(format!("the {name} failed: {error}"))),
        Err(error) => Err(Failure::of(&error)),
    }
}
