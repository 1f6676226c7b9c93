//! Master keys and data keys: what is secret at rest is sealed here, and only here.
//!
//! Sealed bytes are `version (1) | key id (4) | nonce (24) | XChaCha20-Poly1305 ciphertext and tag`;
//! everything before the nonce is authenticated together with the caller's `aad`.
//! This file knows neither the database nor a source of chance: nonces and fresh keys are handed in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

const KEY_LEN: usize = 32;
const ID_LEN: usize = 4;
const NONCE_LEN: usize = 24;
const HEADER_LEN: usize = 1 + ID_LEN;
/// First byte of what a master key wrapped.
const WRAPPED: u8 = 1;
/// First byte of what a data key sealed; differs so that one can never stand for the other.
const SEALED: u8 = 2;

/// How to make a key, for messages about missing or broken ones.
pub const HOW_TO_MAKE_A_KEY: &str = "make one with: openssl rand -base64 32 | tr '+/' '-_'";

/// Why `INSULA_SECRETS` was not accepted. No message repeats any part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Nothing but spaces and commas.
    #[error("INSULA_SECRETS holds no key; {HOW_TO_MAKE_A_KEY}")]
    Empty,
    /// The entry (counted from 1) is not base64url.
    #[error(
        "INSULA_SECRETS: entry {entry} is not base64url (A-Z a-z 0-9 - _); {HOW_TO_MAKE_A_KEY}"
    )]
    Encoding {
        /// Which entry, counted from 1.
        entry: usize,
    },
    /// The entry (counted from 1) does not hold 32 bytes.
    #[error("INSULA_SECRETS: entry {entry} holds {bytes} bytes instead of 32; {HOW_TO_MAKE_A_KEY}")]
    Length {
        /// Which entry, counted from 1.
        entry: usize,
        /// How many bytes it decodes to.
        bytes: usize,
    },
    /// Two entries are the same key, or share their id.
    #[error("INSULA_SECRETS: entry {entry} repeats entry {first}; remove one of them")]
    Repeated {
        /// The later entry, counted from 1.
        entry: usize,
        /// The earlier one.
        first: usize,
    },
}

/// Why sealed bytes could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Too short, or of a version or kind unknown here.
    #[error("the sealed value is malformed")]
    Malformed,
    /// It was sealed under a key that is not at hand.
    #[error("the sealed value needs the key {id}, which is not among the keys given")]
    UnknownKey {
        /// Id of the missing key.
        id: String,
    },
    /// The tag does not fit: the value, or what it belongs to, was changed.
    #[error("the sealed value does not authenticate")]
    Tampered,
}

/// One key and the id its ciphertexts carry: the first 4 bytes of the key's SHA-256.
#[derive(ZeroizeOnDrop)]
struct Key {
    bytes: [u8; KEY_LEN],
    #[zeroize(skip)]
    id: [u8; ID_LEN],
}

impl Key {
    fn new(bytes: [u8; KEY_LEN]) -> Self {
        let digest = Sha256::digest(bytes);
        Self {
            bytes,
            id: [digest[0], digest[1], digest[2], digest[3]],
        }
    }

    fn seal(&self, version: u8, aad: &[u8], plain: &[u8], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let header = [version, self.id[0], self.id[1], self.id[2], self.id[3]];
        let bound = [&header[..], aad].concat();
        let body = XChaCha20Poly1305::new(&self.bytes.into())
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: &bound,
                },
            )
            .expect("XChaCha20-Poly1305 refuses only messages beyond 256 GB");
        [&header[..], &nonce, &body].concat()
    }

    fn open(&self, aad: &[u8], sealed: &Parts<'_>) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let bound = [sealed.header, aad].concat();
        XChaCha20Poly1305::new(&self.bytes.into())
            .decrypt(
                &XNonce::from(sealed.nonce),
                Payload {
                    msg: sealed.body,
                    aad: &bound,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| UnsealError::Tampered)
    }
}

/// Sealed bytes, taken apart.
struct Parts<'a> {
    header: &'a [u8],
    nonce: [u8; NONCE_LEN],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Option<Self> {
        let (header, rest) = sealed.split_at_checked(HEADER_LEN)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        matches!(header[0], WRAPPED | SEALED).then_some(Self {
            header,
            nonce: *nonce,
            body,
        })
    }

    fn expect(sealed: &'a [u8], version: u8) -> Result<Self, UnsealError> {
        Self::of(sealed)
            .filter(|parts| parts.header[0] == version)
            .ok_or(UnsealError::Malformed)
    }

    fn id(&self) -> &[u8] {
        &self.header[1..]
    }
}

