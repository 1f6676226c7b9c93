//! What makes a password.

use reqwest::StatusCode;
use serde_json::json;
use tests::{ADA, Kind, Site, story, text};

use crate::flows::registration::password_fields;

/// W7.11: minimum in bytes, then similarity; a maximum under bcrypt alone.
#[story]
async fn what_makes_a_password(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let similar = "ada@example.or";
    for (password, expected) in [
        ("1234567", text::PASSWORD_TOO_SHORT),
        ("\u{e9}\u{e9}\u{e9}", text::PASSWORD_TOO_SHORT),
        ("ada@ex", text::PASSWORD_TOO_SHORT),
        (similar, text::PASSWORD_TOO_SIMILAR),
        ("ADA@EXAMPLE.ORG", text::PASSWORD_TOO_SIMILAR),
        ("ada@example.org1", text::PASSWORD_TOO_SIMILAR),
    ] {
        let refused = script.submit(&flow, password_fields(ADA, password)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{password}");
        assert_eq!(refused.node_messages("password"), [expected], "{password}");
        assert!(refused.messages().is_empty(), "{password}");
        assert!(
            !refused.text.contains(&format!("\"{password}\"")),
            "a password is never shown"
        );
    }
    let refused = script.submit(&flow, password_fields(ADA, "1234567")).await;
    let context = &refused.node("password")["messages"][0]["context"];
    assert_eq!(*context, json!({"min_length": 8, "actual_length": 7}));
    // Eight bytes in two characters.
    let done = site
        .client(&project, Kind::Api)
        .sign_up("bytes@example.org", "\u{1F600}\u{1F3E0}")
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let long = "ab12".repeat(2_500);
    let done = script.submit(&flow, password_fields(ADA, &long)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let native = site.client(&project, Kind::Api);
    assert_eq!(native.sign_in(ADA, &long).await.status, StatusCode::OK);
    let cut = &long[..9_999];
    assert_eq!(
        native.sign_in(ADA, cut).await.messages(),
        [text::WRONG_CREDENTIALS]
    );

    let bcrypt = json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}});
    let project = site.project_with(bcrypt).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let refused = script
        .submit(&flow, password_fields(ADA, &"x".repeat(73)))
        .await;
    assert_eq!(refused.node_messages("password"), [text::PASSWORD_TOO_LONG]);
    let done = script
        .submit(&flow, password_fields(ADA, &"x".repeat(72)))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

/// The policy is the project's own.
#[story]
async fn a_policy_of_ones_own(site: Site) {
    let policy = json!({"selfservice": {"methods": {"password": {"config": {
        "min_password_length": 12, "identifier_similarity_check_enabled": false,
    }}}}});
    let project = site.project_with(policy).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let refused = script
        .submit(&flow, password_fields(ADA, "elevenchars"))
        .await;
    assert_eq!(
        refused.node_messages("password"),
        [text::PASSWORD_TOO_SHORT]
    );
    let done = script.submit(&flow, password_fields(ADA, ADA)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}
