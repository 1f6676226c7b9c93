//! Flows that are not there.

use reqwest::StatusCode;
use serde_json::json;
use tests::{Kind, Site, story};

use super::project;

/// W3.8: JSON for a client that asks for it, the error page for a browser, and never a blank page.
#[story]
async fn unknown_flows_are_answered_for_each_kind_of_client(site: Site) {
    let project = project(&site, json!({})).await;
    for (id, status) in [
        ("00000000-0000-4000-8000-000000000000", 404),
        ("zzz", 400),
        ("", 400),
    ] {
        let path = format!("/self-service/recovery?flow={id}");
        for fields in [
            json!({"method": "code", "code": "123456"}),
            json!({"method": "code", "email": "ada@example.org"}),
        ] {
            for kind in [Kind::Spa, Kind::Api] {
                let client = site.client(&project, kind);
                let answer = client.post(&path, fields.clone()).await;
                assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
                assert_eq!(answer.body["error"]["code"], status, "{}", answer.text);
            }
        }
        let page = site.client(&project, Kind::Html);
        let answer = page.form(&path, &[("method", "code"), ("code", "1")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let shown = answer.location_query("id").unwrap();
        assert!(answer.location().contains("/ui/error?id="));
        let stored = page.get(&format!("/self-service/errors?id={shown}")).await;
        assert_eq!(stored.body["error"]["code"], status, "{}", stored.text);
    }
}