/// The installation's master keys: the first wraps, all unwrap.
pub struct MasterKeys {
    keys: Vec<Key>,
    /// Hex ids, in the order of `keys`.
    ids: Vec<String>,
}

impl MasterKeys {
    /// Parse `INSULA_SECRETS`: 32-byte keys in base64url (padding optional), separated by commas.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut keys: Vec<Key> = Vec::new();
        let mut entries = text.trim().split(',').map(str::trim).collect::<Vec<_>>();
        // A trailing comma is no entry; an empty one between two commas is a mistake worth telling.
        if entries.last().is_some_and(|last| last.is_empty()) {
            entries.pop();
        }
        for (at, entry) in entries.into_iter().enumerate() {
            let key = Key::new(decode(entry, at + 1)?);
            if let Some(first) = keys.iter().position(|known| known.id == key.id) {
                return Err(MasterKeyError::Repeated {
                    entry: at + 1,
                    first: first + 1,
                });
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(MasterKeyError::Empty);
        }
        let ids = keys.iter().map(|key| hex::encode(key.id)).collect();
        Ok(Self { keys, ids })
    }

    /// Encrypt `plain` under the first key. `nonce` is fresh random; `aad` says what the value belongs
    /// to and must be given again to [`Self::unwrap`].
    pub fn wrap(&self, aad: &[u8], plain: &[u8], nonce: [u8; 24]) -> Vec<u8> {
        self.keys[0].seal(WRAPPED, aad, plain, nonce)
    }

    /// Decrypt what [`Self::wrap`] made, under whichever key it names.
    pub fn unwrap(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let parts = Parts::expect(sealed, WRAPPED)?;
        let key = self
            .keys
            .iter()
            .find(|key| key.id == parts.id())
            .ok_or_else(|| UnsealError::UnknownKey {
                id: hex::encode(parts.id()),
            })?;
        key.open(aad, &parts)
    }

    /// The id of the key that sealed these bytes, 8 hex characters; `None` when they are malformed.
    pub fn key_id_of(sealed: &[u8]) -> Option<String> {
        Parts::of(sealed).map(|parts| hex::encode(parts.id()))
    }

    /// The id of the key that encrypts.
    pub fn primary_id(&self) -> &str {
        &self.ids[0]
    }

    /// The ids of all keys, the primary first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKeys")
            .field("ids", &self.ids)
            .finish_non_exhaustive()
    }
}

fn decode(entry: &str, at: usize) -> Result<[u8; KEY_LEN], MasterKeyError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(entry.trim_end_matches('='))
        .map(Zeroizing::new)
        .map_err(|_| MasterKeyError::Encoding { entry: at })?;
    <[u8; KEY_LEN]>::try_from(bytes.as_slice()).map_err(|_| MasterKeyError::Length {
        entry: at,
        bytes: bytes.len(),
    })
}

/// A project's own random key, from which its other keys derive and under which its secrets rest.
/// It is stored only wrapped by a master key.
#[derive(ZeroizeOnDrop)]
pub struct DataKey {
    bytes: [u8; KEY_LEN],
    /// Seals; derived once, so that the key itself never encrypts.
    seal: Key,
}

impl DataKey {
    /// Take 32 fresh random bytes, or those unwrapped from storage.
    pub fn new(bytes: [u8; 32]) -> Self {
        let mut seal = expand(&bytes, "insula seal v1");
        let key = Self {
            bytes,
            seal: Key::new(seal),
        };
        seal.zeroize();
        key
    }

    /// The form in which the key is stored: wrapped by the first master key.
    pub fn wrap(&self, master: &MasterKeys, aad: &[u8], nonce: [u8; 24]) -> Vec<u8> {
        master.wrap(aad, &self.bytes, nonce)
    }

    /// Read a key stored by [`Self::wrap`].
    pub fn unwrap(master: &MasterKeys, aad: &[u8], wrapped: &[u8]) -> Result<Self, UnsealError> {
        let plain = master.unwrap(aad, wrapped)?;
        let bytes = plain
            .as_slice()
            .try_into()
            .map_err(|_| UnsealError::Malformed)?;
        Ok(Self::new(bytes))
    }

