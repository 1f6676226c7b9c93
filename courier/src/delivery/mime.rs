//! A message as bytes for a relay (RFC 5322): plain text and HTML side by side, with a Message-ID that is
//! the same at every attempt.

use lettre::{
    Address,
    message::{
        Mailbox, Message, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use tenants::Project;

use super::error::DeliveryError;
use crate::{config::SmtpConfig, store::Stored};

/// Envelope and content.
pub(crate) struct MimeMessage {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
}

/// Write it. What cannot be written is the configuration's fault or this message's.
pub(super) fn write(
    project: &Project,
    message: &Stored,
    config: &SmtpConfig,
) -> Result<MimeMessage, DeliveryError> {
    let sender = config.from_address.as_deref().unwrap_or_default();
    let from: Address = sender
        .parse()
        .map_err(|_| DeliveryError::Relay("courier.smtp.from_address is no address".to_owned()))?;
    let to: Address = message
        .to
        .value
        .parse()
        .map_err(|_| DeliveryError::Refused("the recipient is no address".to_owned()))?;
    let name = config.from_name.as_deref().unwrap_or(project.name());
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    let id = format!("<{}@{}>", message.id, from.domain());
    let mut builder = Message::builder()
        .from(Mailbox::new(name, from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .subject(&message.content.subject)
        .date(message.created_at.into())
        .message_id(Some(id))
        .raw_header(header("Auto-Submitted", "auto-generated")?);
    for (name, value) in &config.headers {
        builder = builder.raw_header(header(name, value)?);
    }
    let plain = message.content.body.clone();
    let whole = match &message.content.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(plain, html.clone())),
        None => builder.singlepart(
            SinglePart::builder()
                .header(ContentType::TEXT_PLAIN)
                .body(plain),
        ),
    };
    let whole = whole
        .map_err(|error| DeliveryError::Refused(format!("the mail cannot be written: {error}")))?;
    Ok(MimeMessage {
        from,
        to,
        bytes: whole.formatted(),
    })
}

fn header(name: &str, value: &str) -> Result<HeaderValue, DeliveryError> {
    let wrong = || DeliveryError::Relay(format!("courier.smtp.headers: {name:?} cannot be sent"));
    if value.chars().any(char::is_control) {
        return Err(wrong());
    }
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| wrong())?;
    Ok(HeaderValue::new(name, value.to_owned()))
}
