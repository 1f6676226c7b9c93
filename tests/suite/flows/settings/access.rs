//! To whom a settings flow belongs: to a session, of its owner, at the level it needs, with its token.
//!
//! Looks inside: the tables.

use reqwest::StatusCode;
use serde_json::json;
use tests::{ADA, Kind, PASSWORD, Site, story, text};

const NOBODY: &str = "13722137-4ef4-4e46-8797-d05b98791989";

/// W8.1.
#[story]
async fn without_a_session_the_login_comes_first(site: Site) {
    let project = site.project().await;
    let base = project.base_url();
    let page = site.client(&project, Kind::Html);
    let begun = page.get("/self-service/settings/browser").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    assert_eq!(
        begun.location(),
        format!("{base}/self-service/login/browser")
    );
    let back = format!("{base}/ui/session");
    let begun = page
        .get(&format!("/self-service/settings/browser?return_to={back}"))
        .await;
    assert_eq!(begun.location_query("return_to"), Some(back));
    for path in [
        format!("/self-service/settings/flows?id={NOBODY}"),
        format!("/self-service/settings?flow={NOBODY}"),
    ] {
        let answer = page.get(&path).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        assert_eq!(answer.location(), format!("{base}/ui/login"));
    }
    let sent = page
        .form(&format!("/self-service/settings?flow={NOBODY}"), &[])
        .await;
    assert_eq!(sent.status, StatusCode::FOUND);

    let script = site.client(&project, Kind::Spa);
    for path in ["browser", "api"] {
        let begun = script.get(&format!("/self-service/settings/{path}")).await;
        assert_eq!(begun.status, StatusCode::UNAUTHORIZED);
        assert_eq!(begun.error_id(), Some("session_inactive"), "W12.2");
    }
    let answer = script.flow("settings", NOBODY).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.error_id(), None, "W12.2");
    let sent = script
        .post(&format!("/self-service/settings?flow={NOBODY}"), json!({}))
        .await;
    assert_eq!(sent.status, StatusCode::UNAUTHORIZED);
    assert_eq!(sent.error_id(), None);
}

/// W8.2.
#[story]
async fn another_person_neither_reads_nor_submits_the_flow(site: Site) {
    let project = site.project().await;
    for kind in Kind::ALL {
        let (ada, eve) = (format!("ada{kind:?}@x.org"), format!("eve{kind:?}@x.org"));
        let owner = site.signed_up(&project, kind, &ada).await;
        let other = site.signed_up(&project, kind, &eve).await;
        let flow = owner.begin("settings", "").await;
        let seen = other.reread(&flow).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{kind:?}");
        assert_eq!(seen.error_id(), Some("security_identity_mismatch"));
        let own = other.begin("settings", "").await;
        let token = own.node("csrf_token")["attributes"]["value"].clone();
        let fields = json!({"method": "profile", "traits": {"email": eve}, "csrf_token": token});
        let sent = other.submit(&flow, fields).await;
        if kind == Kind::Html {
            assert!(
                sent.location().contains("/ui/error?id="),
                "{}",
                sent.location()
            );
        } else {
            assert_eq!(sent.error_id(), Some("security_identity_mismatch"));
        }
        let id = flow.body["id"].as_str().unwrap();
        let resumed = other
            .get(&format!("/self-service/settings?flow={id}"))
            .await;
        if kind == Kind::Spa {
            assert_eq!(resumed.error_id(), Some("security_identity_mismatch"));
        }
        assert_eq!(owner.reread(&flow).await.body["state"], "show_form");
    }
}

