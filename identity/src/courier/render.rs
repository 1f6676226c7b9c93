//! From a [`Mail`] to the texts that are sent, in the commit that causes it: a template that fails, fails
//! the submission, not the night.

use serde_json::{Value, json};
use tenants::{Project, ids};

use super::{
    Mail,
    mail::Subject,
    store::{Content, Message},
};

/// Why nothing could be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The project's own template.
    #[error("the template {template} cannot be rendered: {why}")]
    Template {
        /// Which.
        template: &'static str,
        /// For whoever wrote it.
        why: String,
    },
}

/// Render subject, text and HTML. Reads the configuration alone; waits for nothing.
pub fn render(project: &Project, mail: &Mail) -> Result<Message, RenderError> {
    let data = variables(mail);
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    let lines = [
        text("verification_code"),
        text("recovery_code"),
        text("login_code"),
        text("registration_code"),
        text("verification_url"),
        text("recovery_url"),
    ];
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let content = Content {
        subject: project.name().to_owned(),
        body: lines.join("\n"),
        html: None,
        template_data: data,
        request_headers: mail.request_headers.clone(),
    };
    Ok(Message {
        id: ids::v4(),
        to: mail.to.clone(),
        template_type: mail.subject.template_type(),
        identity_id: mail.identity.as_ref().map(|identity| identity.id),
        content,
    })
}

/// The variables of a template by their JSON names (contract, admin 5.5).
fn variables(mail: &Mail) -> Value {
    let mut data = json!({"to": mail.to.value, "request_url": mail.request_url});
    let mut put = |name: &str, value: Value| data[name] = value;
    put(
        "transient_payload",
        mail.transient_payload.clone().unwrap_or(Value::Null),
    );
    if let Some(identity) = &mail.identity {
        put("identity", identity.view.clone());
    }
    let expires = match &mail.subject {
        Subject::RecoveryValid { url, expires_in } => {
            put("recovery_url", json!(url));
            Some(expires_in)
        }
        Subject::RecoveryCodeValid { code, expires_in } => {
            put("recovery_code", json!(code.as_str()));
            Some(expires_in)
        }
        Subject::VerificationValid { url, expires_in } => {
            put("verification_url", json!(url));
            Some(expires_in)
        }
        Subject::VerificationCodeValid {
            code,
            url,
            expires_in,
        } => {
            put("verification_code", json!(code.as_str()));
            put("verification_url", json!(url));
            Some(expires_in)
        }
        Subject::LoginCodeValid { code, expires_in } => {
            put("login_code", json!(code.as_str()));
            Some(expires_in)
        }
        Subject::RegistrationCodeValid {
            code,
            traits,
            expires_in,
        } => {
            put("registration_code", json!(code.as_str()));
            put("traits", traits.clone());
            Some(expires_in)
        }
        Subject::VerifiableAddressChanged { new_address } => {
            put("new_address", json!(new_address));
            None
        }
        Subject::RecoveryInvalid
        | Subject::RecoveryCodeInvalid
        | Subject::VerificationInvalid
        | Subject::VerificationCodeInvalid => None,
    };
    if let Some(expires_in) = expires {
        put("expires_in_minutes", json!(expires_in.as_secs() / 60));
    }
    data
}
