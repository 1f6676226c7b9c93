//! The form in which a document is stored: each secret is `{"$sealed": "<base64>"}`, encrypted under
//! the project's data key and bound to the project and to its place in the document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::document::ConfigDoc;
use super::mask::{MASK, masked, replace_secrets};
use super::pointer::child;
use crate::secrets::{DataKey, UnsealError};

const SEALED: &str = "$sealed";

/// Why a stored document could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret at {pointer} cannot be read: {cause}")]
pub struct OpenError {
    /// Where it stands, by RFC 6901.
    pub pointer: String,
    /// What is wrong with it.
    pub cause: UnsealError,
}

impl ConfigDoc {
    /// The stored form of the document. `fresh` gives random nonces, a new one at each call.
    pub fn seal(&self, key: &DataKey, project: Uuid, mut fresh: impl FnMut() -> [u8; 24]) -> Value {
        replace_secrets(self.plain(), |pointer, secret| {
            let sealed = key.seal(
                &place(project, pointer),
                secret.to_string().as_bytes(),
                fresh(),
            );
            json!({ SEALED: STANDARD.encode(sealed) })
        })
    }

    /// Read a document that was accepted when it was written and stored by [`Self::seal`].
    pub fn open(stored: &Value, key: &DataKey, project: Uuid) -> Result<Self, OpenError> {
        let mut plain = stored.clone();
        unseal(&mut plain, "", key, project)?;
        Ok(Self::load(plain))
    }
}

/// A stored document as it may be shown: each secret is the mask, whether the schema of today still knows
/// its key or not.
pub fn masked_stored(stored: &Value) -> Value {
    let mut shown = stored.clone();
    cover(&mut shown);
    masked(&shown)
}

fn cover(value: &mut Value) {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key(SEALED) => {
            *value = Value::from(MASK);
        }
        Value::Object(members) => members.values_mut().for_each(cover),
        Value::Array(items) => items.iter_mut().for_each(cover),
        _ => {}
    }
}

/// By the marker and not by the schema, so that a key which a later schema drops stays readable.
fn unseal(value: &mut Value, pointer: &str, key: &DataKey, project: Uuid) -> Result<(), OpenError> {
    match value {
        Value::Object(members) => {
            if let (1, Some(Value::String(text))) = (members.len(), members.get(SEALED)) {
                let secret = read(text, pointer, key, project).map_err(|cause| OpenError {
                    pointer: pointer.to_owned(),
                    cause,
                })?;
                *value = secret;
                return Ok(());
            }
            members
                .iter_mut()
                .try_for_each(|(name, member)| unseal(member, &child(pointer, name), key, project))
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(at, item)| unseal(item, &format!("{pointer}/{at}"), key, project)),
        _ => Ok(()),
    }
}

fn read(text: &str, pointer: &str, key: &DataKey, project: Uuid) -> Result<Value, UnsealError> {
    let sealed = STANDARD.decode(text).map_err(|_| UnsealError::Malformed)?;
    let plain = key.open(&place(project, pointer), &sealed)?;
    serde_json::from_slice(&plain).map_err(|_| UnsealError::Malformed)
}

/// What a ciphertext is bound to.
fn place(project: Uuid, pointer: &str) -> Vec<u8> {
    format!("configuration\0{project}\0{pointer}").into_bytes()
}
