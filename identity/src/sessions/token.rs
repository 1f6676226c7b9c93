//! Session tokens, and the logout token that goes with one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tenants::{Project, ids};
use uuid::Uuid;

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new token: `ory_st_` and 32 of `[A-Za-z0-9]`, 190 bits.
pub fn mint() -> String {
    format!("ory_st_{}", ids::alphanumeric(32))
}

/// What is stored of a token. A plain hash suffices: the token is random, not chosen.
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token that a logout link of this session carries: derived, so that nothing is stored and the link
/// of one session is of no use for another.
pub fn logout_token(project: &Project, session_id: Uuid) -> String {
    let key = project.data_key().derive("logout token");
    let mac = Hmac::<Sha256>::new_from_slice(&key).map(|mac| {
        mac.chain_update(session_id.as_bytes())
            .finalize()
            .into_bytes()
    });
    // 32 characters of 62 possible, one byte each: the slight bias costs less than two of 190 bits.
    let characters = mac
        .into_iter()
        .flatten()
        .map(|byte| char::from(ALPHANUMERIC[usize::from(byte) % ALPHANUMERIC.len()]));
    format!("ory_lo_{}", characters.collect::<String>())
}

/// Is this the logout token of that session? In constant time.
pub fn is_logout_token(project: &Project, session_id: Uuid, token: &str) -> bool {
    logout_token(project, session_id)
        .as_bytes()
        .ct_eq(token.as_bytes())
        .into()
}
