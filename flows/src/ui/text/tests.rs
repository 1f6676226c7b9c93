//! W5.1: every function against a table of Kratos's ids and context keys.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeZone as _, Utc};
use serde_json::json;

use super::*;

/// Ids with values; every other id has no context at all.
const CONTEXTS: &[(u32, &[&str])] = &[
    (1_010_002, &["provider", "provider_id"]),
    (
        1_010_016,
        &[
            "duplicateIdentifier",
            "duplicate_identifier",
            "provider",
            "newLoginUrl",
            "new_login_url",
            "available_credential_types",
            "available_providers",
        ],
    ),
    (1_010_018, &["provider"]),
    (1_010_023, &["address", "channel"]),
    (1_040_002, &["provider", "provider_id"]),
    (1_050_002, &["provider"]),
    (1_050_003, &["provider"]),
    (1_050_006, &["secret"]),
    (1_050_009, &["secret"]),
    (1_050_014, &["used_at", "used_at_unix"]),
    (1_050_015, &["secrets"]),
    (1_050_018, &["display_name", "added_at", "added_at_unix"]),
    (1_050_020, &["display_name", "added_at", "added_at_unix"]),
    (
        1_060_001,
        &[
            "privilegedSessionExpiresAt",
            "privileged_session_expires_at",
            "privileged_session_expires_at_unix",
        ],
    ),
    (1_060_004, &["masked_address"]),
    (1_070_002, &["title", "name"]),
    (1_900_002, &["expected"]),
    (4_000_001, &["reason", "insula_reason"]),
    (4_000_002, &["property"]),
    (4_000_003, &["min_length", "actual_length"]),
    (4_000_004, &["pattern"]),
    (4_000_005, &["reason", "insula_reason"]),
    (4_000_017, &["max_length", "actual_length"]),
    (4_000_018, &["minimum", "actual"]),
    (4_000_019, &["minimum", "actual"]),
    (4_000_020, &["maximum", "actual"]),
    (4_000_021, &["maximum", "actual"]),
    (4_000_022, &["base", "actual"]),
    (4_000_023, &["max_items", "actual_items"]),
    (4_000_024, &["min_items", "actual_items"]),
    (4_000_025, &["index_a", "index_b"]),
    (4_000_026, &["allowed_types", "actual_type"]),
    (
        4_000_028,
        &[
            "available_credential_types",
            "available_oidc_providers",
            "credential_identifier_hint",
        ],
    ),
    (4_000_029, &["expected"]),
    (4_000_032, &["min_length", "actual_length"]),
    (4_000_033, &["max_length", "actual_length"]),
    (4_000_034, &["breaches"]),
    (4_000_040, &["value"]),
    (4_000_041, &["value"]),
    (4_010_001, &["expired_at", "expired_at_unix"]),
    (4_040_001, &["expired_at", "expired_at_unix"]),
    (4_050_001, &["expired_at", "expired_at_unix"]),
    (4_060_005, &["expired_at", "expired_at_unix"]),
    (4_070_005, &["expired_at", "expired_at_unix"]),
    (5_000_001, &["reason"]),
];

/// Every id of Kratos but those of the licensed product, as ranges (both ends included); and ours,
/// 1900001 and 4900001 onwards.
const IDS: &[(u32, u32)] = &[
    (1_010_001, 1_010_023),
    (1_010_025, 1_010_025),
    (1_040_001, 1_040_009),
    (1_050_001, 1_050_020),
    (1_060_001, 1_060_007),
    (1_070_000, 1_070_014),
    (1_070_016, 1_070_018),
    (1_080_001, 1_080_005),
    (1_900_001, 1_900_003),
    (4_000_001, 4_000_037),
    (4_000_039, 4_000_041),
    (4_000_043, 4_000_043),
    (4_010_001, 4_010_011),
    (4_040_001, 4_040_003),
    (4_050_001, 4_050_002),
    (4_060_001, 4_060_002),
    (4_060_004, 4_060_006),
    (4_070_001, 4_070_003),
    (4_070_005, 4_070_006),
    (4_900_001, 4_900_001),
    (5_000_001, 5_000_002),
];

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

