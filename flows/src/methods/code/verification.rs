//! Prove an address with a code. A wrong code may be tried again; too many end the flow.

use async_trait::async_trait;
use identity::{addresses, schema::Via};
use serde_json::json;

use super::{Code, CodeConfig};
use crate::{
    challenge::{self, Challenge as _, Proof},
    config::Use,
    cx::Cx,
    decision::{Error, Halt, Refusal, Step},
    flow::{Flow, PASSED, SENT},
    guard,
    methods::{self, Strategy},
    submission::Submission,
    ui::{self, Autocomplete, Group, InputType, Ui, text},
    verification::{self, Verification},
};

#[async_trait]
impl Strategy<Verification> for Code {
    fn id(&self) -> &'static str {
        "code"
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Verification>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.state.memory.method != Use::Code {
            return Ok(());
        }
        match flow.step.as_str() {
            PASSED => methods::draw_continue(ui, Group::Code),
            SENT => draw_code(flow, ui),
            _ => {
                let email = ui::input("email", InputType::Email).required();
                ui.push(email.group(Group::Code).label(text::email_label()));
                ui.push(super::go_on());
            }
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Verification>, submission: &Submission) -> bool {
        let is_code = match submission.method() {
            Some(method) => method == "code",
            None => submission.text("code").is_some(),
        };
        is_code && flow.state.memory.method == Use::Code
    }

    /// A code comes without CSRF token as well: it may be typed where the mail was read.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Verification>,
        submission: &Submission,
    ) -> Result<Step<Proof>, Halt> {
        if !cx.project.config::<CodeConfig>().is_enabled() {
            return Err(Error::MethodDisabled.into());
        }
        if flow.step == PASSED {
            return Err(Error::Spent(Box::new(Verification::completed())).into());
        }
        if let Some(code) = submission.text("code") {
            return challenge::use_code(cx, flow, &code).await;
        }
        guard::check_csrf(cx, flow, submission)?;
        let typed = submission.text("email").or_else(|| submission.text("sms"));
        let Some(typed) = typed else {
            let missing = if flow.step == SENT { "code" } else { "email" };
            return Err(Halt::refused(Refusal::at(missing, text::required(missing))));
        };
        let Some(address) = addresses::reachable(&typed) else {
            return Err(Halt::refused(Refusal::at(
                "email",
                text::invalid_email(&json!(typed)),
            )));
        };
        let effects = match verification::send_again(cx, flow).await? {
            Some(effects) => effects,
            None => challenge::send(cx, flow, (&typed, &address), true).await?,
        };
        flow.go_to(SENT);
        flow.state.prefilled = None;
        Ok(Step::Ask(effects))
    }
}

fn draw_code(flow: &Flow<Verification>, ui: &mut Ui) {
    let mut code = ui::text_input("code")
        .group(Group::Code)
        .required()
        .autocomplete(Autocomplete::OneTimeCode)
        .label(text::verification_code_label());
    if let Some(prefilled) = &flow.state.prefilled {
        code = code.value(prefilled.as_str());
    }
    let channel = match flow.state.via() {
        Via::Sms if flow.state.announced => "sms",
        Via::Sms | Via::Email => "email",
    };
    ui.push(ui::hidden("method", "code").group(Group::Code))
        .push(code)
        .push(super::go_on())
        .push(
            ui::submit(channel, flow.state.memory.address.as_str())
                .group(Group::Code)
                .label(text::resend_label()),
        );
}