#[story]
async fn a_forged_submission_changes_nothing(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let page = site.signed_in(&project, Kind::Html, ADA).await;
    for (kind, client) in [(Kind::Spa, &script), (Kind::Html, &page)] {
        let flow = client.begin("settings", "").await;
        for fields in [
            json!({"method": "profile", "traits": {"email": "eve@example.org"}, "csrf_token": "x"}),
            json!({"method": "password", "password": "this-is-of-eve-now", "csrf_token": "x"}),
        ] {
            let sent = client.submit(&flow, fields).await;
            if kind == Kind::Html {
                assert!(
                    sent.location().contains("/ui/error?id="),
                    "{}",
                    sent.location()
                );
            } else {
                assert_eq!(sent.status, StatusCode::FORBIDDEN);
                assert_eq!(sent.error_id(), Some("security_csrf_violation"));
            }
        }
        // What is wrong with the fields is said first, as Kratos does.
        let fields = json!({"method": "profile", "traits": {"email": "nope"}, "csrf_token": "x"});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.node_messages("traits.email"), [text::INVALID_EMAIL]);
    }
    let native = site.signed_in(&project, Kind::Api, ADA).await;
    let flow = native.begin("settings", "").await;
    let body = json!({"method": "profile", "traits": {"email": ADA}}).to_string();
    let sent = native
        .send(
            reqwest::Method::POST,
            flow.body["ui"]["action"].as_str().unwrap(),
            Some(("application/json", body.into_bytes())),
            &[("origin", "https://evil.example")],
        )
        .await;
    assert_eq!(sent.status, StatusCode::BAD_REQUEST);
    assert_eq!(sent.messages(), [text::GENERIC]);
    assert!(site.opens(&project, ADA, PASSWORD).await);
}

/// W8.3.
#[story]
async fn an_enrolled_second_factor_must_be_used(site: Site) {
    let project = site.project().await;
    let base = project.base_url();
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        give_second_factor(&project, &email).await;
        let init = if kind == Kind::Api { "api" } else { "browser" };
        let aal2 = format!("{base}/self-service/login/browser?aal=aal2");
        let begun = client.get(&format!("/self-service/settings/{init}")).await;
        let back = format!("/self-service/settings/{init}?return_to={base}/ui/session");
        let begun_to = client.get(&back).await;
        let id = flow.body["id"].as_str().unwrap();
        let seen = client.reread(&flow).await;
        let sent = client
            .submit(
                &flow,
                json!({"method": "profile", "traits": {"email": email}}),
            )
            .await;
        let resumed = client
            .get(&format!("/self-service/settings?flow={id}"))
            .await;
        let to = |answer: &tests::Answer| {
            if kind == Kind::Html {
                answer.location().to_owned()
            } else {
                assert_eq!(answer.error_id(), Some("session_aal2_required"));
                answer.body["redirect_browser_to"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            }
        };
        let return_to = |url: &str| {
            let url: url::Url = url.parse().unwrap();
            let mut pairs = url.query_pairs();
            pairs
                .find(|(n, _)| n == "return_to")
                .map(|(_, v)| v.into_owned())
        };
        assert_eq!(to(&begun), aal2, "{kind:?}");
        let expected = (kind != Kind::Api).then(|| format!("{base}{back}"));
        assert_eq!(return_to(&to(&begun_to)), expected, "{kind:?}");
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
        let page = seen.body["redirect_browser_to"].as_str().unwrap();
        assert_eq!(
            return_to(page),
            Some(format!("{base}/ui/settings?flow={id}"))
        );
        let action = Some(format!("{base}/self-service/settings?flow={id}"));
        assert_eq!(return_to(&to(&sent)), action);
        if kind != Kind::Api {
            assert_eq!(return_to(&to(&resumed)), action);
        }
    }
    let lax = json!({"selfservice": {"flows": {"settings": {"required_aal": "aal1"}}}});
    let project = site.world.configure(&project, lax).await;
    let client = site.signed_in(&project, Kind::Api, "api@example.org").await;
    assert_eq!(client.begin("settings", "").await.status, 200);
}

/// As a second factor would: its facts in the identity's row.
async fn give_second_factor(project: &tenants::Project, email: &str) {
    let mut tx = project.begin().await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar(
        "update identities set factors = factors | 32 where traits ->> 'email' = $1 returning id",
    )
    .bind(email)
    .fetch_one(tx.conn())
    .await
    .unwrap();
    tx.invalidate(id).await.unwrap();
    tx.commit().await.unwrap();
}

/// Who is signed in is asked before which flow it is about.
#[story]
async fn without_a_session_nothing_else_is_asked(site: Site) {
    let project = site.project().await;
    for path in ["/self-service/settings", "/self-service/settings?flow=abc"] {
        let page = site.client(&project, Kind::Html);
        for answer in [
            page.get(path).await,
            page.form(path, &[("method", "profile")]).await,
        ] {
            assert_eq!(answer.status, StatusCode::FOUND, "{path}");
            assert_eq!(
                answer.location(),
                format!("{}/ui/login", project.base_url())
            );
        }
        let script = site.client(&project, Kind::Spa);
        let answer = script.post(path, json!({"method": "profile"})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
