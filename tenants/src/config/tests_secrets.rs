//! Secrets of a document: sealed, masked, compared and brought back.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::secrets::DataKey;

#[test]
fn secrets_rest_sealed_and_bound_to_their_place() {
    let key = DataKey::new([1; 32]);
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let plain = json!({
        "secrets": {"default": ["first-secret-of-all", "second-secret-of-all"]}, "revision": "r"});
    let mut count = 0;
    let stored = ConfigDoc::load(plain.clone()).seal(&key, one, || {
        count += 1;
        [count; 24]
    });
    assert!(
        !stored.to_string().contains("secret-of-all") && count == 2,
        "{stored}"
    );
    assert_eq!(stored["revision"], "r");
    assert_eq!(ConfigDoc::open(&stored, &key, one).unwrap().plain(), &plain);

    assert_eq!(
        ConfigDoc::open(&stored, &key, other).unwrap_err().pointer,
        "/secrets/default/0"
    );
    let mut swapped = stored.clone();
    swapped["secrets"]["default"]
        .as_array_mut()
        .unwrap()
        .swap(0, 1);
    assert!(ConfigDoc::open(&swapped, &key, one).is_err());
    assert_eq!(masked(&stored)["secrets"]["default"], json!([MASK, MASK]));
    let mut dropped = stored.clone();
    dropped["a key of former days"] = json!([{"token": {"$sealed": "AAAA"}}]);
    let shown = masked_stored(&dropped);
    assert_eq!(shown["secrets"]["default"], json!([MASK, MASK]));
    assert_eq!(shown["a key of former days"], json!([{"token": MASK}]));
    assert!(!format!("{:?}", ConfigDoc::load(plain)).contains("secret-of-all"));
}

#[test]
fn differences_show_that_a_secret_changed_but_not_what_it_is() {
    let old = json!({"revision": "a", "secrets": {"default": ["first-secret-of-all"], "cookie": ["kept-as-it-was-before"]}});
    let new = merged(
        &old,
        &json!({"revision": null, "secrets": {"default": ["other-secret-of-all"]}}),
    );
    let patch = diff(&old, &new);
    assert_eq!(
        patch,
        json!([
            {"op": "replace", "path": "/secrets/default/0", "value": MASK},
            {"op": "remove", "path": "/revision"}
        ])
    );
    assert_eq!(diff(&old, &old), json!([]));
}

#[test]
fn masks_come_back_as_the_secrets_they_stand_for() {
    let old = json!({"secrets": {"default": ["first-secret-of-all", "second-secret-of-all"]}});
    let mut new = json!({"secrets": {"default": ["a-new-one-in-front", MASK]}});
    restore_masks(&mut new, &old).unwrap();
    assert_eq!(new["secrets"]["default"][1], "second-secret-of-all");

    let mut lost = json!({"secrets": {"default": [MASK, MASK, MASK], "cookie": [MASK]}});
    let found = restore_masks(&mut lost, &old).unwrap_err();
    let pointers: Vec<_> = found.iter().map(|it| it.pointer.as_str()).collect();
    assert_eq!(pointers, ["/secrets/default/2", "/secrets/cookie/0"]);
}

#[test]
fn masks_follow_ids_and_stay_with_their_address() {
    let schema = json!({"properties": {"hooks": {"items": {"properties": {"config": {"properties": {
        "auth": {"properties": {"value": {"x-insula-secret": true, "x-insula-sent-to": "2/url"}}}}}}}},
        "providers": {"items": {"properties": {
            "secret": {"x-insula-secret": true, "x-insula-sent-to": "1/issuer"}}}}}});
    let hook = |url: &str, value: &str| json!({"config": {"url": url, "auth": {"value": value}}});
    let provider = |id: &str, issuer: &str, secret: &str| json!({"id": id, "issuer": issuer, "secret": secret});
    let old = json!({
        "hooks": [hook("https://a", "A"), hook("https://b", "B")],
        "providers": [provider("x", "https://i", "X"), provider("y", "https://j", "Y")]
    });
    let mut new = json!({
        "hooks": [hook("https://b", MASK), hook("https://c", "C")],
        "providers": [provider("y", "https://j", MASK), provider("x", "https://i", MASK)]
    });
    mask::restore_by(&schema, &mut new, &old).unwrap();
    assert_eq!(new["hooks"][0]["config"]["auth"]["value"], "B");
    assert_eq!(
        (
            &new["providers"][0]["secret"],
            &new["providers"][1]["secret"]
        ),
        (&json!("Y"), &json!("X"))
    );

    // Two with one name are told apart while both stay as they are.
    let twins = json!({"hooks": [hook("https://a", "A"), hook("https://a", "B")]});
    let mut same = json!({"hooks": [hook("https://a", MASK), hook("https://a", MASK)], "more": 1});
    mask::restore_by(&schema, &mut same, &twins).unwrap();
    assert_eq!(same["hooks"], twins["hooks"]);

    let mut bad = json!({
        "hooks": [hook("https://evil", MASK), hook("https://a", MASK), hook("https://a", MASK)],
        "providers": [provider("x", "https://evil", MASK)]
    });
    let found = mask::restore_by(&schema, &mut bad, &old).unwrap_err();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[3].message.contains("address"), "{found:?}");
    assert!(!bad.to_string().contains("\"X\""));
}
