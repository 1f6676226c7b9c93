//! Change what is stored, as the three kinds of client see it. Trap numbers are those of the contract
//! (self-service 15).

mod account;
mod flow;
mod notices;
mod password;
mod pending_change;
mod pending_change_outdated;
mod profile;
mod races;
mod reauthentication;

use serde_json::{Value, json};
use tests::{Answer, Client, Kind, Site};

use tenants::Project;

pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct-horse-battery";
pub(crate) const OTHER_PASSWORD: &str = "a-better-staple-now";

/// E-mail, a name and a box to tick.
pub(crate) fn basic() -> Value {
    json!({"identity": {"default_schema_id": "preset://basic"}})
}

/// Somebody signed in. An API client carries the token.
pub(crate) async fn person(site: &Site, project: &Project, kind: Kind, email: &str) -> Client {
    let mut client = site.client(project, kind);
    let signed_up = client.sign_up(email, PASSWORD).await;
    keep_token(&mut client, kind, &signed_up);
    client
}

/// Somebody who signed up elsewhere signs in.
pub(crate) async fn signed_in(site: &Site, project: &Project, kind: Kind, email: &str) -> Client {
    let mut client = site.client(project, kind);
    let signed_in = client.sign_in(email, PASSWORD).await;
    keep_token(&mut client, kind, &signed_in);
    client
}

fn keep_token(client: &mut Client, kind: Kind, answer: &Answer) {
    if kind == Kind::Api {
        client.set_header(
            "x-session-token",
            answer.body["session_token"].as_str().unwrap(),
        );
    }
}

/// The flow as it is now: what a browser's page draws after a redirect.
pub(crate) async fn read(client: &Client, flow: &Answer) -> Answer {
    let id = flow.body["id"].as_str().unwrap();
    client
        .get(&format!("/self-service/settings/flows?id={id}"))
        .await
}

/// Submit, and see the form: in the answer, or behind the redirect.
pub(crate) async fn submitted(client: &Client, kind: Kind, flow: &Answer, fields: Value) -> Answer {
    let answer = client.submit(flow, fields).await;
    if kind != Kind::Html {
        return answer;
    }
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(
        answer.location_query("flow").as_deref(),
        flow.body["id"].as_str(),
        "back to the form, not {}",
        answer.location()
    );
    read(client, flow).await
}

/// Authenticate once more in the same session.
pub(crate) async fn refresh(client: &Client, email: &str, password: &str) -> Answer {
    let flow = client.begin("login", "?refresh=true").await;
    let fields = json!({"method": "password", "identifier": email, "password": password});
    client.submit(&flow, fields).await
}

/// Whoever is signed in, as a session check sees them.
pub(crate) async fn whoami(client: &Client) -> Answer {
    client.get("/sessions/whoami").await
}

/// Does that password open the account?
pub(crate) async fn opens(site: &Site, project: &Project, email: &str, password: &str) -> bool {
    let stranger = site.client(project, Kind::Spa);
    stranger.sign_in(email, password).await.status == 200
}
