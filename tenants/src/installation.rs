//! One installation, and all that can be done with it. This file decides nothing: what concerns projects, their
//! configurations and keys does the directory (`control/`, `registry.rs`), what concerns a database its
//! cluster (`cluster.rs`). What concerns the data of one project is [`Project`]'s.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{
    ChangeError, Claim, Claimed, Clock, ConfigRestore, ConfigUpdate, ConfigUpdated, Environment,
    Fault, Kept, Key, KeyEntry, KeyPage, KeyRequest, Lengths, Lookup, NewKey, NewProject, Outbound,
    Project, ProjectId, QueueDepth, Settings, Verdict,
    cluster::Cluster,
    control::{Actor, directory::Directory},
};

/// A running installation: the root of everything. Cheap to clone.
#[derive(Clone)]
pub struct Installation {
    /// The cluster with the directory in it. So far it is the one with all projects, too.
    home: Cluster,
    directory: Arc<Directory>,
}

/// Beginning and end.
impl Installation {
    /// Connect, check that the database fits this binary and these master keys, and start hearing changes.
    ///
    /// Errors name what to do: an empty or older database, a missing master key.
    pub async fn connect(settings: Settings) -> Result<Self, Fault> {
        let home = Cluster::connect(&settings).await?;
        let directory = Directory::new(home.clone(), settings)?;
        directory.check_master_keys().await?;
        home.listen().await?;
        Ok(Self {
            home,
            directory: Arc::new(directory),
        })
    }

    /// Why this replica should not get traffic: `(component, what is wrong)`. Empty when it should.
    pub async fn readiness(&self) -> Vec<(&'static str, String)> {
        self.home.readiness().await
    }

    /// Does the database not answer? Whatever needs it fails at once as long as that is so.
    pub fn is_away(&self) -> bool {
        self.home.pools().reach().is_away()
    }

    /// Resolves when the database does not answer.
    pub async fn until_away(&self) {
        self.home.pools().reach().until_away().await;
    }

    /// Resolves when the database answers.
    pub async fn until_there(&self) {
        self.home.pools().reach().until_there().await;
    }

    /// Close every connection, waiting for those in use.
    pub async fn close(&self) {
        self.home.close().await;
    }

    /// Where "now" comes from.
    pub fn clock(&self) -> &Clock {
        self.directory.clock()
    }

    /// How long what comes from outside may be.
    pub fn lengths(&self) -> Lengths {
        self.directory.settings().lengths
    }

    /// The installation's own origin, `scheme://host[:port]`.
    pub fn origin(&self) -> String {
        self.directory.origin()
    }

    /// The guarded client of projects in that environment.
    pub fn outbound(&self, environment: Environment) -> &Outbound {
        self.directory.outbound(environment)
    }

    pub(crate) fn home(&self) -> &Cluster {
        &self.home
    }
}

/// Projects.
impl Installation {
    /// Resolve a slug as the public sees it.
    pub async fn project(&self, slug: &str) -> Result<Lookup, Fault> {
        self.directory.project(slug).await
    }

    /// Resolve a slug whatever state the project is in: for the administration. `None` for a slug that
    /// was never given out, or whose project is gone for good.
    pub async fn find_project(&self, slug: &str) -> Result<Option<Project>, Fault> {
        self.directory.find_project(slug).await
    }

    /// The slug of a project by id, if it is not gone.
    pub async fn slug_of(&self, id: ProjectId) -> Result<Option<String>, Fault> {
        self.directory.slug_of(id).await
    }

    /// Slugs of projects that are not gone, by slug, after `after`; `search` is a part of slug or name.
    pub async fn list_projects(
        &self,
        limit: i64,
        after: Option<&str>,
        search: Option<&str>,
    ) -> Result<Vec<String>, Fault> {
        self.directory.list_projects(limit, after, search).await
    }

    /// Make a project: one transaction that takes a spare slot. A key of role OWNER for it comes along.
    pub async fn create_project(
        &self,
        actor: &Actor,
        new: NewProject,
    ) -> Result<(Project, NewKey), ChangeError> {
        self.directory.create_project(actor, new).await
    }

    /// Rename a project, or move it between environments.
    pub async fn update_project(
        &self,
        actor: &Actor,
        project: &Project,
        name: Option<String>,
        environment: Option<Environment>,
    ) -> Result<Project, ChangeError> {
        let directory = &self.directory;
        directory
            .update_project(actor, project, name, environment)
            .await
    }

    /// Refuse every request with 403 `project_suspended` until the project is resumed.
    pub async fn suspend_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<Project, ChangeError> {
        self.directory.suspend_project(actor, project).await
    }

    /// Serve again.
    pub async fn resume_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<Project, ChangeError> {
        self.directory.resume_project(actor, project).await
    }

