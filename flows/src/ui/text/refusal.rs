//! Complaints with an id of their own: 4,000,000 to 5,999,999. Those that share one are in [`super::reason`].

use serde_json::Value;

use super::{Message, Moment, error, plain};

/// Of a typed value in a complaint.
const REPEATED_BYTES_MAX: usize = 1024;

plain! {
    // what was entered
    wrong_credentials = error 4_000_006 "These credentials are not right. Please check your spelling.";
    identifier_taken = error 4_000_007 "An account with this identifier exists already.";
    wrong_totp = error 4_000_008 "This authenticator code is wrong. Please try again.";
    no_identifier = error 4_000_009 "Nothing you entered could be used to sign in later.";
    address_not_verified = error 4_000_010 "This account is not active yet. Please verify your email address first.";
    no_totp_device = error 4_000_011 "No authenticator app is set up.";
    backup_code_spent = error 4_000_012 "This backup code was used before.";
    no_webauthn_device = error 4_000_013 "No security key is set up.";
    no_backup_codes = error 4_000_014 "No backup codes are set up.";
    no_security_key_account = error 4_000_015 "There is no such account, or it has no security key.";
    wrong_backup_code = error 4_000_016 "This backup code is wrong.";
    duplicate_on_link = error 4_000_027 "An account with this sign-in exists already. Please sign in to it.";
    constant_mismatch = error 4_000_030 "This is not the expected value.";
    password_too_similar = error 4_000_031 "This password is too close to your identifier.";
    no_code_account = error 4_000_035 "There is no such account, or it does not sign in with codes.";
    traits_changed = error 4_000_036 "What you entered has changed since the code was sent.";
    no_account = error 4_000_037 "There is no such account, or it has no way to sign in.";
    password_unchanged = error 4_000_039 "The new password is the old one.";
    wrong_assertion = error 4_000_043 "This security key or passkey could not be confirmed. Please try again.";
    // login
    no_login_strategy = error 4_010_002 "No way to sign in was chosen. Please check the form.";
    no_registration_strategy = error 4_010_003 "No way to sign up was chosen. Please check the form.";
    no_settings_strategy = error 4_010_004 "Nothing to change was chosen. Please check the form.";
    no_recovery_strategy = error 4_010_005 "No way to recover the account was chosen. Please check the form.";
    no_verification_strategy = error 4_010_006 "No way to verify was chosen. Please check the form.";
    login_completed = error 4_010_007 "This sign-in is finished already.";
    wrong_login_code = error 4_010_008 "This code is wrong or was used before. Please try again.";
    link_mismatch = error 4_010_009 "This sign-in does not belong to the account to be linked.";
    address_unknown = error 4_010_010 "This address does not belong to the account.";
    account_disabled = error 4_010_011 "This account is disabled.";
    // registration, settings
    registration_completed = error 4_040_002 "This sign-up is finished already.";
    wrong_registration_code = error 4_040_003 "This code is wrong or was used before. Please try again.";
    one_address_at_a_time = error 4_050_002 "Please change one address at a time.";
    // recovery, verification
    recovery_completed = error 4_060_001 "This recovery is finished already. Please start again.";
    recovery_failed = error 4_060_002 "This recovery has failed. Please start again.";
    wrong_recovery_link = error 4_060_004 "This recovery link is wrong or was used before. Please start again.";
    wrong_recovery_code = error 4_060_006 "This recovery code is wrong or was used before. Please try again.";
    wrong_verification_link = error 4_070_001 "This verification link is wrong or was used before. Please start again.";
    verification_completed = error 4_070_002 "This verification is finished already.";
    verification_failed = error 4_070_003 "This verification has failed. Please start again.";
    wrong_verification_code = error 4_070_006 "This verification code is wrong or was used before. Please try again.";
    // ours alone
    account_not_confirmed = error 4_900_001 "This is not what was to be typed. Nothing was deleted.";
    // ours
    no_method = error 5_000_002 "No way to sign in is available.";
}

