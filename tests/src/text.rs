//! The ids of messages that forms show, by name: those of the functions in `flows::ui::text`. The numbers stand
//! here once more, because clients translate by them: a test that sees another id has found a change of the
//! interface, and not only of a name.

#![expect(missing_docs, reason = "`flows::ui::text` says what each text says")]

// login
pub const REFRESH_SUBMIT_LABEL: u64 = 1_010_001;
pub const CONFIRM_IT_IS_YOU: u64 = 1_010_003;
pub const SECOND_FACTOR_WANTED: u64 = 1_010_004;
pub const LOGIN_CODE_SENT: u64 = 1_010_014;
pub const SEND_CODE_TO_LABEL: u64 = 1_010_023;
pub const SECOND_FACTOR_CODE_SENT: u64 = 1_010_025;

// registration
pub const REGISTRATION_CODE_SENT: u64 = 1_040_005;
pub const CHOOSE_CREDENTIAL: u64 = 1_040_009;

// settings
pub const SAVED: u64 = 1_050_001;

// recovery
pub const RECOVERED: u64 = 1_060_001;
pub const RECOVERY_LINK_SENT: u64 = 1_060_002;
pub const RECOVERY_CODE_SENT: u64 = 1_060_003;
pub const RECOVERY_CODE_SENT_TO: u64 = 1_060_004;
pub const ENTER_FULL_ADDRESS: u64 = 1_060_005;
pub const CHOOSE_RECOVERY_ADDRESS: u64 = 1_060_006;

// fields
pub const LITERAL_LABEL: u64 = 1_070_000;
pub const FIELD_LABEL: u64 = 1_070_002;

// verification
pub const VERIFICATION_LINK_SENT: u64 = 1_080_001;
pub const EMAIL_VERIFIED: u64 = 1_080_002;
pub const VERIFICATION_CODE_MAILED: u64 = 1_080_003;
pub const VERIFICATION_CODE_TEXTED: u64 = 1_080_004;
pub const PHONE_VERIFIED: u64 = 1_080_005;

// the account as a whole
pub const ACCOUNT_DELETED: u64 = 1_900_003;

// what is wrong with what was entered
pub const GENERIC: u64 = 4_000_001;
pub const REQUIRED: u64 = 4_000_002;
pub const PASSWORD_REFUSED: u64 = 4_000_005;
pub const WRONG_CREDENTIALS: u64 = 4_000_006;
pub const IDENTIFIER_TAKEN: u64 = 4_000_007;
pub const NO_IDENTIFIER: u64 = 4_000_009;
pub const ADDRESS_NOT_VERIFIED: u64 = 4_000_010;
pub const BELOW_MINIMUM: u64 = 4_000_018;
pub const WRONG_TYPE: u64 = 4_000_026;
pub const PASSWORD_TOO_SIMILAR: u64 = 4_000_031;
pub const PASSWORD_TOO_SHORT: u64 = 4_000_032;
pub const PASSWORD_TOO_LONG: u64 = 4_000_033;
pub const PASSWORD_BREACHED: u64 = 4_000_034;
pub const NO_CODE_ACCOUNT: u64 = 4_000_035;
pub const TRAITS_CHANGED: u64 = 4_000_036;
pub const NO_ACCOUNT: u64 = 4_000_037;
pub const PASSWORD_UNCHANGED: u64 = 4_000_039;
pub const INVALID_EMAIL: u64 = 4_000_040;

// login
pub const LOGIN_EXPIRED: u64 = 4_010_001;
pub const NO_LOGIN_STRATEGY: u64 = 4_010_002;
pub const NO_REGISTRATION_STRATEGY: u64 = 4_010_003;
pub const NO_SETTINGS_STRATEGY: u64 = 4_010_004;
pub const NO_RECOVERY_STRATEGY: u64 = 4_010_005;
pub const NO_VERIFICATION_STRATEGY: u64 = 4_010_006;
pub const WRONG_LOGIN_CODE: u64 = 4_010_008;
pub const ACCOUNT_DISABLED: u64 = 4_010_011;

// registration
pub const REGISTRATION_EXPIRED: u64 = 4_040_001;
pub const WRONG_REGISTRATION_CODE: u64 = 4_040_003;

// settings
pub const SETTINGS_EXPIRED: u64 = 4_050_001;
pub const ONE_ADDRESS_AT_A_TIME: u64 = 4_050_002;

// recovery
pub const RECOVERY_COMPLETED: u64 = 4_060_001;
pub const WRONG_RECOVERY_LINK: u64 = 4_060_004;
pub const RECOVERY_EXPIRED: u64 = 4_060_005;
pub const WRONG_RECOVERY_CODE: u64 = 4_060_006;

// verification
pub const WRONG_VERIFICATION_LINK: u64 = 4_070_001;
pub const VERIFICATION_COMPLETED: u64 = 4_070_002;
pub const VERIFICATION_EXPIRED: u64 = 4_070_005;
pub const WRONG_VERIFICATION_CODE: u64 = 4_070_006;

