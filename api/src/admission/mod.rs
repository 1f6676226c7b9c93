//! Admission: what is let in, and how much of it at once. Connections are counted when they are accepted,
//! requests when they begin, large bodies once they are weighed. Knows no route.

mod by_sender;
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
use by_sender::{BySender, Part};

/// How many requests, and how many large bodies among them, are served at once.
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    selfservice: Bodies,
    administration: Bodies,
}

/// Whose large bodies: so that visitors keep no administrator out, and those of one network, or the holders of one
/// key, not all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// Of a visitor of that network; `None` for one that is not counted.
    SelfService(Option<Arc<str>>),
    /// Of the holder of that key.
    Administration(Arc<str>),
}

impl Share {
    fn name(&self) -> &'static str {
        match self {
            Self::SelfService(_) => "self_service",
            Self::Administration(_) => "administration",
        }
    }

    /// Of all with the same one, half at most.
    fn sender(&self) -> Option<&Arc<str>> {
        match self {
            Self::SelfService(network) => network.as_ref(),
            Self::Administration(key) => Some(key),
        }
    }
}

/// What large bodies may take.
struct Bodies {
    /// Of those that are there, one each.
    large: Places,
    /// Of those that still come, one for each KiB that did.
    coming: Places,
}

/// Places that all share; of these a sender has half at most.
struct Places {
    all: Arc<Semaphore>,
    by_sender: Arc<BySender>,
    /// The gauge that shows how many are held.
    gauge: &'static str,
}

impl Places {
    fn new(count: usize, gauge: &'static str) -> Self {
        Self {
            all: Arc::new(Semaphore::new(count)),
            by_sender: BySender::of(count),
            gauge,
        }
    }
}

/// Places that one request holds, shown for as long as it holds them.
struct Held {
    all: OwnedSemaphorePermit,
    /// `None`: its sender is not counted.
    part: Option<Part>,
    gauge: Gauge,
}

impl Held {
    fn take(
        of: &Places,
        share: &Share,
        (count, what): (u32, &'static str),
    ) -> Result<Self, ApiError> {
        let part = share.sender().map(|sender| {
            let part = of.by_sender.take(sender, count as usize);
            part.ok_or_else(|| refused(what))
        });
        let (part, all) = (part.transpose()?, permits(&of.all, count, what)?);
        let gauge = metrics::gauge!(of.gauge, "of" => share.name());
        gauge.increment(f64::from(count));
        Ok(Self { all, part, gauge })
    }

    fn take_more(
        &mut self,
        of: &Places,
        (count, what): (u32, &'static str),
    ) -> Result<(), ApiError> {
        let more = permits(&of.all, count, what)?;
        let part = self.part.as_mut();
        if part.is_some_and(|part| !part.take_more(count as usize)) {
            return Err(refused(what));
        }
        self.all.merge(more);
        self.gauge.increment(f64::from(count));
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let count = u32::try_from(self.all.num_permits()).unwrap_or(u32::MAX);
        self.gauge.decrement(f64::from(count));
    }
}

impl Bodies {
    fn new(limits: &Limits) -> Self {
        Self {
            large: Places::new(limits.large_bodies_at_once_max, "insula_bodies_large"),
            coming: Places::new(limits.coming_bytes_max / KIB, "insula_bodies_coming_kib"),
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

    fn bodies(&self, share: &Share) -> &Bodies {
        match share {
            Share::SelfService(_) => &self.selfservice,
            Share::Administration(_) => &self.administration,
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
    large_body: Option<Held>,
    coming: Option<Held>,
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
    pub(crate) fn await_body(&self, share: &Share, bytes: usize) -> Result<(), ApiError> {
        let mut taken = self.taken();
        let held = taken.coming.as_ref();
        let held = held.map_or(0, |held| held.all.num_permits());
        let more = u32::try_from(bytes.div_ceil(KIB).saturating_sub(held)).unwrap_or(u32::MAX);
        let more = (more, "memory for bodies");
        let coming = &self.admission.bodies(share).coming;
        match &mut taken.coming {
            Some(held) => held.take_more(coming, more)?,
            none => *none = Some(Held::take(coming, share, more)?),
        }
        Ok(())
    }

    /// What has come of its body is forgotten.
    pub(crate) fn forget_body(&self) {
        self.taken().coming = None;
    }

    /// Its body has come.
    pub(crate) fn step_back(&self) -> Result<(), ApiError> {
        self.taken().coming = None;
        self.taken().request = Some(permit(&self.admission.requests, "requests")?);
        Ok(())
    }

    /// Its body is a large one.
    pub(crate) fn take_large(&self, share: &Share) -> Result<(), ApiError> {
        let mut taken = self.taken();
        if taken.large_body.is_none() {
            let large = &self.admission.bodies(share).large;
            let place = (1, "large bodies");
            taken.large_body = Some(Held::take(large, share, place)?);
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
    let taken = Arc::clone(of).try_acquire_many_owned(count);
    taken.map_err(|_| refused(what))
}

fn refused(what: &'static str) -> ApiError {
    metrics::counter!("insula_requests_refused_total").increment(1);
    let retry_after = Duration::from_secs(1);
    Fault::Overloaded { what, retry_after }.into()
}
