//! Whatever JSON there is.

use proptest::{
    prelude::*,
    strategy::{Strategy, ValueTree as _},
    test_runner::TestRunner,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, Site, story};

use super::{begun, is_an_answer};

const CASES: usize = 120;
const KEYS: [&str; 16] = [
    "method",
    "csrf_token",
    "identifier",
    "password",
    "traits",
    "traits.email",
    "transient_payload",
    "screen",
    "schema_id",
    "credentials",
    "verifiable_addresses",
    "metadata_public",
    "state",
    "external_id",
    "email",
    "config",
];

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("password".to_owned()),
        Just(ADA.to_owned()),
        Just("preset://email".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        4 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec((key, inner), 0..8)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

#[story]
async fn random_objects_are_never_a_fault(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let (native, registration) = begun(&site, &project, Kind::Api, "registration").await;
    let (script, login) = begun(&site, &project, Kind::Spa, "login").await;
    let mut chance = TestRunner::default();
    for _ in 0..CASES {
        let body = object(any_json()).new_tree(&mut chance).unwrap().current();
        let what = body.to_string();
        is_an_answer(&what, &native.submit(&registration, body.clone()).await);
        is_an_answer(&what, &script.submit(&login, body.clone()).await);
        is_an_answer(&what, &admin.post("/admin/identities", body.clone()).await);
        let mut likely =
            json!({"schema_id": "preset://email", "traits": {"email": ADA}, "method": "password"});
        for (key, value) in body.as_object().unwrap() {
            likely[key] = value.clone();
        }
        is_an_answer(&what, &native.submit(&registration, likely.clone()).await);
        is_an_answer(&what, &admin.post("/admin/identities", likely).await);
    }
    let listed = admin.get("/admin/identities").await;
    assert_eq!(
        listed.status,
        StatusCode::OK,
        "whatever was stored can be read"
    );
}
