//! Browsers and networks that an account was signed in from: who becomes known, to whom, and what for.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Answer, BOB, Client, Kind, PASSWORD, Site, mailbox, story};

use super::floods::{behind_a_proxy, visitor};
use crate::methods::code::{limits::limited, make};

const HERE: &str = "198.51.100.7";
const WRONG: &str = "wrong-horse-battery";

fn schema(properties: &Value) -> Value {
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": properties}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "s", "schemas": [{"id": "s", "url": url}]}})
}

/// The cookie by which a browser is known, if it has one.
fn known_by(browser: &Client) -> Option<(String, String)> {
    let mut cookies = browser.cookies().into_iter();
    cookies.find(|(name, _)| name.starts_with("insula_browser_"))
}

/// A browser that signed in to that account, and has nothing left of it but the cookie it is known by.
async fn known(site: &Site, project: &Project, who: &str) -> Client {
    let page = visitor(site, project, Kind::Spa, HERE);
    page.sign_in(who, PASSWORD).await;
    let (name, value) = known_by(&page).unwrap();
    page.forget_cookies();
    page.set_cookie(&name, &value);
    page
}

fn has_to_wait(answer: &Answer) -> bool {
    answer.status == StatusCode::TOO_MANY_REQUESTS
}

#[story(behind_a_proxy())]
async fn a_user_name_makes_nobody_known_to_an_address(site: Site) {
    let identifier = json!({"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let email = json!({"type": "string", "format": "email", "ory.sh/kratos": {"recovery": {"via": "email"}}});
    let mut patch = schema(&json!({"username": identifier, "email": email}));
    patch["selfservice"] = json!({"flows": {"recovery": {"enabled": true}}});
    let project = site.project_with(patch).await;
    let signs_up = async |username: &str, email: &str| {
        let page = visitor(&site, &project, Kind::Spa, "192.0.2.9");
        let flow = page.begin("registration", "").await;
        let traits = json!({"username": username, "email": email});
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        page.submit(&flow, fields).await;
    };
    signs_up("ada", ADA).await;
    signs_up(ADA, BOB).await;

    let mut caused = 0;
    for _ in 0..15 {
        let page = known(&site, &project, ADA).await;
        let flow = page.begin("recovery", "").await;
        let asked = json!({"method": "code", "email": ADA});
        let asked = page.submit(&flow, asked).await;
        caused += usize::from(!has_to_wait(&asked));
    }
    assert_eq!(caused, 10, "as any stranger from one network");
    let mails = mailbox::all(&project).await;
    assert_eq!(mails.iter().filter(|mail| mail.to == ADA).count(), 10);
    site.world.sweep().await;
}

/// An attacker who has the password has tries at the second factor as one network has, from wherever.
#[story(behind_a_proxy())]
async fn the_first_factor_makes_nobody_known_to_who_has_a_second(site: Site) {
    let second = json!({"selfservice": {"methods": {"code": {"passwordless_enabled": false, "mfa_enabled": true}}}});
    let project = site
        .project_with(merged(
            &limited(&json!({"guesses": {"per_identifier": 10}, "mails": {"per_address": 10}})),
            &second,
        ))
        .await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let (mut mails, mut guesses) = (0, 0);
    for number in 0..12 {
        let page = visitor(&site, &project, Kind::Spa, &format!("198.51.100.{number}"));
        page.sign_in(ADA, PASSWORD).await;
        assert_eq!(known_by(&page), None, "a first factor alone");
        let flow = page.begin("login", "?aal=aal2").await;
        if flow.body["state"] != "sent_email" {
            continue;
        }
        mails += 1;
        for _ in 0..3 {
            let wrong = json!({"method": "code", "code": "000000"});
            let wrong = page.submit(&flow, wrong).await;
            guesses += usize::from(!has_to_wait(&wrong));
        }
    }
    assert_eq!((mails, guesses), (10, 10), "from all networks together");

    // The owner's browser is known once it has shown both, and then waits for no stranger.
    site.world.clock.advance(TimeDelta::hours(1));
    let page = visitor(&site, &project, Kind::Spa, "192.0.2.1");
    page.sign_in(ADA, PASSWORD).await;
    let flow = page.begin("login", "?aal=aal2").await;
    let code = mailbox::code_to(&project, ADA).await;
    let brings = json!({"method": "code", "code": code});
    page.submit(&flow, brings).await;
    assert!(known_by(&page).is_some());
    site.world.sweep().await;
}

#[story(behind_a_proxy())]
async fn known_browsers_share_what_they_may_guess(site: Site) {
    let project = site.project_with(tests::cheap(json!({}))).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(known(&site, &project, ADA).await);
    }
    let mut judged = 0;
    for page in &mut all {
        page.set_header("x-forwarded-for", "203.0.113.77");
        for _ in 0..10 {
            judged += usize::from(!has_to_wait(&page.sign_in(ADA, WRONG).await));
        }
    }
    assert_eq!(judged, 10, "as one network has");
    site.world.sweep().await;
}
