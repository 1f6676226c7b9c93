//! The link method: following a link in a mail proves that its owner reads it.

mod config;
mod recovery;
mod verification;

pub use config::{LinkConfig, LinkRules};
pub(crate) use {recovery::RecoveryFields, verification::VerificationFields};

use identity::{addresses, schema::Address, schema::Via};
use serde_json::json;

use crate::{
    engine::{
        address_proof::{DeliveryMethod, SendSecret},
        cx::Cx,
        decision::{Error, Halt, Refusal},
    },
    ui::{self, Group, InputType, Ui, text},
};

/// Its `method`.
const ID: &str = DeliveryMethod::Link.as_str();

/// A link proves that an address belongs to an identity.
pub struct Link;

/// The one form of this method: an address, kept for sending again.
fn draw(address: &str, ui: &mut Ui) {
    let mut email = ui::input("email", InputType::Email)
        .group(Group::Link)
        .required()
        .label(text::email_label());
    if !address.is_empty() {
        email = email.value(address);
    }
    let send = ui::submit("method", ID).group(Group::Link);
    ui.push(email).push(send.label(text::continue_label()));
}

/// The address as typed and as stored.
fn address(cx: &Cx<'_>, typed: Option<String>) -> Result<(String, Address), Halt> {
    if !cx.project.config::<LinkConfig>().enabled {
        return Err(Error::MethodDisabled.into());
    }
    let refuse = |message| Halt::refused(Refusal::at("email", message));
    let typed = typed.ok_or_else(|| refuse(text::required("email")))?;
    let address = addresses::reachable(&typed).filter(|address| address.via == Via::Email);
    let address = address.ok_or_else(|| refuse(text::invalid_email(&json!(typed))))?;
    Ok((typed, address))
}

/// The secret of a link that goes there.
fn secret<'a>(cx: &Cx<'_>, typed: &'a str, address: &'a Address) -> SendSecret<'a> {
    SendSecret {
        typed,
        address,
        lifespan: cx.project.config::<LinkConfig>().config.lifespan,
        tries_max: None,
    }
}
