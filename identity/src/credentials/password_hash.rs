//! Password hashes: argon2id and bcrypt as strings in their usual forms (docs/wire.md, W6.14 and W13.12), and
//! the pool that computes them. Does not know who the password belongs to, nor any policy for passwords.

mod pool;
mod scratch;
#[cfg(test)]
mod tests;

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use rand::TryRng;
use rand::rngs::SysRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use pool::HashPool;
use scratch::Scratch;

/// Ceilings for parameters, which may come out of a stored hash that an administrator wrote (docs/wire.md,
/// W13.12).
const ARGON2_MEMORY_KIB_MAX: u32 = 1 << 20;
const ARGON2_ITERATIONS_MAX: u32 = 10;
const ARGON2_PARALLELISM_MAX: u32 = 16;
const ARGON2_SALT_BYTES_MIN: usize = argon2::MIN_SALT_LEN;
const ARGON2_BYTES_MAX: usize = 256;
const BCRYPT_COST_MAX: u32 = 15;
const BCRYPT_COST_MIN: u32 = 4;
const BCRYPT_PASSWORD_BYTES_MAX: usize = 72;

/// Beyond these work is [`Weight::Heavy`]: what no project may configure, and argon2 of about a second.
const USUAL_MEMORY_KIB_MAX: u32 = 256 << 10;
const USUAL_ARGON2_WORK_KIB_MAX: u64 = 1 << 20;
const USUAL_BCRYPT_COST_MAX: u32 = 14;

/// Other implementations leave the spare bits of the last character set, so they are not looked at.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// How a project hashes new passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hasher {
    /// Argon2id, version 19.
    Argon2id {
        /// Memory in KiB, at most 1 GiB.
        memory_kib: u32,
        /// Passes over the memory, at most 10.
        iterations: u32,
        /// Lanes, at most 16.
        parallelism: u32,
        /// Salt in bytes, 8 to 256.
        salt_length: u32,
        /// Hash in bytes, 4 to 256.
        key_length: u32,
    },
    /// Bcrypt; passwords of at most 72 bytes.
    Bcrypt {
        /// Base-2 logarithm of the rounds, 4 to 15.
        cost: u32,
    },
}

impl Default for Hasher {
    fn default() -> Self {
        Self::Argon2id {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            salt_length: 16,
            key_length: 32,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HashError {
    /// Too many already wait, here or in this project.
    #[error("too much password work is waiting")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// Bcrypt would cut this password off: more than 72 bytes.
    #[error("the password is longer than 72 bytes")]
    TooLong,
    /// The stored hash is of no format known here, or its parameters are over the ceilings.
    #[error("unknown or refused format of a password hash")]
    Unsupported,
    /// Something else, which is ours: memory, randomness, a parameter of the hasher.
    #[error("password work failed: {0}")]
    Failed(String),
}

/// Whether a hash that just matched should be replaced: only when it is of another family than the hasher.
pub fn needs_rehash(hash: &str, hasher: &Hasher) -> bool {
    match hasher {
        Hasher::Argon2id { .. } => !hash.starts_with("$argon2id$"),
        Hasher::Bcrypt { .. } => strip_bcrypt(hash).is_none(),
    }
}

/// What stands behind `$2a$`, `$2b$`, `$2y$`, `$2z$` or `$2$`.
fn strip_bcrypt(hash: &str) -> Option<&str> {
    ["$2a$", "$2b$", "$2y$", "$2z$", "$2$"]
        .iter()
        .find_map(|prefix| hash.strip_prefix(prefix))
}

/// Can this hash be verified here? For hashes that come from elsewhere.
pub fn is_supported(hash: &str) -> bool {
    Stored::parse(hash).is_some()
}

/// Whose threads the work takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Usual,
    /// Mostly hashes that came from elsewhere: one of them takes as long as a thousand others.
    Heavy,
}

impl Weight {
    fn of_argon2(memory_kib: u32, iterations: u32) -> Self {
        let work_kib = u64::from(memory_kib) * u64::from(iterations);
        Self::heavy_if(memory_kib > USUAL_MEMORY_KIB_MAX || work_kib > USUAL_ARGON2_WORK_KIB_MAX)
    }

    fn of_bcrypt(cost: u32) -> Self {
        Self::heavy_if(cost > USUAL_BCRYPT_COST_MAX)
    }

    fn heavy_if(is_heavy: bool) -> Self {
        if is_heavy { Self::Heavy } else { Self::Usual }
    }
}

/// A hash taken apart.
#[derive(Debug)]
enum Stored {
    Argon2 {
        algorithm: Algorithm,
        params: Params,
        salt: Vec<u8>,
        key: Vec<u8>,
    },
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        key: [u8; 23],
    },
}

impl Stored {
    fn parse(hash: &str) -> Option<Self> {
        if let Some(rest) = strip_bcrypt(hash) {
            return Self::parse_bcrypt(rest);
        }
        if let Some(rest) = hash.strip_prefix("$argon2id$") {
            return Self::parse_argon2(Algorithm::Argon2id, rest);
        }
        Self::parse_argon2(Algorithm::Argon2i, hash.strip_prefix("$argon2i$")?)
    }

