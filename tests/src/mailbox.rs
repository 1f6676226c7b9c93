//! The mail of a project as its recipients read it, whether it was sent or not.

use courier::store::{self, Filter};
use serde_json::Value;
use tenants::Project;

/// One message.
#[derive(Clone, Debug)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// `email` or `sms`.
    pub channel: String,
    /// `verification_code_valid` …
    pub template: String,
    /// The template's variables.
    pub data: Value,
}

impl Mail {
    /// The code in it.
    pub fn code(&self) -> &str {
        let names = [
            "verification_code",
            "recovery_code",
            "login_code",
            "registration_code",
        ];
        self.first_of(&names, "code")
    }

    /// The link in it.
    pub fn link(&self) -> &str {
        self.first_of(&["verification_url", "recovery_url"], "link")
    }

    fn first_of(&self, names: &[&str], what: &str) -> &str {
        let found = names.iter().find_map(|name| self.data[name].as_str());
        found.unwrap_or_else(|| panic!("{} holds no {what}", self.template))
    }
}

/// All mail of a project, newest first.
pub async fn all(project: &Project) -> Vec<Mail> {
    let mut tx = project.begin().await.unwrap();
    let stored = store::list(&mut tx, &Filter::default(), 1000).await;
    let read = stored.unwrap().into_iter().map(|message| Mail {
        to: message.to.value,
        channel: message.to.via.as_str().to_owned(),
        template: message.template_type,
        data: message.content.template_data,
    });
    read.collect()
}

/// How much there is.
pub async fn count(project: &Project) -> usize {
    all(project).await.len()
}

/// The newest mail of a project.
pub async fn newest(project: &Project) -> Mail {
    let mails = all(project).await;
    mails.into_iter().next().expect("no mail was written")
}

/// The code in the newest mail.
pub async fn code(project: &Project) -> String {
    newest(project).await.code().to_owned()
}

/// The link in the newest mail.
pub async fn link(project: &Project) -> String {
    newest(project).await.link().to_owned()
}

/// The code that was sent to that address last.
pub async fn code_to(project: &Project, recipient: &str) -> String {
    let mails = all(project).await;
    let mail = mails.iter().find(|mail| mail.to == recipient);
    let mail = mail.unwrap_or_else(|| panic!("nothing was sent to {recipient}"));
    mail.code().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mail_holds_a_code_or_a_link() {
        let mail = |data: Value| Mail {
            to: "ada@example.org".to_owned(),
            channel: "email".to_owned(),
            template: "x".to_owned(),
            data,
        };
        assert_eq!(mail(json!({"login_code": "123456"})).code(), "123456");
        assert_eq!(mail(json!({"recovery_url": "http://x"})).link(), "http://x");
    }
}
