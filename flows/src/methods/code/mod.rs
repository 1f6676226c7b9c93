//! The code method: a one-time code, sent to an address, proves that somebody reads it.

mod config;
mod form;
mod login;
mod recipient;
mod registration;
mod send;

pub use config::{CodeConfig, CodeFlags, CodeRules};
pub(crate) use login::{send_at_init, send_found};
pub(crate) use recipient::find;

use crate::{
    decision::{Halt, Refusal},
    ui::text,
};

/// Sign in and sign up with a code.
pub struct Code;

/// What `resend` has to be for another code.
const RESEND: &str = "code";

/// After the last try that a flow allows, the right code is refused too.
fn too_many_tries() -> Halt {
    let reason = "This code was tried too often. Please begin again.";
    Halt::refused(Refusal::form(text::generic(reason)))
}

/// Somebody was faster.
fn used_already() -> Halt {
    let reason = "This code was used already. Please ask for another one.";
    Halt::refused(Refusal::form(text::generic(reason)))
}

fn missing(field: &str) -> Halt {
    Halt::refused(Refusal::at(field, text::required(field)))
}
