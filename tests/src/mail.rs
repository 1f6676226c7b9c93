//! The mail of a project as its recipients would read it, whether it was sent or not; and messages as flows
//! cause them, without a flow.

use std::time::Duration;

use courier::{
    Cause, Message, Template,
    store::{self, Filter},
};
use identity::schema::{Address, Via};
use serde_json::{Value, json};
use tenants::Project;
use uuid::Uuid;

use crate::Site;

/// One message.
#[derive(Clone, Debug)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// `email` or `sms`.
    pub channel: String,
    /// `verification_code_valid` …
    pub template: String,
    /// The template's variables.
    pub data: Value,
}

impl Letter {
    /// All of a project, newest first.
    pub async fn all(project: &Project) -> Vec<Self> {
        let mut tx = project.begin().await.unwrap();
        let stored = store::list(&mut tx, &Filter::default(), 1000).await;
        let read = stored.unwrap().into_iter().map(|message| Self {
            to: message.to.value,
            channel: message.to.via.as_str().to_owned(),
            template: message.template_type,
            data: message.content.template_data,
        });
        read.collect()
    }

    /// The code in it.
    pub fn code(&self) -> &str {
        let names = [
            "verification_code",
            "recovery_code",
            "login_code",
            "registration_code",
        ];
        let found = names.iter().find_map(|name| self.data[name].as_str());
        found.unwrap_or_else(|| panic!("{} holds no code", self.template))
    }

    /// The link in it.
    pub fn link(&self) -> &str {
        let names = ["verification_url", "recovery_url"];
        let found = names.iter().find_map(|name| self.data[name].as_str());
        found.unwrap_or_else(|| panic!("{} holds no link", self.template))
    }
}

impl Site {
    /// All messages of a project, newest first.
    pub async fn mails(&self, project: &Project) -> Vec<Letter> {
        Letter::all(project).await
    }

    /// The newest message of a project.
    pub async fn mail(&self, project: &Project) -> Letter {
        let mails = Letter::all(project).await;
        mails.into_iter().next().expect("no mail was written")
    }
}

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
pub async fn post(project: &Project, to: &str) -> Uuid {
    let message = login_code(project, to);
    let mut tx = project.begin().await.unwrap();
    courier::enqueue(&mut tx, &message).await.unwrap();
    tx.commit().await.unwrap();
    message.id
}
