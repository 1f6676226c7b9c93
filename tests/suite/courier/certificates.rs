//! Relays that ask for a certificate in place of a password.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tenants::{ChangeError, ConfigUpdate, UpdateMode, config::MASK};
use tests::{
    Site, mail,
    relay::{Offer, Relay},
    story,
};

use super::{message, relayed, work_off};

/// An authority that vouches for other certificates.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Chain and key in PEM.
fn certificate(authority: &CertifiedIssuer<'static, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["mailer.example.com".to_owned()]).unwrap();
    let made = params.signed_by(&key, authority).unwrap();
    (made.pem(), key.serialize_pem())
}

fn configured(chain: &str, key: &str) -> Value {
    json!({"insula": {"courier": {"client_certificate": {"chain": chain, "key": key}}}})
}

#[story]
async fn a_relay_knows_us_by_our_certificate(site: Site) {
    let authority = authority();
    let (chain, key) = certificate(&authority);
    for offer in [Offer::Tls, Offer::StartTls] {
        let relay = Relay::asking_for(authority.der(), offer).await;
        let scheme = if offer == Offer::Tls { "smtps" } else { "smtp" };
        let uri = format!("{scheme}://{}/?skip_ssl_verify=true", relay.address);
        let known = relayed(&site, &uri, configured(&chain, &key)).await;
        let id = mail::enqueue(&known, "ada@example.org").await;
        work_off(&site, &known).await;
        let shown = message(&site, &known, id).await;
        assert_eq!(shown["status"], "sent", "{offer:?}: {shown}");
        let taken = relay.taken();
        let certificate = taken[0].certificate.as_ref().unwrap();
        let pem = rustls::pki_types::CertificateDer::from(certificate.to_vec());
        assert!(chain_holds(&chain, &pem), "{offer:?}");

        let unknown = relayed(&site, &uri, json!({})).await;
        let id = mail::enqueue(&unknown, "bob@example.org").await;
        work_off(&site, &unknown).await;
        let shown = message(&site, &unknown, id).await;
        assert_eq!(shown["status"], "queued", "{offer:?}: {shown}");
        assert_eq!(relay.taken().len(), 1);
    }
}

fn chain_holds(chain: &str, certificate: &rustls::pki_types::CertificateDer<'_>) -> bool {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::from_pem_slice(chain.as_bytes()).unwrap() == *certificate
}

#[story]
async fn what_does_not_belong_together_is_refused_and_keys_are_masked(site: Site) {
    let authority = authority();
    let ((chain, key), (_, other)) = (certificate(&authority), certificate(&authority));
    let (project, _) = site.project_with_key().await;
    let installation = site.world.installation();
    let actor = tenants::Actor("test".to_owned());
    let update = |config| ConfigUpdate {
        config,
        mode: UpdateMode::Merge,
        expected_revision: None,
        dry_run: false,
    };
    for (chain, key, pointer, why) in [
        ("none", &*key, "chain", "no certificate"),
        (&*chain, "none", "key", "no private key"),
        (&*chain, &*other, "key", "not the key of the certificate"),
        (&*key, &*key, "chain", "no certificate"),
    ] {
        let change = update(configured(chain, key));
        let refused = installation.update_config(&actor, &project, &change).await;
        let Err(ChangeError::Violations(found)) = refused else {
            panic!("{pointer}: {refused:?}");
        };
        let at = format!("/insula/courier/client_certificate/{pointer}");
        assert_eq!(found[0].pointer, at);
        assert!(found[0].message.contains(why), "{}", found[0].message);
    }
    let change = update(configured(&chain, &key));
    let updated = installation.update_config(&actor, &project, &change).await;
    let masked = updated.unwrap().project.document().masked();
    let shown = &masked["insula"]["courier"]["client_certificate"];
    assert_eq!(
        (&shown["chain"], &shown["key"]),
        (&json!(chain), &json!(MASK))
    );
}
