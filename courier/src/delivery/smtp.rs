//! SMTP on a connection that is open: signing in, envelope, message (RFC 5321, 4954, 6531).

use std::time::Duration;

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    commands::{Data, Ehlo, Mail, Rcpt},
    extension::{ClientId, Extension, MailParameter},
};
use tenants::Project;
use tokio::time::{Instant, timeout};

use super::{dial, error::DeliveryError, mime::MimeMessage};
use crate::{config::SmtpConfig, relay::Relay};

/// Then a relay may have lost patience, and is asked first.
const FRESH: Duration = Duration::from_secs(2);
const ASK_SECONDS_MAX: Duration = Duration::from_secs(3);
/// Many relays hang up after about as many.
const MESSAGES_MAX: u32 = 50;
/// Replies that mean our credentials, not this message (RFC 4954, 4.7 and 6). 454 is temporary, but concerns every
/// message: none is to blame.
const OF_CREDENTIALS: [u16; 5] = [454, 530, 534, 535, 538];
/// It is about to hang up, whatever was asked.
const CLOSING: u16 = 421;

/// A line to a relay that knows us.
pub(crate) struct Connection {
    smtp: AsyncSmtpConnection,
    messages: u32,
    used: Instant,
}

/// The first of those that `idle` yields which still answers, or a new one.
pub(super) async fn connect(
    project: &Project,
    relay: &Relay,
    config: &SmtpConfig,
    idle: impl Fn() -> Option<Connection>,
) -> Result<Connection, DeliveryError> {
    while let Some(mut connection) = idle() {
        if connection.used.elapsed() < FRESH || connection.answers().await {
            return Ok(connection);
        }
    }
    let line = dial::dial(project, relay, &config.local_name).await?;
    let hello = ClientId::Domain(config.local_name.clone());
    let smtp = AsyncSmtpConnection::connect_with_transport(line.stream, &hello).await;
    let mut smtp = smtp.map_err(|error| before_the_message(&error))?;
    if let Some((user, password)) = &relay.credentials {
        if !line.is_encrypted && !relay.is_local() {
            let why = "the relay offers no TLS, and the password is not sent in the clear";
            return Err(DeliveryError::Relay(why.to_owned()));
        }
        introduce(&mut smtp, hello, (user, password)).await?;
    }
    Ok(Connection {
        smtp,
        messages: 0,
        used: Instant::now(),
    })
}

/// As in Kratos, a relay that asks for no password gets none.
async fn introduce(
    smtp: &mut AsyncSmtpConnection,
    hello: ClientId,
    (user, password): (&str, &str),
) -> Result<(), DeliveryError> {
    let known = [Mechanism::Plain, Mechanism::Login];
    let info = smtp.server_info();
    if info.get_auth_mechanism(&known).is_none() {
        return asks_for_none(smtp, hello).await;
    }
    let credentials = Credentials::new(user.to_owned(), password.to_owned());
    let taken = smtp.auth(&known, &credentials).await;
    taken
        .map(drop)
        .map_err(|error| match error.status().map(u16::from) {
            Some(code) if code != CLOSING => {
                DeliveryError::Relay(format!("the relay does not accept our password: {error}"))
            }
            _ => before_the_message(&error),
        })
}

/// A relay that offers other ways to sign in does ask for a password; mail would reach it as a stranger's. lettre
/// keeps the ways that it knows alone, so the relay is asked once more.
async fn asks_for_none(
    smtp: &mut AsyncSmtpConnection,
    hello: ClientId,
) -> Result<(), DeliveryError> {
    let answer = smtp.command(Ehlo::new(hello)).await;
    let answer = answer.map_err(|error| before_the_message(&error))?;
    let ways = answer.message().find_map(|line| {
        let (word, ways) = line.split_once([' ', '='])?;
        word.eq_ignore_ascii_case("AUTH")
            .then(|| ways.trim().to_owned())
    });
    match ways {
        Some(ways) => Err(DeliveryError::Relay(format!(
            "the relay offers no way to sign in that is spoken here (PLAIN, LOGIN): it offers {ways}"
        ))),
        None => Ok(()),
    }
}

/// Refusals here are not about a message.
fn before_the_message(error: &Error) -> DeliveryError {
    if error.is_permanent() {
        return DeliveryError::Relay(format!("the relay refuses us: {error}"));
    }
    DeliveryError::Passing(format!("the relay cannot be used: {error}"))
}

impl Connection {
    async fn answers(&mut self) -> bool {
        timeout(ASK_SECONDS_MAX, self.smtp.test_connected())
            .await
            .unwrap_or(false)
    }
}

/// Hand a message over. Answers the connection when it can be used again.
pub(super) async fn send(
    mut connection: Connection,
    message: &MimeMessage,
) -> Result<Option<Connection>, DeliveryError> {
    let smtp = &mut connection.smtp;
    if let Err(error) = hand_over(smtp, message).await {
        // A relay that still listens is told.
        let _ = timeout(ASK_SECONDS_MAX, smtp.quit()).await;
        return Err(error);
    }
    connection.messages += 1;
    connection.used = Instant::now();
    if connection.messages >= MESSAGES_MAX {
        let _ = timeout(ASK_SECONDS_MAX, connection.smtp.quit()).await;
        return Ok(None);
    }
    Ok(Some(connection))
}

async fn hand_over(
    smtp: &mut AsyncSmtpConnection,
    message: &MimeMessage,
) -> Result<(), DeliveryError> {
    let mut options = Vec::new();
    let ascii = |address: &lettre::Address| AsRef::<str>::as_ref(address).is_ascii();
    if !(ascii(&message.from) && ascii(&message.to)) {
        if !smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
            let why = "the relay takes no addresses beyond ASCII (SMTPUTF8)";
            return Err(DeliveryError::Refused(why.to_owned()));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    let mail = Mail::new(Some(message.from.clone()), options);
    let taken = smtp.command(mail).await;
    taken.map_err(|error| before_the_message(&error))?;
    let to = Rcpt::new(message.to.clone(), Vec::new());
    smtp.command(to)
        .await
        .map_err(|error| of_the_message(&error))?;
    smtp.command(Data)
        .await
        .map_err(|error| of_the_message(&error))?;
    let taken = smtp.message(&message.bytes).await;
    taken.map(drop).map_err(|error| of_the_message(&error))
}

fn of_the_message(error: &Error) -> DeliveryError {
    let code = error.status().map(u16::from);
    if code.is_some_and(|code| OF_CREDENTIALS.contains(&code)) {
        return DeliveryError::Relay(format!("the relay wants us to sign in: {error}"));
    }
    if error.is_permanent() {
        return DeliveryError::Refused(format!("the relay refuses the message: {error}"));
    }
    DeliveryError::Passing(format!("the relay did not take the message: {error}"))
}
