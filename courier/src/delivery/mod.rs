//! One message out, once if at all possible, twice rather than never.
//!
//! ```text
//! job ─> is there a transport? ─> is the relay to be left alone? ─> connect ─> begin ─> send ─> end
//!            kept (DEVELOPMENT)      wait                        └ what fails here reached no recipient
//! ```
//! Between `begin` and `end` a crash leaves a message in `processing`; the next run of its job tries again, with
//! the same Message-ID. What a failure means is said in `verdict` alone.

mod dial;
mod error;
mod host_queue;
mod http;
mod mime;
mod relays;
mod smtp;
mod tls;
mod transport;
mod verdict;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use metrics::counter;
use tenants::{Environment, Fault, Project, Verdict};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use self::{
    error::DeliveryError,
    host_queue::HostQueues,
    relays::{Relays, TransportKey},
    transport::{Ready, Transport},
    verdict::Next,
};
use crate::{
    attempts::{self, Ended},
    config::CourierConfig,
    recipient::is_deliverable,
    store::{self, Status, Stored},
};

/// Everything between the first byte of an attempt and the relay's last word.
pub const SEND_SECONDS_MAX: Duration = Duration::from_mins(1);
/// How long a message waits for a slot at its host; then its job goes back to the queue, whose other jobs may have
/// somewhere to go.
const SLOT_SECONDS_MAX: Duration = Duration::from_secs(20);
/// The pause after the queue before a host was full.
const BUSY_PAUSE: Duration = Duration::from_millis(700);
/// How often the end of an attempt is recorded when the database does not answer, with pauses that double: for half a
/// minute.
const RECORD_ATTEMPTS: u32 = 7;
const RECORD_PAUSE: Duration = Duration::from_millis(500);
const KEPT: &str = "Kept: no relay is configured, so that it can be read here.";

/// What the sending of many messages shares.
#[derive(Clone)]
pub struct Courier {
    relays: Arc<Relays>,
    hosts: HostQueues,
    patience: Duration,
}

impl Courier {
    /// A courier without open connections. `patience`: how long a relay may take for one step.
    pub fn new(patience: Duration) -> Self {
        Self {
            relays: Arc::default(),
            hosts: HostQueues::default(),
            patience,
        }
    }

    /// Stop waiting: jobs whose messages wait for a host end at once and go back to the queue.
    pub fn stop_waiting(&self) {
        self.hosts.close();
    }

    /// Carry out the job of one message.
    pub async fn send(&self, project: &Project, id: Uuid) -> Result<Verdict, Fault> {
        let Some(message) = load(project, id).await? else {
            // It was swept: its retention is over.
            return Ok(Verdict::Done);
        };
        if matches!(message.status, Status::Sent | Status::Abandoned) {
            return Ok(Verdict::Done);
        }
        let attempt = Attempt {
            courier: self,
            project,
            message,
            began: project.now(),
        };
        match Transport::of(project, attempt.message.to.via) {
            Ok(transport) => attempt.through(transport).await,
            Err(_) if project.environment() == Environment::Development => {
                let kept = attempt.ended(Status::Sent, None, Some(KEPT));
                attempts::whole(project, id, attempt.message.send_count, &kept).await?;
                counter!("insula_messages_sent_total").increment(1);
                Ok(Verdict::Done)
            }
            Err(why) => {
                let key = TransportKey::of(project, attempt.message.to.via);
                attempt.leave_alone(key, why);
                attempt.relay_is_wrong(why.to_owned()).await
            }
        }
    }
}

async fn load(project: &Project, id: Uuid) -> Result<Option<Stored>, Fault> {
    let mut tx = project.begin().await?;
    store::get(&mut tx, id).await
}

/// One run of one message's job.
struct Attempt<'a> {
    courier: &'a Courier,
    project: &'a Project,
    message: Stored,
    began: DateTime<Utc>,
}

