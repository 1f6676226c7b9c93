//! TLS to relays: 1.2 or newer, certificates checked as the system checks them, or not at all where the
//! configuration says so.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::error::DeliveryError;

type Made = Result<Arc<ClientConfig>, String>;

static STRICT: LazyLock<Made> = LazyLock::new(|| {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(|error| error.to_string())?;
    config(provider, Arc::new(verifier))
});

static BLIND: LazyLock<Made> = LazyLock::new(|| {
    let provider = Arc::new(aws_lc_rs::default_provider());
    config(Arc::clone(&provider), Arc::new(Blind(provider)))
});

/// The same, with our own certificate for relays that ask for one.
fn with_certificate(made: &ClientConfig, ours: Arc<CertifiedKey>) -> Arc<ClientConfig> {
    let mut config = made.clone();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(ours));
    // A session that was resumed would not ask.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn config(provider: Arc<CryptoProvider>, verifier: Arc<dyn ServerCertVerifier>) -> Made {
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Shake hands; the certificate must be for `name` when `verify`. `ours` is for relays that ask for one.
pub(super) async fn protect(
    stream: TcpStream,
    (name, verify): (&str, bool),
    ours: Option<Arc<CertifiedKey>>,
) -> Result<TlsStream<TcpStream>, DeliveryError> {
    let made = if verify { &*STRICT } else { &*BLIND };
    let config = made
        .as_ref()
        .map_err(|why| DeliveryError::Relay(format!("TLS cannot be set up here: {why}")))?;
    let config = match ours {
        Some(ours) => with_certificate(config, ours),
        None => Arc::clone(config),
    };
    let name = ServerName::try_from(name.to_owned()).map_err(|_| {
        DeliveryError::Relay("the relay's name cannot be in a certificate".to_owned())
    })?;
    let shaken = TlsConnector::from(config).connect(name, stream);
    shaken.await.map_err(|error| of_handshake(&error))
}

/// What a certificate or a protocol is to blame for lasts; a broken line does not.
fn of_handshake(error: &io::Error) -> DeliveryError {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref());
    match cause {
        Some(tls @ rustls::Error::InvalidCertificate(_)) => {
            DeliveryError::Relay(format!("the relay's certificate is not accepted: {tls}"))
        }
        Some(tls) => DeliveryError::Relay(format!("the relay's TLS does not work: {tls}")),
        None => DeliveryError::Passing(format!(
            "the connection broke during the TLS handshake: {error}"
        )),
    }
}

/// `skip_ssl_verify=true`: any server that answers is believed. Signatures are not checked either: they would prove
/// that the server holds the key of a certificate without an issuer to vouch for it, and checking them refuses the
/// X.509 v1 certificates that old relays made for themselves.
#[derive(Debug)]
struct Blind(Arc<CryptoProvider>);

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
