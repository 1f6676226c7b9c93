//! The fields that every screen which waits for a code has in common.

use crate::ui::{self, Autocomplete, Group, InputNode, Message, Ui, text};

/// The code, a way on and a way to another code. The method stands twice: once hidden, for a form
/// that is sent without its buttons.
pub(super) fn wait_for_code(ui: &mut Ui, label: Message) {
    ui.push(ui::hidden("method", super::ID).group(Group::Code))
        .push(
            ui::text_input("code")
                .group(Group::Code)
                .required()
                .autocomplete(Autocomplete::OneTimeCode)
                .label(label),
        )
        .push(
            ui::submit("method", super::ID)
                .group(Group::Code)
                .label(text::continue_label()),
        )
        .push(
            ui::submit("resend", super::RESEND)
                .group(Group::Code)
                .label(text::resend_label()),
        );
}

/// Where a recovery code is typed.
pub(super) fn recovery_code() -> InputNode {
    ui::text_input("code")
        .group(Group::Code)
        .required()
        .pattern("[0-9]+")
        .maxlength(6)
        .autocomplete(Autocomplete::OneTimeCode)
        .label(text::recovery_code_label())
}
