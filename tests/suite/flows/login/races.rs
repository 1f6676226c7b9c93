//! Several sign-ins of one person at once.
//!
//! Looks inside: `identity`.

use futures_util::future::join_all;
use identity::{HashPool, Hasher};
use reqwest::StatusCode;
use serde_json::json;
use tests::{Kind, PASSWORD, Site, story};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Each sign-in replaces the imported hash by one of the project's own kind.
#[story]
async fn one_person_signs_in_several_times_at_once_while_their_hash_is_replaced(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let hash = HashPool::new(1, 1, 1)
        .hash(
            Uuid::nil(),
            Hasher::Bcrypt { cost: 4 },
            Zeroizing::new(PASSWORD.to_owned()),
        )
        .await
        .unwrap();
    for n in 0..6 {
        let email = format!("p{n}@example.org");
        let password = json!({"config": {"hashed_password": hash}});
        let body = json!({"schema_id": "preset://email", "traits": {"email": email}, "credentials": {"password": password}});
        assert_eq!(
            admin.post("/admin/identities", body).await.status,
            StatusCode::CREATED
        );
        let native = site.client(&project, Kind::Api);
        let all = join_all((0..4).map(|_| native.sign_in(&email, PASSWORD))).await;
        for answer in all {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
    }
}