impl Attempt<'_> {
    async fn through(mut self, transport: Transport) -> Result<Verdict, Fault> {
        let (project, relays) = (self.project, &self.courier.relays);
        if !is_deliverable(&self.message.to) {
            let why = "the recipient is no address".to_owned();
            return self.reached_nobody(Next::Abandon, why).await;
        }
        let key = TransportKey::of(project, self.message.to.via);
        let target = transport.target();
        let slot = self.courier.hosts.slot(&target, project.id());
        let Ok(Some(_slot)) = timeout(SLOT_SECONDS_MAX, slot).await else {
            return Ok(Verdict::Retry {
                after: verdict::jittered(BUSY_PAUSE),
                why: "the relay has enough to do".to_owned(),
            });
        };
        self.began = project.now();
        if let Some(rest) = relays.is_left_alone(key, self.began) {
            return self.wait(rest, None).await;
        }
        if i64::from(self.message.send_count) >= self.attempts_max() {
            // Only crashes bring one this far.
            let why = "every attempt ended with its process".to_owned();
            return self.reached_nobody(Next::Abandon, why).await;
        }
        let ready = match timeout(
            self.courier.patience,
            transport.prepare(project, &self.message, || relays.take(key)),
        )
        .await
        .unwrap_or_else(|_| {
            Err(DeliveryError::Passing(
                "the relay does not answer in time".to_owned(),
            ))
        }) {
            Ok(ready) => ready,
            Err(DeliveryError::Relay(why)) => {
                self.leave_alone(key, &why);
                return self.relay_is_wrong(why).await;
            }
            Err(error) => {
                let next = self.next(&error, self.message.send_count + 1);
                return self.reached_nobody(next, error.into_text()).await;
            }
        };
        let Some(number) = attempts::begin(project, self.message.id).await? else {
            return Ok(Verdict::Done);
        };
        self.hand_over(ready, key, number).await
    }

    /// The part of an attempt that may reach the recipient.
    async fn hand_over(
        &self,
        ready: Ready,
        key: TransportKey,
        number: i32,
    ) -> Result<Verdict, Fault> {
        let relays = &self.courier.relays;
        let sent = timeout(self.courier.patience, ready.send()).await;
        let late = || DeliveryError::Passing("the relay does not answer in time".to_owned());
        match sent.unwrap_or_else(|_| Err(late())) {
            Ok(connection) => {
                relays.put_back(key, connection);
                if relays.is_well(key) {
                    let (project, channel) = (self.project.slug(), self.message.to.via.as_str());
                    tracing::info!(project, channel, "messages of a project leave again");
                }
                let done = self.ended(Status::Sent, None, None);
                self.record(number, &done).await?;
                counter!("insula_messages_sent_total").increment(1);
                Ok(Verdict::Done)
            }
            Err(DeliveryError::Relay(why)) => {
                self.leave_alone(key, &why);
                attempts::take_back(self.project, self.message.id, number).await?;
                self.relay_is_wrong(why).await
            }
            Err(error) => {
                let next = self.next(&error, number);
                let why = error.into_text();
                self.record(number, &self.ended(next.status(), Some(&why), None))
                    .await?;
                Ok(next.verdict())
            }
        }
    }

    /// Told once, not for each message: what the operator and the project's administrators should mend.
    fn leave_alone(&self, key: TransportKey, why: &str) {
        if self.courier.relays.leave_alone(key, self.began) {
            let (project, channel) = (self.project.slug(), self.message.to.via.as_str());
            tracing::warn!(
                project,
                channel,
                why,
                "messages of a project cannot leave, and wait"
            );
        }
    }

    fn next(&self, error: &DeliveryError, begun: i32) -> Next {
        verdict::of(error, i64::from(begun), self.attempts_max())
    }

    fn attempts_max(&self) -> i64 {
        i64::from(self.project.config::<CourierConfig>().message_retries) + 1
    }

    async fn reached_nobody(&self, next: Next, why: String) -> Result<Verdict, Fault> {
        let ended = self.ended(next.status(), Some(&why), None);
        let (id, begun) = (self.message.id, self.message.send_count);
        attempts::whole(self.project, id, begun, &ended).await?;
        Ok(next.verdict())
    }

    /// No message's fault: it waits, until it is too old to be of use.
    async fn relay_is_wrong(&self, why: String) -> Result<Verdict, Fault> {
        let key = TransportKey::of(self.project, self.message.to.via);
        let rest = self.courier.relays.is_left_alone(key, self.began);
        self.wait(rest.unwrap_or(verdict::FIRST_REST), Some(why))
            .await
    }

    async fn wait(&self, rest: Duration, why: Option<String>) -> Result<Verdict, Fault> {
        let old = verdict::is_too_old(self.message.created_at, self.began);
        let next = if old { Next::Abandon } else { Next::Wait(rest) };
        let text = why
            .clone()
            .unwrap_or_else(|| "the relay is left alone for a while".to_owned());
        // Told once, not at every look.
        let last = self.message.dispatches.last();
        let told = last.and_then(|last| last.error.as_ref()?["reason"].as_str());
        if old || (why.is_some() && told != Some(&text)) {
            let ended = self.ended(next.status(), Some(&text), None);
            let (id, begun) = (self.message.id, self.message.send_count);
            attempts::waits(self.project, id, begun, &ended).await?;
        }
        Ok(next.verdict())
    }

    fn ended(&self, status: Status, failure: Option<&str>, note: Option<&'static str>) -> Ended {
        Ended {
            status,
            began: self.began,
            failure: failure.map(str::to_owned),
            note,
        }
    }

    /// The mail is out: what the database does not hear now is sent again.
    async fn record(&self, number: i32, ended: &Ended) -> Result<(), Fault> {
        let mut pause = RECORD_PAUSE;
        for attempt in 1.. {
            match attempts::end(self.project, self.message.id, number, ended).await {
                Ok(_) => break,
                Err(fault) if attempt == RECORD_ATTEMPTS => return Err(fault),
                Err(fault) => {
                    tracing::warn!(
                        error = &fault as &dyn std::error::Error,
                        "the end of an attempt cannot be recorded"
                    );
                    sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Ok(())
    }
}
