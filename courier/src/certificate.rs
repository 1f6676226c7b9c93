//! Signing in to a relay without a password: a certificate and its key
//! (`insula.courier.client_certificate`).

use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use serde::Deserialize;

/// As it is configured: PEM. No `Debug`, because it holds a key.
#[derive(Clone, PartialEq, Deserialize)]
pub struct ClientCertificate {
    /// Our certificate first, then those that vouch for it.
    pub chain: String,
    /// Its private key.
    pub key: String,
}

impl ClientCertificate {
    /// Read, and found to belong together; otherwise which of the two is wrong, and how.
    pub(crate) fn read(&self) -> Result<CertifiedKey, (&'static str, &'static str)> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(self.chain.as_bytes()).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or(("chain", "holds no certificate in PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        let key = key.map_err(|_| ("key", "holds no private key in PEM"))?;
        let made = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        made.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => ("key", "is not the key of the certificate"),
            rustls::Error::InvalidCertificate(_) => ("chain", "does not begin with a certificate"),
            _ => ("key", "is of a kind that cannot be used"),
        })
    }
}
