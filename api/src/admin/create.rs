//! The body of a new identity, and what is made of it (contract, admin 1.5).

use axum::http::StatusCode;
use chrono::{DateTime, Datelike as _, Utc};
use flows::methods::password::HasherConfig;
use identity::{
    HashError, Identity,
    credentials::{Credential, password_hash::is_supported, store as credential_store},
    identities::{
        State,
        create::{AddressState, Conflict, Extras, InsertError, Prepared},
    },
    normalize,
    schema::{Via, report},
    schemas::Schemas,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tenants::Project;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    App,
    error::{ApiError, Result},
};

/// It stands in an index, which takes no more than 2,704 bytes.
const EXTERNAL_ID_BYTES_MAX: usize = 512;

/// Unknown keys are refused by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CreateIdentity {
    schema_id: String,
    traits: Option<Value>,
    credentials: Map<String, Value>,
    verifiable_addresses: Vec<GivenAddress>,
    recovery_addresses: Vec<GivenAddress>,
    metadata_public: Option<Value>,
    #[serde(deserialize_with = "present")]
    metadata_admin: Option<Value>,
    state: Option<String>,
    organization_id: Option<Uuid>,
    external_id: Option<String>,
}

/// An explicit null is something that was sent.
fn present<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GivenAddress {
    id: Option<Uuid>,
    value: String,
    via: Option<Via>,
    verified: bool,
    status: Option<String>,
    verified_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GivenPassword {
    config: PasswordImport,
    identifiers: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PasswordImport {
    hashed_password: Option<String>,
    password: Option<String>,
    use_password_migration_hook: Option<bool>,
}

impl CreateIdentity {
    pub(super) fn has_admin_metadata(&self) -> bool {
        self.metadata_admin.is_some()
    }
}

/// Judge, hash, write.
pub(super) async fn create(
    app: &App,
    project: &Project,
    body: CreateIdentity,
) -> Result<(Identity, Vec<Credential>)> {
    let schemas = Schemas::of(project);
    let schema = schemas.find(&body.schema_id);
    let schema = schema.ok_or_else(|| {
        ApiError::bad_request(format!("There is no identity schema {:?}.", body.schema_id))
    })?;
    let extras = extras(&body)?;
    let traits = body
        .traits
        .filter(|t| !t.is_null())
        .unwrap_or_else(|| Value::Object(Map::new()));
    let derived = schema
        .schema
        .derive(&traits)
        .map_err(|violations| ApiError::bad_request(report(&violations)))?;
    let hash = password_hash(app, project, body.credentials).await?;
    let mut prepared = Prepared::new(project, &schema.id, derived, extras);
    if let Some(hash) = hash
        && !prepared.set_password(&hash)
    {
        return Err(ApiError::bad_request(
            "A password was given, but no trait is a password identifier.",
        ));
    }
    for address in body.verifiable_addresses {
        check_moment(address.verified_at)?;
        let state = AddressState {
            verified: address.verified,
            verified_at: address.verified_at,
            status: address.status,
        };
        // Without `via` it is no address of the schema, and falls away like any other that is none.
        if let Some(via) = address.via {
            prepared.import_address(via, &normalize::identifier(&address.value), state);
        }
    }
    write(project, &prepared).await
}

/// Postgres and RFC 3339 part ways on years that do not have four digits.
fn check_moment(at: Option<DateTime<Utc>>) -> Result<()> {
    match at {
        Some(at) if !(1..=9999).contains(&at.year()) => Err(ApiError::bad_request(
            "The verified_at lies outside the years 1 to 9999.",
        )),
        _ => Ok(()),
    }
}

fn extras(body: &CreateIdentity) -> Result<Extras> {
    let state = match body.state.as_deref() {
        None | Some("" | "active") => State::Active,
        Some("inactive") => State::Inactive,
        Some(other) => {
            return Err(ApiError::bad_request(format!(
                "The state is active or inactive, not {other:?}."
            )));
        }
    };
    let external_id = body.external_id.clone().filter(|id| !id.is_empty());
    if external_id
        .as_ref()
        .is_some_and(|id| id.len() > EXTERNAL_ID_BYTES_MAX)
    {
        return Err(ApiError::bad_request(format!(
            "The external_id is longer than {EXTERNAL_ID_BYTES_MAX} bytes."
        )));
    }
    Ok(Extras {
        state,
        metadata_public: body.metadata_public.clone(),
        metadata_admin: body.metadata_admin.clone().filter(|m| !m.is_null()),
        external_id,
        organization_id: body.organization_id,
    })
}

/// The hash to store: the one given, or that of the password given in clear.
async fn password_hash(
    app: &App,
    project: &Project,
    mut credentials: Map<String, Value>,
) -> Result<Option<String>> {
    let password = credentials.shift_remove("password");
    if let Some(kind) = credentials.keys().next() {
        return Err(ApiError::bad_request(format!(
            "Importing credentials of type {kind:?} is not served yet."
        )));
    }
    let Some(password) = password.filter(|p| !p.is_null()) else {
        return Ok(None);
    };
    let given: GivenPassword = serde_json::from_value(password).map_err(|e| {
        ApiError::new(StatusCode::BAD_REQUEST).saying(format!("credentials.password: {e}."))
    })?;
    if given.config.use_password_migration_hook == Some(true) {
        return Err(ApiError::bad_request(
            "The password migration hook is not served yet.",
        ));
    }
    drop(given.identifiers);
    // The password in clear counts when both are given, as clients know it.
    let clear = given.config.password.filter(|p| !p.is_empty());
    let Some(clear) = clear.map(Zeroizing::new) else {
        let hash = given.config.hashed_password.unwrap_or_default();
        if !is_supported(&hash) {
            return Err(ApiError::bad_request(
                "The hashed_password is of no format that is known here.",
            ));
        }
        return Ok(Some(hash));
    };
    let hasher = project.config::<HasherConfig>().hasher();
    match app
        .people()
        .hashing
        .hash(project.id().uuid(), hasher, clear)
        .await
    {
        Ok(hash) => Ok(Some(hash)),
        Err(HashError::TooLong) => Err(ApiError::bad_request(
            "With bcrypt a password has at most 72 bytes.",
        )),
        Err(other) => Err(other.into()),
    }
}

async fn write(project: &Project, prepared: &Prepared) -> Result<(Identity, Vec<Credential>)> {
    let id = prepared.identity.id;
    let mut tx = project.begin().await?;
    match prepared.insert(&mut tx).await {
        Ok(()) => {}
        Err(InsertError::Conflict(conflict)) => return Err(conflict_error(conflict)),
        Err(InsertError::Fault(fault)) => return Err(fault.into()),
    }
    let credentials = credential_store::of_identities(&mut tx, &[id]).await?;
    tx.commit().await?;
    Ok((
        prepared.identity.clone(),
        credentials.into_iter().map(|(_, c)| c).collect(),
    ))
}

fn conflict_error(conflict: Conflict) -> ApiError {
    let what = match conflict {
        Conflict::Identifier => "an identifier",
        Conflict::Address => "an address",
        Conflict::ExternalId => "the external_id",
    };
    ApiError::new(StatusCode::CONFLICT).because(format!(
        "Another identity of this project has {what} of this one already."
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    /// From what serde says of one that it does not know.
    fn keys<T: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
        let error = serde_json::from_value::<T>(json!({"?": 1})).unwrap_err();
        let said = error.to_string();
        said.split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_document_names_the_keys_that_are_read() {
        let document = crate::openapi();
        for (name, read) in [
            ("CreateIdentityBody", keys::<CreateIdentity>()),
            ("GivenAddress", keys::<GivenAddress>()),
            ("IdentityWithCredentialsPassword", keys::<GivenPassword>()),
            (
                "IdentityWithCredentialsPasswordConfig",
                keys::<PasswordImport>(),
            ),
        ] {
            let named = document["components"]["schemas"][name]["properties"].as_object();
            let named: BTreeSet<String> = named.unwrap().keys().cloned().collect();
            assert_eq!(named, read, "{name}");
        }
    }
}