/// 4000002: a property is missing.
pub fn required(property: &str) -> Message {
    error(4_000_002, format!("{property} is missing.")).with("property", property)
}

/// 4000003: too short, in characters.
pub fn too_short(min_length: u64, actual_length: u64) -> Message {
    error(
        4_000_003,
        format!("At least {min_length} characters, please; these are {actual_length}."),
    )
    .with("min_length", min_length)
    .with("actual_length", actual_length)
}

/// 4000017: too long, in characters.
pub fn too_long(max_length: u64, actual_length: u64) -> Message {
    error(
        4_000_017,
        format!("At most {max_length} characters, please; these are {actual_length}."),
    )
    .with("max_length", max_length)
    .with("actual_length", actual_length)
}

/// 4000004: does not match a regular expression.
pub fn pattern_mismatch(pattern: &str) -> Message {
    error(
        4_000_004,
        format!("This does not match the pattern \"{pattern}\"."),
    )
    .with("pattern", pattern)
}

/// 4000018: must be at least `minimum`.
pub fn below_minimum(minimum: &Value, actual: &Value) -> Message {
    limit(4_000_018, "at least", "minimum", minimum, actual)
}

/// 4000019: must be more than `minimum`.
pub fn not_above(minimum: &Value, actual: &Value) -> Message {
    limit(4_000_019, "more than", "minimum", minimum, actual)
}

/// 4000020: must be at most `maximum`.
pub fn above_maximum(maximum: &Value, actual: &Value) -> Message {
    limit(4_000_020, "at most", "maximum", maximum, actual)
}

/// 4000021: must be less than `maximum`.
pub fn not_below(maximum: &Value, actual: &Value) -> Message {
    limit(4_000_021, "less than", "maximum", maximum, actual)
}

fn limit(id: u32, relation: &str, key: &str, limit: &Value, actual: &Value) -> Message {
    error(
        id,
        format!("This must be {relation} {limit}, but is {actual}."),
    )
    .with(key, limit.clone())
    .with("actual", actual.clone())
}

/// 4000022: must be a multiple of `base`.
pub fn not_multiple(base: &Value, actual: &Value) -> Message {
    error(4_000_022, format!("{actual} is not a multiple of {base}."))
        .with("base", base.clone())
        .with("actual", actual.clone())
}

/// 4000023: too many items.
pub fn too_many_items(max_items: u64, actual_items: u64) -> Message {
    error(
        4_000_023,
        format!("At most {max_items} entries, please; these are {actual_items}."),
    )
    .with("max_items", max_items)
    .with("actual_items", actual_items)
}

/// 4000024: too few items.
pub fn too_few_items(min_items: u64, actual_items: u64) -> Message {
    error(
        4_000_024,
        format!("At least {min_items} entries, please; these are {actual_items}."),
    )
    .with("min_items", min_items)
    .with("actual_items", actual_items)
}

/// 4000025: two items, counted from 0, are equal.
pub fn items_not_unique(index_a: u64, index_b: u64) -> Message {
    error(
        4_000_025,
        format!("The entries {index_a} and {index_b} are the same."),
    )
    .with("index_a", index_a)
    .with("index_b", index_b)
}

/// 4000026: of another JSON type than allowed.
pub fn wrong_type(allowed_types: &[String], actual_type: &str) -> Message {
    error(
        4_000_026,
        format!(
            "Expected {}, but got {actual_type}.",
            allowed_types.join(" or ")
        ),
    )
    .with("allowed_types", allowed_types)
    .with("actual_type", actual_type)
}

/// What message 4000028 tells of the account that already owns an identifier.
#[derive(Debug, Clone, Copy)]
pub struct LoginHint<'a> {
    /// Credential types it can sign in with.
    pub credential_types: &'a [String],
    /// Ids of the providers it can sign in with.
    pub providers: &'a [String],
    /// The identifier it signs in with.
    pub identifier: &'a str,
}

