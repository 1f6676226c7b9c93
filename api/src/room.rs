//! Room for requests: how many are served at once. What a request took it has until it is answered.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tenants::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{error::ApiError, limits::Limits};

/// What there is for all.
pub(crate) struct Room {
    requests: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
}

impl Room {
    pub(crate) fn new(limits: &Limits) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            requests: places(limits.requests_at_once_max),
            large_bodies: places(limits.large_bodies_at_once_max),
        }
    }
}

/// What one request has of it. An extension of the request; whoever answers keeps a copy until then, because
/// what was decoded from a body lives on while its request waits for its turn.
#[derive(Clone)]
pub(crate) struct Places {
    room: Arc<Room>,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    request: Option<OwnedSemaphorePermit>,
    large_body: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// For a request that begins.
    pub(crate) fn take(room: &Arc<Room>) -> Result<Self, ApiError> {
        let request = free(&room.requests, "requests")?;
        let held = Held {
            request: Some(request),
            ..Held::default()
        };
        Ok(Self {
            room: Arc::clone(room),
            held: Arc::new(Mutex::new(held)),
        })
    }

    /// Others are served while its body is waited for: there can be as many such as connections.
    pub(crate) fn step_aside(&self) {
        self.held().request = None;
    }

    /// Its body has come.
    pub(crate) fn step_back(&self) -> Result<(), ApiError> {
        self.held().request = Some(free(&self.room.requests, "requests")?);
        Ok(())
    }

    /// Its body is a large one.
    pub(crate) fn take_large(&self) -> Result<(), ApiError> {
        let mut held = self.held();
        if held.large_body.is_none() {
            held.large_body = Some(free(&self.room.large_bodies, "large bodies")?);
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn free(places: &Arc<Semaphore>, what: &'static str) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        metrics::counter!("insula_requests_refused_total").increment(1);
        let retry_after = Duration::from_secs(1);
        Fault::Overloaded { what, retry_after }.into()
    })
}
