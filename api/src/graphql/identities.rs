//! The people of a project, as a list. Credentials are never shown here.

use async_graphql::{Enum, ID, Object, SimpleObject};
use identity::{
    identities::{State, VerifiableAddress, records, store::Filter},
    schema::Via,
};
use tenants::{Fault, Installation, Lookup, Project};
use uuid::Uuid;

use super::{
    connection::{Connection, Page},
    errors::Refusal,
    scalars::{Json, Moment},
};

/// What cursors of this list begin with.
pub(super) const LIST: &str = "identity";

/// May somebody sign in?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub(super) enum IdentityState {
    /// May sign in.
    Active,
    /// May not; nothing is lost.
    Inactive,
}

/// How an address is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Via")]
pub(super) enum AddressVia {
    /// By e-mail.
    Email,
    /// By text message.
    Sms,
}

/// An address of a person, and whether they proved to read it.
#[derive(Debug, SimpleObject)]
#[graphql(name = "IdentityAddress")]
pub(super) struct Address {
    /// Never changes.
    id: ID,
    /// The address in its one spelling.
    value: String,
    /// How it is reached.
    via: AddressVia,
    /// Did they prove to read it?
    verified: bool,
    /// When they did.
    verified_at: Option<Moment>,
}

impl From<&VerifiableAddress> for Address {
    fn from(address: &VerifiableAddress) -> Self {
        Self {
            id: ID(address.id.to_string()),
            value: address.value.clone(),
            via: address.via.into(),
            verified: address.verified,
            verified_at: address.verified_at.map(Moment),
        }
    }
}

/// A person, or whatever else signs in.
#[derive(Debug)]
pub(super) struct Identity(identity::Identity);

/// A person, or whatever else signs in.
#[Object]
impl Identity {
    /// Never changes.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// An id of the caller's own, unique in the project.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The identity schema that the traits follow.
    async fn schema_id(&self) -> &str {
        &self.0.schema_id
    }

    /// May they sign in?
    async fn state(&self) -> IdentityState {
        self.0.state.into()
    }

    /// When that last changed.
    async fn state_changed_at(&self) -> Moment {
        Moment(self.0.state_changed_at)
    }

    /// What is known of them, by the schema.
    async fn traits(&self) -> Json {
        Json(self.0.traits.clone())
    }

    /// What applications noted; the person can read it.
    async fn metadata_public(&self) -> Option<Json> {
        self.0.metadata_public.clone().map(Json)
    }

    /// What administrators noted; the person cannot read it.
    async fn metadata_admin(&self) -> Option<Json> {
        self.0.metadata_admin.clone().map(Json)
    }

    /// Addresses from the traits that can be verified.
    async fn verifiable_addresses(&self) -> Vec<Address> {
        self.0
            .verifiable_addresses
            .iter()
            .map(Address::from)
            .collect()
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }

    /// When it last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.0.updated_at)
    }
}

/// One page of a project's people, by id.
pub(super) async fn page_of(
    installation: &Installation,
    project: &Project,
    page: &Page,
) -> Result<Connection<Identity>, Refusal> {
    check_served(installation, project).await?;
    let after = match &page.after {
        Some(key) => Uuid::try_parse(key)
            .map_err(|_| Refusal::invalid("`after` is not a cursor of this list"))?,
        None => Uuid::nil(),
    };
    let search = page.search.clone();
    let filter = search.map_or(Filter::All, Filter::IdentifierPrefix);
    let asked = records::Page::After {
        id: after,
        size: page.size(),
    };
    let listed = records::list(project, &filter, asked, false).await?;
    let items = listed.records.into_iter();
    let items = items.map(|it| (it.identity.id.to_string(), Identity(it.identity)));
    Ok(page.filled(items.collect(), listed.next.is_some()))
}

/// Can its tables be read? A suspended project's can; one that is going, or of another version, has none
/// for us.
async fn check_served(installation: &Installation, project: &Project) -> Result<(), Refusal> {
    match installation.project(project.slug()).await? {
        Lookup::Open(_) | Lookup::Suspended(_) => Ok(()),
        Lookup::Absent => Err(Refusal::NotFound("project")),
        Lookup::Migrating => Err(Fault::Overloaded {
            what: "the project's schema is being migrated",
            retry_after: std::time::Duration::from_secs(5),
        }
        .into()),
    }
}
