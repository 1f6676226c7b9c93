//! Messages of every type to identities as the schemas describe them, for the dry run of a project's texts.

use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::built_in;
use crate::message::{IdentityView, OutgoingMessage, Template};
use identity::{
    Identity,
    factors::Factors,
    identities::{RecoveryAddress, State, VerifiableAddress},
    schema::{Address, Via},
    schemas::{ProjectSchema, Schemas},
};

const BASE: &str = "https://id.example.com/p/example";

/// One message of every type, by every channel, to one person.
pub(super) struct Recipient {
    /// What to add to a complaint.
    pub(super) who: String,
    pub(super) messages: Vec<OutgoingMessage>,
}

/// An identity with little in it, an unknown recipient, and an identity of each schema that the document names.
pub(super) fn recipients(document: &Value) -> Vec<Recipient> {
    let nobody = Recipient {
        who: ", for somebody who is not known".to_owned(),
        messages: messages(None),
    };
    let known = Schemas::named(document)
        .into_iter()
        .map(|schema| Recipient {
            who: format!(", for somebody of the schema `{}`", schema.id),
            messages: messages(Some(&somebody(&schema))),
        });
    let little = Recipient {
        who: String::new(),
        messages: samples(),
    };
    [little, nobody].into_iter().chain(known).collect()
}

/// To an identity with little in it.
pub(super) fn samples() -> Vec<OutgoingMessage> {
    messages(Some(&json!({
        "id": Uuid::nil(),
        "traits": {"email": "ada@example.org"},
        "metadata_public": null,
    })))
}

/// The view of an identity of this schema that has everything it can have.
fn somebody(schema: &ProjectSchema) -> Value {
    let (id, at) = (Uuid::nil(), DateTime::UNIX_EPOCH);
    let Address { via, value } = address(Via::Email);
    let identity = Identity {
        id,
        schema_id: schema.id.clone(),
        state: State::Active,
        state_changed_at: at,
        traits: schema.schema.sample(),
        metadata_public: Some(json!({})),
        metadata_admin: None,
        external_id: Some("1".to_owned()),
        organization_id: None,
        verifiable_addresses: vec![VerifiableAddress {
            id,
            value: value.clone(),
            verified: true,
            via,
            status: identity::identities::AddressStatus::Completed,
            verified_at: Some(at),
            created_at: at,
            updated_at: at,
        }],
        recovery_addresses: vec![RecoveryAddress {
            id,
            value,
            via,
            created_at: at,
            updated_at: at,
        }],
        factors: Factors::default(),
        created_at: at,
        updated_at: at,
    };
    identity.public_view(BASE)
}

fn address(via: Via) -> Address {
    let value = match via {
        Via::Sms => "+493011122233",
        Via::Email => "ada@example.org",
    };
    Address {
        via,
        value: value.to_owned(),
    }
}

fn messages(view: Option<&Value>) -> Vec<OutgoingMessage> {
    let message = |template: &Template, via: Via| OutgoingMessage {
        to: address(via),
        identity: view.map(|view| IdentityView {
            id: Uuid::nil(),
            view: view.clone(),
        }),
        template: template.clone(),
        request_url: format!("{BASE}/self-service/login/browser"),
        transient_payload: None,
        accept_language: None,
        request_headers: json!({}),
    };
    let traits = view.map_or_else(|| json!({}), |view| view["traits"].clone());
    templates(traits)
        .iter()
        .flat_map(|template| [message(template, Via::Email), message(template, Via::Sms)])
        .collect()
}

fn templates(traits: Value) -> Vec<Template> {
    let expires_in = Duration::from_mins(15);
    let code = || Zeroizing::new("123456".to_owned());
    let url = || format!("{BASE}/self-service/x?flow=1&token=abc");
    let templates = vec![
        Template::RecoveryValid {
            url: url(),
            expires_in,
        },
        Template::RecoveryInvalid,
        Template::RecoveryCodeValid {
            code: code(),
            expires_in,
        },
        Template::RecoveryCodeInvalid,
        Template::VerificationValid {
            url: url(),
            expires_in,
        },
        Template::VerificationInvalid,
        Template::VerificationCodeValid {
            code: code(),
            url: url(),
            expires_in,
        },
        Template::VerificationCodeInvalid,
        Template::LoginCodeValid {
            code: code(),
            expires_in,
        },
        Template::RegistrationCodeValid {
            code: code(),
            traits,
            expires_in,
        },
        Template::VerifiableAddressChanged {
            changed_at: DateTime::UNIX_EPOCH,
        },
    ];
    debug_assert_eq!(templates.len(), built_in::kinds().count());
    templates
}
