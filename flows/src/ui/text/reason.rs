//! Messages that share an id: 4000001 stands for every refusal that Kratos has no id for, and 4000005 for
//! every password refused. Clients show `context.reason`, a sentence, so it stays one; they tell these
//! messages apart by `context.insula_reason`, which never changes. Each is said here alone.

use std::time::Duration;

use super::{Message, error};

/// What tells messages of one id apart.
const KEY: &str = "insula_reason";

/// Functions for the reasons without values: `name = "insula_reason" "text"`.
macro_rules! reasons {
    ($($name:ident = $reason:literal $text:literal;)*) => {
        $(
            #[doc = concat!("4000001, `", $reason, "`: ", $text)]
            pub fn $name() -> Message {
                generic($reason, $text)
            }
        )*

        /// All of this file, for the tests that compare them with each other and with the pages.
        #[cfg(test)]
        pub(super) fn every_reason() -> Vec<Message> {
            vec![
                $($name(),)*
                too_many(Duration::from_mins(2)),
                schema_violation("is none of them"),
                payload_too_long(16_384),
                unreadable_body("The request has no body."),
                password_unchecked(),
            ]
        }
    };
}

reasons! {
    // submissions
    nothing_submitted = "nothing_submitted" "Nothing was submitted. Please fill in the form.";
    origin_in_api_flow = "origin_in_api_flow" "This flow was begun for an API client, but the request has an Origin header, as browsers send it.";
    cookies_in_api_flow = "cookies_in_api_flow" "This flow was begun for an API client, but the request has cookies, as browsers send them.";
    return_to_not_allowed = "return_to_not_allowed" "The requested return URL is not allowed any more.";
    submitted_twice = "submitted_twice" "This was submitted twice; the first time it succeeded.";
    too_much_typed = "too_much_typed" "There is too much text in this form to be kept for its next step. Please shorten it.";
    // codes
    code_used = "code_used" "This code was used already. Please ask for another one.";
    code_tried_too_often = "code_tried_too_often" "A code was tried too often. Please ask for another one.";
    flow_tried_too_often = "flow_tried_too_often" "This code was tried too often. Please begin again.";
    address_not_offered = "address_not_offered" "This is none of the addresses to choose from.";
    // messages that have no way out
    mails_unavailable = "mails_unavailable" "Mails cannot be sent here at present.";
    text_messages_unavailable = "text_messages_unavailable" "Text messages cannot be sent here at present.";
    // login
    signed_in_already = "signed_in_already" "A session was found already; there is nothing to sign in to.";
    account_changed = "account_changed" "This account was changed at the same moment. Please try again.";
    expired_while_signed_in = "expired_while_signed_in" "The flow has expired; a session was found already.";
    // settings
    change_not_kept = "change_not_kept" "Your change was not kept. Please make it again.";
    schema_gone = "schema_gone" "What this account looks like is not configured any more.";
}

fn generic(reason: &str, text: &str) -> Message {
    error(4_000_001, text)
        .with("reason", text)
        .with(KEY, reason)
}

/// 4000001, `too_many_tries`: how long to wait, in seconds under `insula_wait_seconds` for those who do not
/// show the text.
pub fn too_many(wait: Duration) -> Message {
    let seconds = wait.as_secs().max(1);
    let wait = if seconds > 90 {
        format!("{} minutes", seconds.div_ceil(60))
    } else {
        format!("{seconds} seconds")
    };
    let text = format!("There were too many tries. Please wait {wait} before the next one.");
    generic("too_many_tries", &text).with("insula_wait_seconds", seconds)
}

/// 4000001, `schema_violation`: the schema's keyword has no id of its own; `detail` is the validator's.
pub fn schema_violation(detail: &str) -> Message {
    generic("schema_violation", detail)
}

/// 4000001, `payload_too_long`: more of `transient_payload` than a flow keeps.
pub fn payload_too_long(bytes_max: usize) -> Message {
    let text = format!("This is longer than {bytes_max} bytes.");
    generic("payload_too_long", &text)
}

/// 4000001, `unreadable_body`: `why` the submission could not be decoded.
pub fn unreadable_body(why: &str) -> Message {
    generic("unreadable_body", why)
}

/// 4000005, `password_unchecked`: the service that knows stolen passwords does not answer.
pub fn password_unchecked() -> Message {
    let reason = "Whether this password is known to attackers cannot be checked now.";
    error(4_000_005, format!("This password cannot be used: {reason}"))
        .with("reason", reason)
        .with(KEY, "password_unchecked")
}