    /// Stop serving at once; the data goes when the grace is over (none for DEVELOPMENT projects).
    pub async fn delete_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<(), ChangeError> {
        self.directory.delete_project(actor, project).await
    }

    /// Undo a deletion within its grace: the project is again what it was before.
    pub async fn restore_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<Project, ChangeError> {
        self.directory.restore_project(actor, project).await
    }

    /// Carry out a deletion whose grace is over: schema, keys, revisions, jobs. False: it was restored, or
    /// is not due. Can be repeated after a crash at any point: the directory row changes last.
    pub async fn purge_project(&self, project: &Project) -> Result<bool, Fault> {
        self.directory.purge_project(project).await
    }
}

/// Configurations. A project reads its revisions itself.
impl Installation {
    /// Change a project's configuration. Nothing changes unless the whole new document is valid.
    pub async fn update_config(
        &self,
        actor: &Actor,
        project: &Project,
        update: &ConfigUpdate,
    ) -> Result<ConfigUpdated, ChangeError> {
        self.directory.update_config(actor, project, update).await
    }

    /// Make an earlier revision's document, with the secrets that it had, the next revision. It is judged
    /// anew: rules and environment may have changed since. `None`: there is no such revision.
    pub async fn restore_config(
        &self,
        actor: &Actor,
        project: &Project,
        restore: ConfigRestore,
    ) -> Result<Option<ConfigUpdated>, ChangeError> {
        self.directory.restore_config(actor, project, restore).await
    }
}

/// API keys.
impl Installation {
    /// Whose token is this? `None` for anything that is no valid key, whatever the reason.
    pub async fn authenticate_key(&self, token: &str) -> Result<Option<Key>, Fault> {
        self.directory.authenticate_key(token).await
    }

    /// Make a key.
    pub async fn create_key(&self, actor: &Actor, request: &KeyRequest) -> Result<NewKey, Fault> {
        self.directory.create_key(actor, request).await
    }

    /// The project a key belongs to: `None` when there is no such key, `Some(None)` for an installation key.
    pub async fn owner_of_key(&self, id: Uuid) -> Result<Option<Option<ProjectId>>, Fault> {
        self.directory.owner_of_key(id).await
    }

    /// End a key, here at once and elsewhere within half a second. False: there is none, or it was ended before.
    pub async fn revoke_key(&self, actor: &Actor, id: Uuid) -> Result<bool, Fault> {
        self.directory.revoke_key(actor, id).await
    }

    /// A page of keys, newest first: of a project, or of the installation.
    pub async fn list_keys(
        &self,
        project: Option<&Project>,
        page: KeyPage,
    ) -> Result<Vec<KeyEntry>, Fault> {
        self.directory.list_keys(project, page).await
    }
}

/// Master keys.
impl Installation {
    /// How many projects' keys are wrapped with which master key.
    pub async fn master_key_use(&self) -> Result<Vec<(String, usize)>, Fault> {
        self.directory.master_key_use().await
    }

    /// Wrap every project's key with the first master key. Answers how many were moved.
    pub async fn rewrap_keys(&self) -> Result<usize, Fault> {
        self.directory.rewrap_keys().await
    }
}

/// The queue.
impl Installation {
    /// Take due jobs: at most a few of each project, starting with a random project, so that one with
    /// ten thousand jobs costs the others one turn, not ten thousand.
    pub async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Claimed>, Fault> {
        self.home.claim(claim, &self.directory).await
    }

    /// Keep a job for longer. False: the lease was lost, another worker does it now.
    pub async fn renew(&self, claimed: &Claimed, lease: Duration) -> Result<bool, Fault> {
        claimed.project.cluster().renew(claimed, lease).await
    }

    /// Record how a job ended, unless another worker took it over meanwhile.
    pub async fn finish(&self, claimed: &Claimed, verdict: &Verdict) -> Result<(), Fault> {
        claimed.project.cluster().finish(claimed, verdict).await
    }

    /// Jobs that wait, are leased, or were abandoned, the age of the oldest due one, and spare slots: for gauges.
    pub async fn queue_depth(&self) -> Result<QueueDepth, Fault> {
        self.home.queue_depth().await
    }
}

/// Slots: schemas and roles made ahead, as owner.
impl Installation {
    /// Is the owner login configured? Without it no spare slot is made here and no project purged.
    pub fn has_owner(&self) -> bool {
        self.home.has_owner()
    }

    /// Make spare slots until there are as many as the settings ask for. Another keeper at work: nothing.
    pub async fn keep_slots(&self) -> Result<Kept, Fault> {
        self.home.keep_slots().await
    }

    /// Spare slots at hand.
    pub async fn spare_slots(&self) -> Result<i64, Fault> {
        self.home.spare_slots().await
    }

    /// Wait until a spare slot is wanted, or a while passes.
    pub async fn until_slots_are_wanted(&self, or_after: Duration) {
        self.home.until_slots_are_wanted(or_after).await;
    }
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}
