//! Who a request is said to come from, and who is believed.

use api::ApiSettings;
use reqwest::Method;
use tenants::Project;
use tests::{ADA, Kind, PASSWORD, Site, story};

use super::site;

const FORGED: [(&str, &str); 3] = [
    ("x-forwarded-for", "203.0.113.7"),
    ("true-client-ip", "203.0.113.8"),
    ("x-real-ip", "203.0.113.9"),
];

/// Behind a proxy that names the client in that header.
async fn behind(header: &str) -> (Site, Project) {
    let site = site(ApiSettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        client_ip_header: header.parse().unwrap(),
        ..ApiSettings::default()
    })
    .await;
    let project = with_ada(&site).await;
    (site, project)
}

async fn with_ada(site: &Site) -> Project {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    native.sign_up(ADA, PASSWORD).await;
    project
}

/// The address that a new session of a request with these headers notes.
async fn noted(site: &Site, project: &Project, headers: &[(&'static str, &str)]) -> String {
    let mut native = site.client(project, Kind::Api);
    for (name, value) in headers {
        native.set_header(name, value);
    }
    let answer = native.sign_in(ADA, PASSWORD).await;
    let device = &answer.body["session"]["devices"][0];
    device["ip_address"].as_str().unwrap().to_owned()
}

#[story]
async fn a_stranger_is_not_believed_whatever_it_says() {
    let site = Site::new().await;
    let project = with_ada(&site).await;
    for header in FORGED {
        let address = noted(&site, &project, &[header]).await;
        assert!(address.starts_with("127.0.0.1:"), "{header:?}: {address}");
    }
    site.finish().await;
}

#[story]
async fn one_header_of_a_trusted_proxy_says_who_the_client_is() {
    let (site, project) = behind("X-Forwarded-For").await;
    assert_eq!(noted(&site, &project, &FORGED).await, "203.0.113.7");
    for header in &FORGED[1..] {
        let address = noted(&site, &project, &[*header]).await;
        assert!(address.starts_with("127.0.0.1:"), "{header:?}: {address}");
    }
    for (said, noted_as) in [
        // The visitor wrote the first; the proxy appended the peer it saw.
        ("198.51.100.1, 203.0.113.7, 127.0.0.2", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7:5555", "203.0.113.7"),
        ("203.0.113.7, [2001:db8::2]", "2001:db8::2"),
        ("203.0.113.7, [2001:db8::2]:4711", "2001:db8::2"),
        ("203.0.113.7, nonsense", "127.0.0.1:"),
        ("203.0.113.7, unknown", "127.0.0.1:"),
    ] {
        let address = noted(&site, &project, &[("x-forwarded-for", said)]).await;
        assert!(address.starts_with(noted_as), "{said}: {address}");
    }
    // Neither host nor scheme of a request ever makes an address.
    let flow = site
        .client(&project, Kind::Spa)
        .send(
            Method::GET,
            "/self-service/login/browser",
            None,
            &[
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-proto", "gopher"),
            ],
        )
        .await;
    assert!(
        !flow.text.contains("evil.example") && !flow.text.contains("gopher"),
        "{}",
        flow.text
    );
    site.finish().await;
}

#[story]
async fn a_header_of_another_name_is_one_address() {
    let (site, project) = behind("True-Client-IP").await;
    assert_eq!(noted(&site, &project, &FORGED).await, "203.0.113.8");
    for (said, noted_as) in [
        ("203.0.113.8:5555", "203.0.113.8"),
        ("[2001:db8::2]:4711", "2001:db8::2"),
        ("203.0.113.8, 203.0.113.9", "127.0.0.1:"),
    ] {
        let headers = [("true-client-ip", said), FORGED[0]];
        let address = noted(&site, &project, &headers).await;
        assert!(address.starts_with(noted_as), "{said}: {address}");
    }
    site.finish().await;
}
