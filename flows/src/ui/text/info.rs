//! Labels, notices and good news: ids 1,000,000 to 1,999,999. Functions ending in `_label` name a
//! field or a button.

use serde_json::Value;

use super::{Message, Moment, info, plain, success};

plain! {
    // login
    refresh_submit_label = info 1_010_001 "Sign in";
    confirm_it_is_you = info 1_010_003 "Please confirm that it is you.";
    second_factor_wanted = info 1_010_004 "Please finish signing in with your second factor.";
    verify_label = info 1_010_005 "Verify";
    totp_login_code_label = info 1_010_006 "Authenticator code";
    backup_login_code_label = info 1_010_007 "Backup code";
    webauthn_login_label = info 1_010_008 "Sign in with hardware key";
    totp_login_label = info 1_010_009 "Use authenticator app";
    backup_login_label = info 1_010_010 "Use backup code";
    webauthn_go_on_label = info 1_010_011 "Continue with hardware key";
    prepare_security_key = info 1_010_012 "Have your security key at hand, then continue.";
    webauthn_continue_label = info 1_010_013 "Continue";
    login_code_sent = info 1_010_014 "If this address belongs to an account, a code is on its way to it.";
    send_login_code_label = info 1_010_015 "Send sign-in code";
    link_submit_label = info 1_010_017 "Sign in and link";
    request_code_label = info 1_010_019 "Request a code to continue";
    via_address_hint = info 1_010_020 "Enter the full address to receive a code there.";
    passkey_login_label = info 1_010_021 "Sign in with passkey";
    password_login_label = info 1_010_022 "Sign in with password";
    second_factor_code_sent = info 1_010_025 "A code is on its way to your address.";
    // registration
    sign_up_label = info 1_040_001 "Sign up";
    continue_sign_up_label = info 1_040_003 "Continue";
    webauthn_sign_up_label = info 1_040_004 "Sign up with security key";
    registration_code_sent = info 1_040_005 "A code is on its way to the address you entered.";
    send_registration_code_label = info 1_040_006 "Send sign-up code";
    passkey_sign_up_label = info 1_040_007 "Sign up with passkey";
    registration_back_label = info 1_040_008 "Back";
    choose_credential = info 1_040_009 "Please choose how you want to sign in.";
    // settings
    saved = success 1_050_001 "Your changes are saved.";
    totp_unlink_label = info 1_050_004 "Remove authenticator app";
    totp_qr_label = info 1_050_005 "Authenticator app QR code";
    backup_codes_reveal_label = info 1_050_007 "Show backup codes";
    backup_codes_generate_label = info 1_050_008 "Create new backup codes";
    backup_codes_label = info 1_050_010 "Keep these backup codes in a safe place.";
    backup_codes_confirm_label = info 1_050_011 "I have stored them";
    webauthn_add_label = info 1_050_012 "Add security key";
    webauthn_name_label = info 1_050_013 "Name of the security key";
    disable_method_label = info 1_050_016 "Disable this method";
    totp_secret_label = info 1_050_017 "Authenticator app secret";
    passkey_add_label = info 1_050_019 "Add passkey";
    // ours alone
    account_delete_label = info 1_900_001 "Delete my account";
    account_deleted = success 1_900_003 "Your account is deleted.";
    // recovery
    recovery_link_sent = info 1_060_002 "If this address belongs to an account, a recovery link is on its way to it.";
    recovery_code_sent = info 1_060_003 "If this address belongs to an account, a recovery code is on its way to it.";
    enter_full_address = info 1_060_005 "Please enter the whole address to show that it is yours.";
    choose_recovery_address = info 1_060_006 "Where shall we send the recovery code?";
    recovery_back_label = info 1_060_007 "Back";
    // labels of several flows
    password_label = info 1_070_001 "Password";
    save_label = info 1_070_003 "Save";
    submit_label = info 1_070_005 "Submit";
    totp_code_label = info 1_070_006 "Code from the app";
    email_label = info 1_070_007 "Email";
    resend_label = info 1_070_008 "Resend code";
    continue_label = info 1_070_009 "Continue";
    recovery_code_label = info 1_070_010 "Recovery code";
    verification_code_label = info 1_070_011 "Verification code";
    registration_code_label = info 1_070_012 "Sign-up code";
    login_code_label = info 1_070_013 "Sign-in code";
    login_and_link_label = info 1_070_014 "Sign in and link";
    recovery_address_label = info 1_070_016 "Recovery address";
    phone_label = info 1_070_017 "Phone number";
    email_or_phone_label = info 1_070_018 "Email or phone number";
    // verification
    verification_link_sent = info 1_080_001 "A verification link is on its way to your email address.";
    email_verified = success 1_080_002 "Your email address is verified.";
    verification_code_mailed = info 1_080_003 "A verification code is on its way to your email address.";
    verification_code_texted = info 1_080_004 "A verification code is on its way to your phone.";
    phone_verified = success 1_080_005 "Your phone number is verified.";
}

/// 1010002: sign in with a provider, by its shown name and its id.
pub fn oidc_login_label(provider: &str, provider_id: &str) -> Message {
    info(1_010_002, format!("Sign in with {provider}"))
        .with("provider", provider)
        .with("provider_id", provider_id)
}