fn with_values() -> Vec<Message> {
    let list = ["password".to_owned(), "oidc".to_owned()];
    let link = LinkHint {
        identifier: "a@b.c",
        provider: "Google",
        new_login_url: "https://x/login",
        credential_types: &list,
        providers: &list,
    };
    let (low, high) = (json!(2.5), json!(7));
    vec![
        oidc_login_label("Google", "google"),
        sign_in_to_link(link),
        oidc_confirm_label("Google"),
        send_code_to_label("a@b.c", "email"),
        oidc_sign_up_label("Google", "google"),
        oidc_link_label("Google"),
        oidc_unlink_label("Google"),
        totp_secret("ABC"),
        backup_code("abc"),
        backup_code_used(noon()),
        backup_codes(&[backup_code("abc"), backup_code_used(noon())]),
        webauthn_remove_label("blue", noon()),
        passkey_remove_label("blue", noon()),
        account_confirmation_label("a@b.c"),
        recovered(noon()),
        recovery_code_sent_to("an****@b.c"),
        literal_label("an****@b.c"),
        field_label("E-mail", "traits.email"),
        identifier(None),
        schema_violation("because"),
        required("email"),
        too_short(8, 3),
        pattern_mismatch("^a$"),
        password_unchecked(),
        too_long(8, 9),
        below_minimum(&high, &low),
        not_above(&high, &low),
        above_maximum(&low, &high),
        not_below(&low, &high),
        not_multiple(&high, &low),
        too_many_items(1, 2),
        too_few_items(2, 1),
        items_not_unique(0, 1),
        wrong_type(&["string".into(), "null".into()], "number"),
        identifier_taken_hint(LoginHint {
            credential_types: &list,
            providers: &list,
            identifier: "a@b.c",
        }),
        not_the_constant(&json!(true)),
        password_too_short(8, 3),
        password_too_long(72, 80),
        password_breached(9),
        invalid_email(&json!("a@")),
        invalid_phone(&json!("12")),
        login_expired(noon()),
        registration_expired(noon()),
        settings_expired(noon()),
        recovery_expired(noon()),
        verification_expired(noon()),
        system_error("because"),
    ]
}

fn everything() -> Vec<Message> {
    [info::every_plain(), refusal::every_plain(), with_values()].concat()
}

#[test]
fn every_id_has_exactly_one_text() {
    let ids: Vec<u32> = everything().iter().map(|m| m.id).collect();
    let unique: BTreeSet<u32> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id is used twice");
    let expected: BTreeSet<u32> = IDS.iter().flat_map(|(from, to)| *from..=*to).collect();
    assert_eq!(unique, expected);
}

#[test]
fn every_context_is_complete() {
    let table: BTreeMap<u32, &[&str]> = CONTEXTS.iter().copied().collect();
    for message in everything() {
        let keys: BTreeSet<&str> = message.context.keys().map(String::as_str).collect();
        let expected: BTreeSet<&str> = table
            .get(&message.id)
            .copied()
            .unwrap_or_default()
            .iter()
            .copied()
            .collect();
        assert_eq!(keys, expected, "{}", message.id);
        assert!(
            message.context.values().all(|value| !value.is_null()),
            "{}",
            message.id
        );
        assert!(
            !message.text.is_empty() && !message.text.contains(['{', '}']),
            "{}",
            message.text
        );
    }
}

#[test]
fn kinds_follow_the_ids() {
    for message in everything() {
        let good_news = [1_050_001, 1_060_001, 1_080_002, 1_080_005, 1_900_003];
        let expected = match message.id {
            id if good_news.contains(&id) => MessageType::Success,
            4_000_000.. => MessageType::Error,
            _ => MessageType::Info,
        };
        assert_eq!(message.kind, expected, "{}", message.id);
    }
}

