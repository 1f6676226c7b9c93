//! How many changes of one project's configuration are judged at once: each may wait for servers of others, and holds
//! a request while it does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Fault, ProjectId};

/// Of one project.
const AT_ONCE_MAX: u32 = 2;
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The changes that are being judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<Mutex<HashMap<ProjectId, u32>>>);

/// A change that is being judged, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: Changes,
    project: ProjectId,
}

impl Changes {
    /// One more, unless the project has as many as it may.
    pub(super) fn take(&self, project: ProjectId) -> Result<Place, Fault> {
        let mut all = self.lock();
        let count = all.entry(project).or_default();
        if *count >= AT_ONCE_MAX {
            return Err(Fault::Overloaded {
                what: "changes of one project's configuration",
                retry_after: RETRY_AFTER,
            });
        }
        *count += 1;
        let of = self.clone();
        Ok(Place { of, project })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.of.lock();
        let left = all.get_mut(&self.project).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            all.remove(&self.project);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_project_has_two_places_and_gives_them_back() {
        let changes = Changes::default();
        let (one, other) = (ProjectId(Uuid::from_u128(1)), ProjectId(Uuid::from_u128(2)));
        let held = [changes.take(one).unwrap(), changes.take(one).unwrap()];
        assert!(changes.take(one).is_err());
        assert!(changes.take(other).is_ok());
        drop(held);
        assert!(changes.take(one).is_ok());
        assert!(changes.lock().is_empty());
    }
}
