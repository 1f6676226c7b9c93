//! Admission: what is let in, and how much of it at once. Connections are counted when they are accepted,
//! requests when they begin, large bodies once they are weighed. Knows no route.

pub(crate) mod connections;
pub(crate) mod listener;
pub(crate) mod weight;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tenants::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{error::ApiError, limits::Limits};

/// How many requests, and how many large bodies among them, are served at once.
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        Self {
            requests: permits(limits.requests_at_once_max),
            large_bodies: permits(limits.large_bodies_at_once_max),
        }
    }
}

/// What one request holds of it, until it is answered. An extension of the request; the task that answers
/// keeps a copy, because what was decoded from a body lives on while its request waits for its turn.
#[derive(Clone)]
pub(crate) struct Permits {
    admission: Arc<Admission>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    request: Option<OwnedSemaphorePermit>,
    large_body: Option<OwnedSemaphorePermit>,
}

impl Permits {
    /// For a request that begins.
    pub(crate) fn take(admission: &Arc<Admission>) -> Result<Self, ApiError> {
        let request = permit(&admission.requests, "requests")?;
        let taken = Taken {
            request: Some(request),
            ..Taken::default()
        };
        Ok(Self {
            admission: Arc::clone(admission),
            taken: Arc::new(Mutex::new(taken)),
        })
    }

    /// Others are served while its body is waited for: there can be as many such as connections.
    pub(crate) fn step_aside(&self) {
        self.taken().request = None;
    }

    /// Its body has come.
    pub(crate) fn step_back(&self) -> Result<(), ApiError> {
        self.taken().request = Some(permit(&self.admission.requests, "requests")?);
        Ok(())
    }

    /// Its body is a large one.
    pub(crate) fn take_large(&self) -> Result<(), ApiError> {
        let mut taken = self.taken();
        if taken.large_body.is_none() {
            taken.large_body = Some(permit(&self.admission.large_bodies, "large bodies")?);
        }
        Ok(())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn permit(of: &Arc<Semaphore>, what: &'static str) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(of).try_acquire_owned().map_err(|_| {
        metrics::counter!("insula_requests_refused_total").increment(1);
        let retry_after = Duration::from_secs(1);
        Fault::Overloaded { what, retry_after }.into()
    })
}
