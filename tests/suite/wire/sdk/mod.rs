//! The official Rust SDK, unmodified: every function of it that is served here, its answers compared field
//! by field as the crate decoded them.
//!
//! The crate's unions cannot decode, whichever server answers ([`undecodable`]): flows and `continue_with`
//! are read into its other types one part at a time.

mod admin;
mod challenges;
mod codes;
mod missing;
mod native;
mod script;
mod settings;

use std::fmt::Debug;

use ory_kratos_client::{
    apis::{
        Error, ResponseContent,
        configuration::{ApiKey, Configuration},
    },
    models::{UiNode, UiNodeAttributes, UiNodeInputAttributes},
};
use reqwest_0_12::{
    self as reqwest,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tenants::Project;
use tests::ROOT_KEY;

/// How the crate presents itself.
const AGENT: &str = "OpenAPI-Generator/v26.2.0/rust";

/// The SDK at a project, with an HTTP client of the application's. A browser keeps cookies and asks for
/// JSON: the crate itself sends no `Accept`.
#[expect(
    clippy::disallowed_methods,
    reason = "a test client on loopback; the ban is on calls that projects cause"
)]
fn sdk(project: &Project, browser: bool) -> Configuration {
    let mut headers = HeaderMap::new();
    if browser {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    }
    let client = reqwest::Client::builder()
        .cookie_store(browser)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    Configuration {
        base_path: project.base_url().to_owned(),
        client,
        ..Configuration::default()
    }
}

/// An application, or a server, without cookies of its own.
fn native_app(project: &Project) -> Configuration {
    sdk(project, false)
}

/// A script in a browser.
fn browser(project: &Project) -> Configuration {
    sdk(project, true)
}

/// A back office with the installation's key.
pub(crate) fn office(project: &Project) -> Configuration {
    Configuration {
        api_key: Some(ApiKey {
            prefix: Some("Bearer".to_owned()),
            key: ROOT_KEY.to_owned(),
        }),
        ..native_app(project)
    }
}

/// What the crate can never decode: its unions take the tag for themselves, and the variants ask for it
/// again (issue 3 of ory/kratos-client-rust, open since 2022). When this fails the crate was mended, and
/// the fields can be compared where this is called.
fn undecodable<T: Debug, E: Debug>(answer: Result<T, Error<E>>, tag: &str) {
    match answer {
        Err(Error::Serde(error)) => assert!(
            error
                .to_string()
                .starts_with(&format!("missing field `{tag}`")),
            "{error}"
        ),
        other => panic!("{other:?}"),
    }
}

/// The answer to a call that has to be refused.
fn refused<T: Debug, E: Debug>(answer: Result<T, Error<E>>) -> ResponseContent<E> {
    match answer {
        Err(Error::ResponseError(content)) => content,
        other => panic!("{other:?}"),
    }
}

/// A message's id as the crate decodes it.
fn id(text: u64) -> i64 {
    i64::try_from(text).unwrap()
}

/// A flow in the crate's own types, and its nodes.
fn flow<F: DeserializeOwned>(text: &str) -> (F, Vec<UiNode>) {
    let mut body: Value = serde_json::from_str(text).unwrap();
    let nodes = std::mem::replace(&mut body["ui"]["nodes"], Value::Array(Vec::new()));
    let Value::Array(nodes) = nodes else {
        panic!("no nodes: {text}")
    };
    let flow = serde_json::from_value(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    (flow, nodes.into_iter().map(node).collect())
}

fn node(mut node: Value) -> UiNode {
    let attributes = node["attributes"].take();
    assert_eq!(attributes["node_type"], node["type"]);
    let part = |name: &str| node[name].clone();
    UiNode {
        attributes: Box::new(UiNodeAttributes::Input(
            serde_json::from_value(attributes).unwrap(),
        )),
        group: serde_json::from_value(part("group")).unwrap(),
        messages: serde_json::from_value(part("messages")).unwrap(),
        meta: serde_json::from_value(part("meta")).unwrap(),
        r#type: serde_json::from_value(part("type")).unwrap(),
    }
}

/// The node of that name and its attributes.
fn input<'n>(nodes: &'n [UiNode], name: &str) -> (&'n UiNode, &'n UiNodeInputAttributes) {
    let named = nodes.iter().find_map(|node| match &*node.attributes {
        UiNodeAttributes::Input(attributes) if attributes.name == name => {
            Some((node, &**attributes))
        }
        _ => None,
    });
    named.unwrap_or_else(|| panic!("no node {name}"))
}

/// A flow as the server tells it: begun by the crate's own HTTP client, cookies and all.
async fn begin<F: DeserializeOwned>(sdk: &Configuration, path: &str) -> (F, Vec<UiNode>) {
    let url = format!("{}/self-service/{path}", sdk.base_path);
    let response = sdk.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    flow(&response.text().await.unwrap())
}