// the account as a whole
pub const ACCOUNT_NOT_CONFIRMED: u64 = 4_900_001;

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use flows::ui::text::{self, Message};
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_those_of_the_texts_with_their_names() {
        let now = DateTime::UNIX_EPOCH;
        let texts: Vec<(u64, Message)> = vec![
            (REFRESH_SUBMIT_LABEL, text::refresh_submit_label()),
            (CONFIRM_IT_IS_YOU, text::confirm_it_is_you()),
            (SECOND_FACTOR_WANTED, text::second_factor_wanted()),
            (LOGIN_CODE_SENT, text::login_code_sent()),
            (SEND_CODE_TO_LABEL, text::send_code_to_label("a", "email")),
            (SECOND_FACTOR_CODE_SENT, text::second_factor_code_sent()),
            (REGISTRATION_CODE_SENT, text::registration_code_sent()),
            (CHOOSE_CREDENTIAL, text::choose_credential()),
            (SAVED, text::saved()),
            (RECOVERED, text::recovered(now)),
            (RECOVERY_LINK_SENT, text::recovery_link_sent()),
            (RECOVERY_CODE_SENT, text::recovery_code_sent()),
            (RECOVERY_CODE_SENT_TO, text::recovery_code_sent_to("a")),
            (ENTER_FULL_ADDRESS, text::enter_full_address()),
            (CHOOSE_RECOVERY_ADDRESS, text::choose_recovery_address()),
            (LITERAL_LABEL, text::literal_label("a")),
            (FIELD_LABEL, text::field_label("A", "a")),
            (VERIFICATION_LINK_SENT, text::verification_link_sent()),
            (EMAIL_VERIFIED, text::email_verified()),
            (VERIFICATION_CODE_MAILED, text::verification_code_mailed()),
            (VERIFICATION_CODE_TEXTED, text::verification_code_texted()),
            (PHONE_VERIFIED, text::phone_verified()),
            (ACCOUNT_DELETED, text::account_deleted()),
            (GENERIC, text::schema_violation("a")),
            (REQUIRED, text::required("a")),
            (PASSWORD_REFUSED, text::password_unchecked()),
            (WRONG_CREDENTIALS, text::wrong_credentials()),
            (IDENTIFIER_TAKEN, text::identifier_taken()),
            (NO_IDENTIFIER, text::no_identifier()),
            (ADDRESS_NOT_VERIFIED, text::address_not_verified()),
            (BELOW_MINIMUM, text::below_minimum(&json!(1), &json!(0))),
            (WRONG_TYPE, text::wrong_type(&[], "null")),
            (PASSWORD_TOO_SIMILAR, text::password_too_similar()),
            (PASSWORD_TOO_SHORT, text::password_too_short(8, 7)),
            (PASSWORD_TOO_LONG, text::password_too_long(72, 73)),
            (PASSWORD_BREACHED, text::password_breached(1)),
            (NO_CODE_ACCOUNT, text::no_code_account()),
            (TRAITS_CHANGED, text::traits_changed()),
            (NO_ACCOUNT, text::no_account()),
            (PASSWORD_UNCHANGED, text::password_unchanged()),
            (INVALID_EMAIL, text::invalid_email(&json!("a"))),
            (LOGIN_EXPIRED, text::login_expired(now)),
            (NO_LOGIN_STRATEGY, text::no_login_strategy()),
            (NO_REGISTRATION_STRATEGY, text::no_registration_strategy()),
            (NO_SETTINGS_STRATEGY, text::no_settings_strategy()),
            (NO_RECOVERY_STRATEGY, text::no_recovery_strategy()),
            (NO_VERIFICATION_STRATEGY, text::no_verification_strategy()),
            (WRONG_LOGIN_CODE, text::wrong_login_code()),
            (ACCOUNT_DISABLED, text::account_disabled()),
            (REGISTRATION_EXPIRED, text::registration_expired(now)),
            (WRONG_REGISTRATION_CODE, text::wrong_registration_code()),
            (SETTINGS_EXPIRED, text::settings_expired(now)),
            (ONE_ADDRESS_AT_A_TIME, text::one_address_at_a_time()),
            (RECOVERY_COMPLETED, text::recovery_completed()),
            (WRONG_RECOVERY_LINK, text::wrong_recovery_link()),
            (RECOVERY_EXPIRED, text::recovery_expired(now)),
            (WRONG_RECOVERY_CODE, text::wrong_recovery_code()),
            (WRONG_VERIFICATION_LINK, text::wrong_verification_link()),
            (VERIFICATION_COMPLETED, text::verification_completed()),
            (VERIFICATION_EXPIRED, text::verification_expired(now)),
            (WRONG_VERIFICATION_CODE, text::wrong_verification_code()),
            (ACCOUNT_NOT_CONFIRMED, text::account_not_confirmed()),
        ];
        for (id, text) in texts {
            assert_eq!(id, u64::from(text.id), "{}", text.text);
        }
    }
}