    fn parse_bcrypt(rest: &str) -> Option<Self> {
        let (cost, digest) = rest.split_once('$')?;
        if cost.len() != 2 || digest.len() != 53 || !digest.is_ascii() {
            return None;
        }
        let cost = cost
            .parse()
            .ok()
            .filter(|cost| (BCRYPT_COST_MIN..=BCRYPT_COST_MAX).contains(cost))?;
        let salt = BCRYPT_BASE64.decode(&digest[..22]).ok()?.try_into().ok()?;
        let key = BCRYPT_BASE64.decode(&digest[22..]).ok()?.try_into().ok()?;
        Some(Self::Bcrypt { cost, salt, key })
    }

    fn parse_argon2(algorithm: Algorithm, rest: &str) -> Option<Self> {
        let mut parts = rest.split('$');
        if parts.next()? != "v=19" {
            return None;
        }
        let mut numbers = parts.next()?.split(',');
        let mut number = |name| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
        let (memory, iterations, lanes) = (number("m=")?, number("t=")?, number("p=")?);
        if numbers.next().is_some() {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let key = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        if parts.next().is_some()
            || !(ARGON2_SALT_BYTES_MIN..=ARGON2_BYTES_MAX).contains(&salt.len())
        {
            return None;
        }
        let params = argon2_params(memory, iterations, lanes, key.len())?;
        Some(Self::Argon2 {
            algorithm,
            params,
            salt,
            key,
        })
    }

    /// The shape of a hash by this hasher which no password matches.
    fn nothing(hasher: Hasher) -> Result<Self, HashError> {
        match hasher {
            Hasher::Argon2id {
                salt_length,
                key_length,
                ..
            } => {
                let params = hasher.argon2_params()?;
                let key = vec![0; key_length as usize];
                Ok(Self::Argon2 {
                    algorithm: Algorithm::Argon2id,
                    params,
                    salt: vec![0; salt_length as usize],
                    key,
                })
            }
            Hasher::Bcrypt { cost } => Ok(Self::Bcrypt {
                cost: bcrypt_cost(cost)?,
                salt: [0; 16],
                key: [0; 23],
            }),
        }
    }

    fn weight(&self) -> Weight {
        match self {
            Self::Argon2 { params, .. } => Weight::of_argon2(params.m_cost(), params.t_cost()),
            Self::Bcrypt { cost, .. } => Weight::of_bcrypt(*cost),
        }
    }

    fn matches(&self, password: &str, scratch: &mut Scratch) -> Result<bool, HashError> {
        match self {
            Self::Argon2 {
                algorithm,
                params,
                salt,
                key,
            } => {
                let found = argon2_key((*algorithm, params), salt, password, scratch)?;
                Ok(found.ct_eq(key).into())
            }
            Self::Bcrypt { cost, salt, key } => match bcrypt_key(*cost, *salt, password) {
                Ok(found) => Ok(found.ct_eq(key).into()),
                Err(HashError::TooLong) => Ok(false),
                Err(error) => Err(error),
            },
        }
    }
}

impl Hasher {
    fn weight(self) -> Weight {
        match self {
            Self::Argon2id {
                memory_kib,
                iterations,
                ..
            } => Weight::of_argon2(memory_kib, iterations),
            Self::Bcrypt { cost } => Weight::of_bcrypt(cost),
        }
    }

