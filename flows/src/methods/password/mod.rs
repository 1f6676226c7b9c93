//! The password method.

mod breach;
mod config;
mod login;
pub mod policy;
mod registration;
mod settings;

pub use config::{HasherConfig, PasswordConfig};
pub(crate) use {login::LoginFields, registration::RegistrationFields, settings::SettingsFields};

use identity::credentials::CredentialKind;

use crate::ui::{self, Autocomplete, Group, Message, Ui, text};

/// Its `method`.
const ID: &str = CredentialKind::Password.as_str();

/// Sign in and sign up with an identifier and a password; change the password.
pub struct Password;

/// The field for a new password, and its button.
fn draw_new(ui: &mut Ui, label: Message) {
    ui.push(
        ui::password_input("password")
            .group(Group::Password)
            .required()
            .autocomplete(Autocomplete::NewPassword)
            .label(text::password_label()),
    )
    .push(ui::submit("method", ID).group(Group::Password).label(label));
}