/// 4000028: the identifier is taken; how to sign in instead.
pub fn identifier_taken_hint(hint: LoginHint<'_>) -> Message {
    let ways: Vec<&str> = hint
        .credential_types
        .iter()
        .chain(hint.providers)
        .map(String::as_str)
        .collect();
    let text = match ways.as_slice() {
        [] => format!("An account with {} exists already.", hint.identifier),
        ways => format!(
            "An account with {} exists already. You can sign in to it with: {}.",
            hint.identifier,
            ways.join(", ")
        ),
    };
    error(4_000_028, text)
        .with("available_credential_types", hint.credential_types)
        .with("available_oidc_providers", hint.providers)
        .with("credential_identifier_hint", hint.identifier)
}

/// 4000029: must be exactly `expected`.
pub fn not_the_constant(expected: &Value) -> Message {
    error(4_000_029, format!("This must be {expected}.")).with("expected", expected.clone())
}

/// 4000032: the password is too short, in bytes.
pub fn password_too_short(min_length: u64, actual_length: u64) -> Message {
    error(
        4_000_032,
        format!("A password needs at least {min_length} characters; this has {actual_length}."),
    )
    .with("min_length", min_length)
    .with("actual_length", actual_length)
}

/// 4000033: the password is too long, in bytes.
pub fn password_too_long(max_length: u64, actual_length: u64) -> Message {
    error(
        4_000_033,
        format!("A password can have at most {max_length} characters; this has {actual_length}."),
    )
    .with("max_length", max_length)
    .with("actual_length", actual_length)
}

/// 4000034: the password was found in stolen data this many times.
pub fn password_breached(breaches: u64) -> Message {
    error(
        4_000_034,
        "This password was found in stolen data. Please choose another one.",
    )
    .with("breaches", breaches)
}

/// What was typed, as a complaint repeats it: forms store that.
fn repeated(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > REPEATED_BYTES_MAX => {
            let end = text.floor_char_boundary(REPEATED_BYTES_MAX);
            format!("{}…", &text[..end]).into()
        }
        other => other.clone(),
    }
}

/// 4000040: not a valid e-mail address.
pub fn invalid_email(value: &Value) -> Message {
    let value = repeated(value);
    error(4_000_040, format!("{value} is not a valid email address.")).with("value", value)
}

/// 4000041: not a valid phone number.
pub fn invalid_phone(value: &Value) -> Message {
    let value = repeated(value);
    error(4_000_041, format!("{value} is not a valid phone number.")).with("value", value)
}

/// 4010001: the login flow has expired.
pub fn login_expired(expired_at: impl Into<Moment>) -> Message {
    error(4_010_001, "This sign-in took too long. Please try again.")
        .at("expired_at", expired_at.into())
}

/// 4040001: the registration flow has expired.
pub fn registration_expired(expired_at: impl Into<Moment>) -> Message {
    error(4_040_001, "This sign-up took too long. Please try again.")
        .at("expired_at", expired_at.into())
}

/// 4050001: the settings flow has expired.
pub fn settings_expired(expired_at: impl Into<Moment>) -> Message {
    error(4_050_001, "This change took too long. Please try again.")
        .at("expired_at", expired_at.into())
}

/// 4060005: the recovery flow has expired.
pub fn recovery_expired(expired_at: impl Into<Moment>) -> Message {
    error(
        4_060_005,
        "This recovery took too long. Please start again.",
    )
    .at("expired_at", expired_at.into())
}

/// 4070005: the verification flow has expired.
pub fn verification_expired(expired_at: impl Into<Moment>) -> Message {
    error(
        4_070_005,
        "This verification took too long. Please start again.",
    )
    .at("expired_at", expired_at.into())
}

/// 5000001: we failed; `reason` says how much the person may know.
pub fn system_error(reason: &str) -> Message {
    error(
        5_000_001,
        format!("Something went wrong on our side: {reason}"),
    )
    .with("reason", reason)
}
