//! The addresses of an account to choose from, not told in full.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use identity::{
    addresses, identities,
    schema::{Address, Via},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tenants::Fault;
use uuid::Uuid;

use crate::engine::cx::Cx;

/// An address to choose, not told in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// What the form sends.
    pub token: String,
    /// What it shows.
    pub masked: String,
    /// How it is reached.
    pub via: Via,
}

/// Enough of an address for its owner to know it: the first characters of the local part, or the ends of
/// a number. What is too short for that is shown.
pub(crate) fn masked(address: &str) -> String {
    let shown: Vec<char> = address.chars().collect();
    match address.rsplit_once('@') {
        Some((local, domain)) if local.chars().count() > 2 => {
            let start: String = local.chars().take(2).collect();
            format!("{start}****@{domain}")
        }
        None if shown.len() > 5 => {
            let start: String = shown[..3].iter().collect();
            let end: String = shown[shown.len() - 2..].iter().collect();
            format!("{start}****{end}")
        }
        _ => address.to_owned(),
    }
}

/// What stands for an address in the form that lets people choose.
pub(crate) fn token_of(address: &Address) -> String {
    STANDARD.encode(Sha256::digest(&address.value))
}

/// The addresses of the account that has that one; empty for an address that none has.
pub(crate) async fn addresses_of(cx: &Cx<'_>, address: &Address) -> Result<Vec<Choice>, Fault> {
    let mut tx = cx.project.begin().await?;
    let id = addresses::owner_of_recovery(&mut tx, address).await?;
    let owner = identities::store::get(&mut tx, id.unwrap_or(Uuid::nil())).await?;
    let all = owner.map(|owner| owner.recovery_addresses);
    let choice = |a: identities::RecoveryAddress| Choice {
        masked: masked(&a.value),
        via: a.via,
        token: token_of(&Address {
            via: a.via,
            value: a.value,
        }),
    };
    Ok(all.unwrap_or_default().into_iter().map(choice).collect())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_told_to_its_owner_alone() {
        for (address, shown) in [
            ("ada@example.org", "ad****@example.org"),
            ("ab@example.org", "ab@example.org"),
            ("jörg@example.org", "jö****@example.org"),
            ("+4915112345678", "+49****78"),
            ("+4915", "+4915"),
            ("", ""),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
