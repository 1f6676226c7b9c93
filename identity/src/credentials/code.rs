//! Code credentials: the addresses that a sign-in code may go to.

use serde_json::Value;
use tenants::{Fault, Tx};
use uuid::Uuid;

use crate::schema::{Address, Via};

/// An identity that signs in by code, found by one of its addresses.
#[derive(Clone, Debug)]
pub struct FoundCode {
    /// Whose it is.
    pub identity_id: Uuid,
    /// Where the code goes.
    pub address: Address,
}

/// Find a code credential by normalised identifier.
pub async fn find(tx: &mut Tx, identifier: &str) -> Result<Option<FoundCode>, Fault> {
    let row = sqlx::query!(
        "select c.identity_id, c.config
           from identifiers i join credentials c on c.identity_id = i.identity_id and c.kind = i.kind
          where i.kind = 'code' and i.value = $1",
        identifier
    );
    let Some(row) = row.fetch_optional(tx.conn()).await? else {
        return Ok(None);
    };
    let address = addresses(&row.config).find(|address| address.value == identifier);
    Ok(address.map(|address| FoundCode {
        identity_id: row.identity_id,
        address,
    }))
}

/// The addresses of an identity that a code may go to, sorted, and the revision of the credential that
/// holds them. Empty: it has none.
pub async fn addresses_of(
    tx: &mut Tx,
    identity_id: Uuid,
) -> Result<(Vec<Address>, Option<i32>), Fault> {
    let row = sqlx::query!(
        "select revision, config from credentials where identity_id = $1 and kind = 'code'",
        identity_id
    );
    let row = row.fetch_optional(tx.conn()).await?;
    let mut found: Vec<Address> = row.iter().flat_map(|row| addresses(&row.config)).collect();
    found.sort_unstable_by(|a, b| a.value.cmp(&b.value));
    Ok((found, row.map(|row| row.revision)))
}

fn addresses(config: &Value) -> impl Iterator<Item = Address> {
    let listed = config["addresses"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    listed.iter().filter_map(|entry| {
        Some(Address {
            via: entry["channel"].as_str()?.parse::<Via>().ok()?,
            value: entry["address"].as_str()?.to_owned(),
        })
    })
}
