//! The code method: a one-time code, sent to an address, proves that its owner reads it.

mod choice;
mod config;
mod fields;
mod form;
mod login;
mod prove;
mod recipient;
mod recovery;
mod registration;
mod send;
mod verification;

pub use config::{CodeConfig, CodeFlags, CodeRules};
pub(crate) use fields::{LoginFields, RecoveryFields, RegistrationFields, VerificationFields};

use identity::schema::Address;

use crate::{
    engine::{
        address_proof::{DeliveryMethod, SendSecret},
        cx::Cx,
        decision::{Halt, Refusal},
    },
    ui::{self, Group, InputNode, text},
};

/// Its `method`.
const ID: &str = DeliveryMethod::Code.as_str();

/// A code proves an identity, or that an address belongs to it.
pub struct Code;

/// The button that sends the form of a code.
fn go_on() -> InputNode {
    ui::submit("method", ID)
        .group(Group::Code)
        .label(text::continue_label())
}

/// What `resend` has to be for another code.
const RESEND: &str = "code";

/// After the last try that a flow allows, the right code is refused too.
fn too_many_tries() -> Halt {
    Halt::refused(Refusal::form(text::flow_tried_too_often()))
}

/// Another submission was faster.
fn used_already() -> Halt {
    Halt::refused(Refusal::form(text::code_used()))
}

/// The secret of a code that goes there.
fn secret<'a>(cx: &Cx<'_>, typed: &'a str, address: &'a Address) -> SendSecret<'a> {
    let rules = &cx.project.config::<CodeConfig>().config;
    SendSecret {
        typed,
        address,
        lifespan: rules.lifespan,
        tries_max: Some(rules.max_submissions),
    }
}

fn missing(field: &str) -> Halt {
    Halt::refused(Refusal::at(field, text::required(field)))
}
