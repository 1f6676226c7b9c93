//! Messages as flows cause them, without a flow.

use std::time::Duration;

use courier::{Cause, Message, Template};
use identity::schema::{Address, Via};
use serde_json::json;
use tenants::Project;
use uuid::Uuid;

/// The code in [`login_code`].
pub const CODE: &str = "314159";

/// A rendered sign-in code to that address.
pub fn login_code(project: &Project, to: &str) -> Message {
    let via = if to.contains('@') {
        Via::Email
    } else {
        Via::Sms
    };
    let to = Address {
        via,
        value: to.to_owned(),
    };
    let template = Template::LoginCodeValid {
        code: CODE.to_owned().into(),
        expires_in: Duration::from_mins(15),
    };
    let cause = Cause {
        identity: None,
        request_url: &format!("{}/self-service/login/browser", project.base_url()),
        transient_payload: None,
        accept_language: None,
        request_headers: &json!({}),
    };
    courier::render(project, &to, template, &cause).unwrap()
}

/// A sign-in code to that address, stored, and its sending asked for.
pub async fn enqueue(project: &Project, to: &str) -> Uuid {
    let message = login_code(project, to);
    let mut tx = project.begin().await.unwrap();
    courier::enqueue(&mut tx, &message).await.unwrap();
    tx.commit().await.unwrap();
    message.id
}