/// What message 1010016 tells of the account that already owns an identifier.
#[derive(Debug, Clone, Copy)]
pub struct LinkHint<'a> {
    /// The identifier both claim.
    pub identifier: &'a str,
    /// Shown name of the provider to be linked.
    pub provider: &'a str,
    /// Where to sign in instead.
    pub new_login_url: &'a str,
    /// Credential types the account has.
    pub credential_types: &'a [String],
    /// Providers the account has.
    pub providers: &'a [String],
}

/// 1010016: the identifier belongs to another account; sign in to it to link the provider.
pub fn sign_in_to_link(hint: LinkHint<'_>) -> Message {
    let LinkHint {
        identifier,
        provider,
        new_login_url,
        credential_types,
        providers,
    } = hint;
    info(
        1_010_016,
        format!("An account with {identifier} exists already. Sign in to it to link {provider}."),
    )
    .with("duplicateIdentifier", identifier)
    .with("duplicate_identifier", identifier)
    .with("provider", provider)
    .with("newLoginUrl", new_login_url)
    .with("new_login_url", new_login_url)
    .with("available_credential_types", credential_types)
    .with("available_providers", providers)
}

/// 1010018: confirm by signing in with a provider.
pub fn oidc_confirm_label(provider: &str) -> Message {
    info(1_010_018, format!("Confirm with {provider}")).with("provider", provider)
}

/// 1010023: send a code to this address; `channel` is `email` or `sms`.
pub fn send_code_to_label(address: &str, channel: &str) -> Message {
    info(1_010_023, format!("Send code to {address}"))
        .with("address", address)
        .with("channel", channel)
}

/// 1040002: sign up with a provider, by its shown name and its id.
pub fn oidc_sign_up_label(provider: &str, provider_id: &str) -> Message {
    info(1_040_002, format!("Sign up with {provider}"))
        .with("provider", provider)
        .with("provider_id", provider_id)
}

/// 1050002: link a provider.
pub fn oidc_link_label(provider: &str) -> Message {
    info(1_050_002, format!("Link {provider}")).with("provider", provider)
}

/// 1050003: unlink a provider.
pub fn oidc_unlink_label(provider: &str) -> Message {
    info(1_050_003, format!("Unlink {provider}")).with("provider", provider)
}

/// 1050006: the TOTP secret itself, as the text.
pub fn totp_secret(secret: &str) -> Message {
    info(1_050_006, secret).with("secret", secret)
}

/// 1050009: one backup code, as the text.
pub fn backup_code(code: &str) -> Message {
    info(1_050_009, code).with("secret", code)
}

/// 1050014: stands in the place of a backup code that was used.
pub fn backup_code_used(when: impl Into<Moment>) -> Message {
    info(1_050_014, "used").at("used_at", when.into())
}

/// 1050015: the list of backup codes, made of [`backup_code`] and [`backup_code_used`].
pub fn backup_codes(codes: &[Message]) -> Message {
    let texts: Vec<&str> = codes.iter().map(|code| code.text.as_str()).collect();
    info(1_050_015, texts.join(", ")).with("secrets", messages(codes))
}

fn messages(messages: &[Message]) -> Value {
    serde_json::to_value(messages).expect("strings, numbers and string keys are always JSON")
}

/// 1050018: remove a security key.
pub fn webauthn_remove_label(display_name: &str, added_at: impl Into<Moment>) -> Message {
    info(1_050_018, format!("Remove security key \"{display_name}\""))
        .with("display_name", display_name)
        .at("added_at", added_at.into())
}

/// 1050020: remove a passkey.
pub fn passkey_remove_label(display_name: &str, added_at: impl Into<Moment>) -> Message {
    info(1_050_020, format!("Remove passkey \"{display_name}\""))
        .with("display_name", display_name)
        .at("added_at", added_at.into())
}

/// 1900002: what to type to delete the account; not known to other servers.
pub fn account_confirmation_label(expected: &str) -> Message {
    info(
        1_900_002,
        format!("To delete your account for ever, type {expected}"),
    )
    .with("expected", expected)
}

/// 1060001: recovered; the password can be changed until the privileged session ends.
pub fn recovered(privileged_until: impl Into<Moment>) -> Message {
    let until = privileged_until.into();
    let text = format!(
        "Welcome back. Please change your password or add another way to sign in before {}.",
        super::rfc3339(until)
    );
    success(1_060_001, text)
        .with("privilegedSessionExpiresAt", super::rfc3339(until))
        .at("privileged_session_expires_at", until)
}

/// 1060004: a recovery code was sent to this address, shown masked.
pub fn recovery_code_sent_to(masked_address: &str) -> Message {
    info(
        1_060_004,
        format!("If {masked_address} is right, a recovery code is on its way to it."),
    )
    .with("masked_address", masked_address)
}

/// 1070000: a label that is not translated, such as a masked address.
pub fn literal_label(text: &str) -> Message {
    info(1_070_000, text)
}

/// 1070002: a label taken from the title in the identity schema; `name` is the node's, `traits.email`.
pub fn field_label(title: &str, name: &str) -> Message {
    info(1_070_002, title)
        .with("title", title)
        .with("name", name)
}

/// The label of the `identifier` field: 1070002 when exactly one trait identifies people and it has a
/// title (`(title, name)`), else 1070004.
pub fn identifier(only: Option<(&str, &str)>) -> Message {
    only.map_or_else(
        || info(1_070_004, "ID"),
        |(title, name)| field_label(title, name),
    )
}