#[test]
fn values_keep_their_types() {
    let expired = serde_json::to_value(login_expired(noon())).unwrap();
    assert_eq!(
        expired["context"],
        json!({"expired_at": "2026-03-01T12:00:00Z", "expired_at_unix": 1_772_366_400})
    );
    assert_eq!(too_short(8, 3).context["min_length"], json!(8));
    assert_eq!(
        below_minimum(&json!(2.5), &json!(1)).context["minimum"],
        json!(2.5)
    );
    assert_eq!(
        wrong_type(&["string".into()], "number").context["allowed_types"],
        json!(["string"])
    );
    let codes = backup_codes(&[backup_code("abc")]);
    assert_eq!(
        codes.context["secrets"][0]["context"]["secret"],
        json!("abc")
    );
}

#[test]
fn a_context_without_values_is_omitted() {
    let message = serde_json::to_value(password_label()).unwrap();
    assert_eq!(
        message,
        json!({"id": 1_070_001, "text": "Password", "type": "info"})
    );
    assert_eq!(
        serde_json::from_value::<Message>(message).unwrap(),
        password_label()
    );
}

/// W4.5.
#[test]
fn an_identifier_is_named_after_the_only_trait_with_a_title() {
    let named = identifier(Some(("E-mail", "traits.email")));
    assert_eq!((named.id, named.text.as_str()), (1_070_002, "E-mail"));
    assert_eq!(identifier(None).id, 1_070_004);
}

#[test]
fn messages_that_share_an_id_are_told_apart_by_their_reason() {
    let every = reason::every_reason();
    let unique: BTreeSet<String> = every.iter().map(reason_of).collect();
    assert_eq!(unique.len(), every.len(), "a reason is used twice");
    for message in &every {
        let name = reason_of(message);
        let sentence = message.context["reason"].as_str().unwrap();
        assert!(
            message.text.ends_with(sentence) && !sentence.is_empty(),
            "{name}"
        );
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{name}"
        );
        let mut keys: BTreeSet<&str> = message.context.keys().map(String::as_str).collect();
        assert_eq!(
            keys.remove("insula_wait_seconds"),
            name == "too_many_tries",
            "{name}"
        );
        assert_eq!(keys, BTreeSet::from(["reason", "insula_reason"]), "{name}");
        assert!([4_000_001, 4_000_005].contains(&message.id), "{name}");
    }
}

#[test]
fn a_wait_is_told_in_the_text_and_as_a_number() {
    let wait = |seconds| too_many(std::time::Duration::from_secs(seconds));
    for (seconds, text, number) in [
        (0, "Please wait 1 seconds before", 1),
        (90, "Please wait 90 seconds before", 90),
        (91, "Please wait 2 minutes before", 91),
    ] {
        let message = wait(seconds);
        assert!(message.text.contains(text), "{}", message.text);
        assert_eq!(message.context["insula_wait_seconds"], json!(number));
    }
}

/// The pages have a text for each reason that the server gives, and none for a reason that it does not.
#[test]
fn the_pages_know_every_reason_in_german() {
    let source = include_str!("../../../../web/account/src/german.ts");
    let (_, reasons) = source.split_once("const reasons").unwrap();
    let (reasons, _) = reasons.split_once("\n}").unwrap();
    let keys = reasons
        .lines()
        .skip(1)
        .map(|line| line.trim_start().split_once(':').unwrap().0.to_owned());
    let said: BTreeSet<String> = reason::every_reason().iter().map(reason_of).collect();
    assert_eq!(keys.collect::<BTreeSet<String>>(), said);
}

fn reason_of(message: &Message) -> String {
    message.context["insula_reason"]
        .as_str()
        .unwrap()
        .to_owned()
}