    fn argon2_params(self) -> Result<Params, HashError> {
        let Self::Argon2id {
            memory_kib,
            iterations,
            parallelism,
            salt_length,
            key_length,
        } = self
        else {
            return Err(HashError::Failed("not an argon2 hasher".into()));
        };
        argon2_params(memory_kib, iterations, parallelism, key_length as usize)
            .filter(|_| {
                (ARGON2_SALT_BYTES_MIN..=ARGON2_BYTES_MAX).contains(&(salt_length as usize))
            })
            .ok_or_else(|| HashError::Failed("argon2 parameters out of range".into()))
    }

    /// A new hash with a new salt.
    fn hash(self, password: &str, scratch: &mut Scratch) -> Result<String, HashError> {
        match self {
            Self::Argon2id {
                memory_kib,
                iterations,
                parallelism,
                salt_length,
                ..
            } => {
                let params = self.argon2_params()?;
                let mut salt = vec![0; salt_length as usize];
                fill_random(&mut salt)?;
                let key = argon2_key((Algorithm::Argon2id, &params), &salt, password, scratch)?;
                let (salt, key) = (STANDARD_NO_PAD.encode(&salt), STANDARD_NO_PAD.encode(&*key));
                Ok(format!(
                    "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${key}"
                ))
            }
            Self::Bcrypt { cost } => {
                let cost = bcrypt_cost(cost)?;
                let mut salt = [0; 16];
                fill_random(&mut salt)?;
                let key = bcrypt_key(cost, salt, password)?;
                Ok(format!(
                    "$2a${cost:02}${}{}",
                    BCRYPT_BASE64.encode(salt),
                    BCRYPT_BASE64.encode(key)
                ))
            }
        }
    }
}

fn fill_random(salt: &mut [u8]) -> Result<(), HashError> {
    SysRng
        .try_fill_bytes(salt)
        .map_err(|error| HashError::Failed(error.to_string()))
}

fn argon2_params(memory_kib: u32, iterations: u32, lanes: u32, key_bytes: usize) -> Option<Params> {
    let within = memory_kib <= ARGON2_MEMORY_KIB_MAX
        && iterations <= ARGON2_ITERATIONS_MAX
        && lanes <= ARGON2_PARALLELISM_MAX
        && key_bytes <= ARGON2_BYTES_MAX;
    within
        .then(|| Params::new(memory_kib, iterations, lanes, Some(key_bytes)).ok())
        .flatten()
}

fn argon2_key(
    (algorithm, params): (Algorithm, &Params),
    salt: &[u8],
    password: &str,
    scratch: &mut Scratch,
) -> Result<Zeroizing<Vec<u8>>, HashError> {
    let mut key = Zeroizing::new(vec![
        0;
        params
            .output_len()
            .unwrap_or(Params::DEFAULT_OUTPUT_LEN)
    ]);
    let blocks = scratch
        .blocks(params.block_count())
        .ok_or_else(|| HashError::Failed("no memory".into()))?;
    let hashed = Argon2::new(algorithm, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut key, blocks);
    scratch.settle();
    hashed.map_err(|error| HashError::Failed(error.to_string()))?;
    Ok(key)
}

fn bcrypt_cost(cost: u32) -> Result<u32, HashError> {
    if (BCRYPT_COST_MIN..=BCRYPT_COST_MAX).contains(&cost) {
        return Ok(cost);
    }
    Err(HashError::Failed("bcrypt cost out of range".into()))
}

/// The key ends in a zero byte unless the password fills all 72 bytes; the last byte of the output is never kept.
fn bcrypt_key(cost: u32, salt: [u8; 16], password: &str) -> Result<[u8; 23], HashError> {
    if password.len() > BCRYPT_PASSWORD_BYTES_MAX {
        return Err(HashError::TooLong);
    }
    let mut input = Zeroizing::new([0; BCRYPT_PASSWORD_BYTES_MAX]);
    input[..password.len()].copy_from_slice(password.as_bytes());
    let used = (password.len() + 1).min(BCRYPT_PASSWORD_BYTES_MAX);
    let output = bcrypt::bcrypt(cost, salt, &input[..used]);
    let mut key = [0; 23];
    key.copy_from_slice(&output[..23]);
    Ok(key)
}