    /// A key for one purpose, by HKDF-SHA256; `label` names the purpose and its version.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        expand(&self.bytes, label)
    }

    /// Encrypt a secret of the project. `nonce` is fresh random; `aad` says where the secret lives.
    pub fn seal(&self, aad: &[u8], plain: &[u8], nonce: [u8; 24]) -> Vec<u8> {
        self.seal.seal(SEALED, aad, plain, nonce)
    }

    /// Decrypt what [`Self::seal`] made, given the same `aad`.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let parts = Parts::expect(sealed, SEALED)?;
        if parts.id() != self.seal.id {
            return Err(UnsealError::UnknownKey {
                id: hex::encode(parts.id()),
            });
        }
        self.seal.open(aad, &parts)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey([REDACTED])")
    }
}

fn expand(key: &[u8; KEY_LEN], label: &str) -> [u8; KEY_LEN] {
    let mut out = [0; KEY_LEN];
    Hkdf::<Sha256>::new(None, key)
        .expand(label.as_bytes(), &mut out)
        .expect("32 bytes are within HKDF-SHA256's 8160");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "-_8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4";

    #[test]
    fn the_first_key_wraps_and_all_unwrap() {
        let old = MasterKeys::parse(A).unwrap();
        let both = MasterKeys::parse(&format!(" {B} , {A},")).unwrap();
        let wrapped = old.wrap(b"project", b"data", [7; 24]);

        assert_eq!(
            both.unwrap(b"project", &wrapped).unwrap().as_slice(),
            b"data"
        );
        assert_eq!(
            MasterKeys::key_id_of(&wrapped).as_deref(),
            Some(old.primary_id())
        );
        assert_eq!(
            both.ids().collect::<Vec<_>>(),
            [both.primary_id(), old.primary_id()]
        );

        let rewrapped = both.wrap(b"project", b"data", [8; 24]);
        let missing = UnsealError::UnknownKey {
            id: both.primary_id().to_owned(),
        };
        assert_eq!(old.unwrap(b"project", &rewrapped).unwrap_err(), missing);
    }

    #[test]
    fn a_key_id_is_the_head_of_its_sha256() {
        // SHA-256 of 32 zero bytes.
        assert_eq!(MasterKeys::parse(A).unwrap().primary_id(), "66687aad");
    }

    #[test]
    fn errors_name_the_entry_and_never_the_key() {
        let cases = [
            ("", MasterKeyError::Empty),
            (" , ", MasterKeyError::Length { entry: 1, bytes: 0 }),
            ("AAAA", MasterKeyError::Length { entry: 1, bytes: 3 }),
            (&format!("{A},+/8B"), MasterKeyError::Encoding { entry: 2 }),
            (
                &format!("{A},,{B}"),
                MasterKeyError::Length { entry: 2, bytes: 0 },
            ),
            (
                &format!("{A},{B},{A}"),
                MasterKeyError::Repeated { entry: 3, first: 1 },
            ),
        ];
        for (text, expected) in cases {
            let error = MasterKeys::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("AAAA"), "{error}");
        }
    }

    #[test]
    fn any_changed_byte_or_context_is_noticed() {
        let master = MasterKeys::parse(A).unwrap();
        let wrapped = master.wrap(b"one", b"data", [1; 24]);
        assert_eq!(
            master.unwrap(b"two", &wrapped).unwrap_err(),
            UnsealError::Tampered
        );
        for at in 0..wrapped.len() {
            let mut broken = wrapped.clone();
            broken[at] ^= 1;
            assert!(master.unwrap(b"one", &broken).is_err(), "byte {at}");
            assert!(
                master.unwrap(b"one", &wrapped[..at]).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn a_data_key_survives_wrapping_and_stays_apart_from_others() {
        let master = MasterKeys::parse(A).unwrap();
        let key = DataKey::new([3; 32]);
        let again = DataKey::unwrap(&master, b"p", &key.wrap(&master, b"p", [9; 24])).unwrap();
        let sealed = key.seal(b"/smtp", b"hunter2", [5; 24]);

        assert_eq!(
            again.open(b"/smtp", &sealed).unwrap().as_slice(),
            b"hunter2"
        );
        assert!(again.open(b"/other", &sealed).is_err());
        assert!(DataKey::new([4; 32]).open(b"/smtp", &sealed).is_err());
        assert_eq!(
            master.unwrap(b"/smtp", &sealed).unwrap_err(),
            UnsealError::Malformed
        );
        assert_eq!(key.derive("cookie"), again.derive("cookie"));
        assert_ne!(key.derive("cookie"), key.derive("hmac"));
        assert_eq!(format!("{key:?}"), "DataKey([REDACTED])");
    }
}
