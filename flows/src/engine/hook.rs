//! Hooks: what else happens before and after a flow. One trait for every kind, over the subject that all of
//! them end with. The machine alone calls them ([`super::run`], [`super::begin`]).

use std::sync::Arc;

use async_trait::async_trait;
use identity::{
    Identity, Session, identities::create::Prepared, schemas::Schemas, sessions::AuthMethod,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    attempt::Attempt,
    continue_with::ContinueWith,
    cx::Cx,
    decision::{Effects, Error, Halt},
    init::Transport,
    traits::derive,
};

/// What happens besides. Its options are its own: it is made from its block in the configuration.
#[async_trait]
pub trait Hook: Send + Sync {
    /// Does it come before all hooks that do not, wherever it is configured? For one that may hold back what
    /// the others would act on.
    fn goes_first(&self) -> bool {
        false
    }

    /// A flow is about to begin.
    async fn before_flow(&self, _cx: &Cx<'_>, _about: &About<'_>) -> Result<(), Halt> {
        Ok(())
    }

    /// Nothing is written yet: amend the subject, or refuse it. May be asked several times for one attempt, which
    /// remembers what is counted once.
    async fn before_commit(
        &self,
        _cx: &Cx<'_>,
        _about: &About<'_>,
        _attempt: &mut Attempt,
        _subject: &mut Subject,
    ) -> Result<(), Halt> {
        Ok(())
    }

    /// Everything is committed: shape the answer. It is too late to refuse.
    async fn after_commit(
        &self,
        _cx: &Cx<'_>,
        _about: &About<'_>,
        _subject: &Subject,
        _next: &mut Next,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// The flow that a hook belongs to.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// `login`, `registration` …
    pub kind: &'static str,
    /// The flow's id.
    pub flow_id: Uuid,
    /// Whether a browser or an API client began it.
    pub transport: Transport,
    /// The absolute URL of its init request.
    pub request_url: &'a str,
    /// Where it ends, as it was asked for.
    pub return_to: Option<&'a str>,
    /// The method used last.
    pub active: Option<&'a str>,
    /// As the client sent it.
    pub transient_payload: Option<&'a Value>,
}

/// Who a flow is about when it ends, and what is written then.
#[derive(Debug)]
pub struct Subject {
    /// The method that was completed.
    pub method: String,
    /// How it was authenticated, where it was.
    pub amr: Option<AuthMethod>,
    /// The identity.
    pub person: Person,
    /// The session that begins with it, or that it happens in, if any; its id is final.
    pub session: Option<Session>,
    /// What is written.
    pub effects: Effects,
    /// Verifications that begin with it.
    pub announced: Vec<ContinueWith>,
    /// It waits for an address to be verified: how clients hear of that. What is written is that verification.
    pub held: Option<ContinueWith>,
}

/// The identity that a flow is about.
#[derive(Debug)]
pub enum Person {
    /// It is not written yet.
    New(Box<Prepared>),
    /// It is there.
    Known(Arc<Identity>),
    /// It is there, and changes.
    Changed {
        /// As it was judged.
        before: Arc<Identity>,
        /// As it will be; `None`: it will be gone.
        after: Option<Box<Identity>>,
    },
}

impl Subject {
    /// About that identity, with nothing to write.
    pub fn new(method: impl Into<String>, person: Person) -> Self {
        Self {
            method: method.into(),
            amr: None,
            person,
            session: None,
            effects: Effects::default(),
            announced: Vec::new(),
            held: None,
        }
    }

    /// The identity as it will be; `None`: it will be gone.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.person {
            Person::New(prepared) => Some(&prepared.identity),
            Person::Known(identity) => Some(identity),
            Person::Changed { after, .. } => after.as_deref(),
        }
    }

    /// The same, to be changed.
    pub fn identity_mut(&mut self) -> Option<&mut Identity> {
        match &mut self.person {
            Person::New(prepared) => Some(&mut prepared.identity),
            Person::Known(identity) => Some(Arc::make_mut(identity)),
            Person::Changed { after, .. } => after.as_deref_mut(),
        }
    }

    /// The traits as they will be.
    pub fn traits(&self) -> Option<&Value> {
        self.identity().map(|identity| &identity.traits)
    }

    /// Give a new identity other traits: identifiers and addresses are derived anew; its id, the secrets of its
    /// credentials and what is known of addresses that stay are kept. An identity that is there already keeps
    /// its traits: changing them is a settings flow of its own.
    pub async fn amend_traits(&mut self, cx: &Cx<'_>, traits: &Value) -> Result<(), Halt> {
        let Person::New(prepared) = &mut self.person else {
            return Ok(());
        };
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(&prepared.identity.schema_id) else {
            return Ok(());
        };
        let derived = derive(cx, schema, traits).await?;
        prepared.rederive(cx.project, derived);
        Ok(())
    }
}

/// What a client does after a completed flow.
#[derive(Clone, Debug, Default)]
pub struct Next {
    /// Where a browser goes.
    pub target: String,
    /// Where a page goes instead, before it goes there.
    pub detour: Option<String>,
    /// Verifications that began with the flow.
    pub announced: Vec<ContinueWith>,
    /// What clients are told to do, besides going to the target.
    pub continue_with: Vec<ContinueWith>,
}

impl Next {
    /// To that target; `told`: what clients hear of whatever the hooks.
    pub fn to(target: String, announced: Vec<ContinueWith>, told: Vec<ContinueWith>) -> Self {
        Self {
            target,
            detour: None,
            announced,
            continue_with: told,
        }
    }
}
