//! Judging traits, on threads of their own that are fair among projects: what it costs is a product of a project's
//! schema and a visitor's text. Bounded before it begins, by length and by [`crate::schema`]'s budget.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tenants::{
    Fault, Project,
    fair::{Extent, FairPool, Names, NotDone},
};
use uuid::Uuid;

use crate::schema::{Derived, IdentitySchema, Violation};

const NAMES: Names = Names {
    thread: "traits",
    waiting: "insula_traits_waiting",
    running: "insula_traits_running",
    refused: "insula_traits_refused_total",
};
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The threads on which traits are judged.
pub struct TraitsPool(FairPool<()>);

/// What traits derive to, or why they do not fit.
pub type Judgement = Result<Derived, Vec<Violation>>;

impl TraitsPool {
    /// At most `waiting_max` wait in all and `waiting_per_project_max` in each project.
    ///
    /// # Panics
    /// When the system gives not a single thread.
    pub fn new(threads: usize, waiting_max: usize, waiting_per_project_max: usize) -> Self {
        let extent = Extent {
            threads,
            waiting_max,
            waiting_per_project_max,
            gives_way: true,
        };
        Self(FairPool::new(NAMES, extent))
    }

    /// [`IdentitySchema::derive`], of traits that are short enough for the installation.
    ///
    /// # Errors
    /// `Overloaded` when too much waits already. That traits do not fit is an answer.
    pub async fn derive(
        &self,
        project: &Project,
        schema: &Arc<IdentitySchema>,
        traits: &Value,
    ) -> Result<Judgement, Fault> {
        tenants::open_transactions::assert_none("judging traits");
        let bytes_max = project.lengths().traits;
        let bytes = serde_json::to_vec(traits).map_or(usize::MAX, |text| text.len());
        if bytes > bytes_max {
            return Ok(Err(vec![Violation::too_much(bytes_max)]));
        }
        let judged = self.judge(project.id().uuid(), schema, traits).await;
        judged.map_err(|why| match why {
            NotDone::Full => Fault::Overloaded {
                what: "judging of traits",
                retry_after: RETRY_AFTER,
            },
            NotDone::Panicked => Fault::broken("traits could not be judged"),
        })
    }

    /// The same of a project's number.
    pub(crate) async fn judge(
        &self,
        project: Uuid,
        schema: &Arc<IdentitySchema>,
        traits: &Value,
    ) -> Result<Judgement, NotDone> {
        let (schema, traits) = (Arc::clone(schema), traits.clone());
        let judged = self.0.run(project, move |()| schema.derive(&traits));
        judged.await
    }
}
