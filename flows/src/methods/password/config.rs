//! What the configuration says of passwords.

use identity::Hasher;
use serde::Deserialize;
use tenants::{Section, config::units};

/// `selfservice.methods.password`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct PasswordConfig {
    /// May passwords be used?
    pub enabled: bool,
    /// What makes a good one.
    pub config: PolicyConfig,
}

impl Section for PasswordConfig {
    const POINTER: &'static str = "/selfservice/methods/password";
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            config: PolicyConfig::default(),
        }
    }
}

/// `selfservice.methods.password.config`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct PolicyConfig {
    /// In bytes.
    pub min_password_length: usize,
    /// Refuse what is close to an identifier.
    pub identifier_similarity_check_enabled: bool,
    /// Ask a service whether the password was seen in a breach.
    pub haveibeenpwned_enabled: bool,
    /// Its host, which answers `/range/{prefix}` over HTTPS.
    pub haveibeenpwned_host: String,
    /// So often it may have been seen.
    pub max_breaches: u64,
    /// Accept the password when the service does not answer.
    pub ignore_network_errors: bool,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            min_password_length: 8,
            identifier_similarity_check_enabled: true,
            haveibeenpwned_enabled: true,
            haveibeenpwned_host: "api.pwnedpasswords.com".to_owned(),
            max_breaches: 0,
            ignore_network_errors: true,
        }
    }
}

/// `hashers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HasherConfig {
    algorithm: Algorithm,
    argon2: Argon2Config,
    bcrypt: BcryptConfig,
}

impl Section for HasherConfig {
    const POINTER: &'static str = "/hashers";
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Algorithm {
    #[default]
    Argon2,
    Bcrypt,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Argon2Config {
    #[serde(with = "units::bytesize")]
    memory: u64,
    iterations: u32,
    parallelism: u32,
    salt_length: u32,
    key_length: u32,
}

impl Default for Argon2Config {
    /// 19 MiB, 2 rounds, 1 lane (OWASP's first choice).
    fn default() -> Self {
        Self {
            memory: 19_456 << 10,
            iterations: 2,
            parallelism: 1,
            salt_length: 16,
            key_length: 32,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct BcryptConfig {
    cost: u32,
}

impl Default for BcryptConfig {
    fn default() -> Self {
        Self { cost: 12 }
    }
}

impl HasherConfig {
    /// How new passwords are hashed.
    pub fn hasher(&self) -> Hasher {
        match self.algorithm {
            Algorithm::Argon2 => Hasher::Argon2id {
                memory_kib: u32::try_from(self.argon2.memory >> 10).unwrap_or(u32::MAX),
                iterations: self.argon2.iterations,
                parallelism: self.argon2.parallelism,
                salt_length: self.argon2.salt_length,
                key_length: self.argon2.key_length,
            },
            Algorithm::Bcrypt => Hasher::Bcrypt {
                cost: self.bcrypt.cost,
            },
        }
    }
}
