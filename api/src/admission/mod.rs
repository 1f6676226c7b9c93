//! Admission: what is let in, and how much of it at once. Connections are counted when they are accepted,
//! requests when they begin, large bodies once they are weighed. Knows no route.

pub(crate) mod connections;
pub(crate) mod listener;
pub(crate) mod weight;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::Gauge;
use tenants::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{error::ApiError, limits::Limits};

/// How many requests, and how many large bodies among them, are served at once.
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    selfservice: Bodies,
    administration: Bodies,
}

/// Whose large bodies: so that visitors keep no administrator out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    SelfService,
    Administration,
}

impl Share {
    fn name(self) -> &'static str {
        match self {
            Self::SelfService => "self_service",
            Self::Administration => "administration",
        }
    }
}

/// What large bodies may take.
struct Bodies {
    /// Of those that are there, one each.
    large: Arc<Semaphore>,
    /// Of those that still come, one for each KiB that did.
    coming: Arc<Semaphore>,
}

impl Bodies {
    fn new(limits: &Limits) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        Self {
            large: permits(limits.large_bodies_at_once_max),
            coming: permits(limits.coming_bytes_max / KIB),
        }
    }
}

const KIB: usize = 1024;

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.requests_at_once_max)),
            selfservice: Bodies::new(limits),
            administration: Bodies::new(limits),
        }
    }

    fn bodies(&self, share: Share) -> &Bodies {
        match share {
            Share::SelfService => &self.selfservice,
            Share::Administration => &self.administration,
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
    large_body: Option<Shown>,
    coming: Option<Shown>,
}

/// Permits that a gauge shows for as long as they are held.
struct Shown {
    held: OwnedSemaphorePermit,
    gauge: Gauge,
}

impl Shown {
    fn new(held: OwnedSemaphorePermit, gauge: Gauge) -> Self {
        gauge.increment(count(&held));
        Self { held, gauge }
    }

    fn merge(&mut self, more: OwnedSemaphorePermit) {
        self.gauge.increment(count(&more));
        self.held.merge(more);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.gauge.decrement(count(&self.held));
    }
}

fn count(permits: &OwnedSemaphorePermit) -> f64 {
    f64::from(u32::try_from(permits.num_permits()).unwrap_or(u32::MAX))
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

    /// So much of its body has come, and is held.
    pub(crate) fn await_body(&self, share: Share, bytes: usize) -> Result<(), ApiError> {
        let mut taken = self.taken();
        let held = taken
            .coming
            .as_ref()
            .map_or(0, |coming| coming.held.num_permits());
        let more = u32::try_from(bytes.div_ceil(KIB) - held).unwrap_or(u32::MAX);
        let coming = &self.admission.bodies(share).coming;
        let more = permits(coming, more, "memory for bodies")?;
        match &mut taken.coming {
            Some(coming) => coming.merge(more),
            none => {
                let gauge = metrics::gauge!("insula_bodies_coming_kib", "of" => share.name());
                *none = Some(Shown::new(more, gauge));
            }
        }
        Ok(())
    }

    /// Its body has come.
    pub(crate) fn step_back(&self) -> Result<(), ApiError> {
        self.taken().coming = None;
        self.taken().request = Some(permit(&self.admission.requests, "requests")?);
        Ok(())
    }

    /// Its body is a large one.
    pub(crate) fn take_large(&self, share: Share) -> Result<(), ApiError> {
        let mut taken = self.taken();
        if taken.large_body.is_none() {
            let large = permit(&self.admission.bodies(share).large, "large bodies")?;
            let gauge = metrics::gauge!("insula_bodies_large", "of" => share.name());
            taken.large_body = Some(Shown::new(large, gauge));
        }
        Ok(())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn permit(of: &Arc<Semaphore>, what: &'static str) -> Result<OwnedSemaphorePermit, ApiError> {
    permits(of, 1, what)
}

fn permits(
    of: &Arc<Semaphore>,
    count: u32,
    what: &'static str,
) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(of).try_acquire_many_owned(count).map_err(|_| {
        metrics::counter!("insula_requests_refused_total").increment(1);
        let retry_after = Duration::from_secs(1);
        Fault::Overloaded { what, retry_after }.into()
    })
}
