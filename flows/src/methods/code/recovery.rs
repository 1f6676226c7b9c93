//! Recover an account with a code: an address, then the code that was sent there.

use async_trait::async_trait;
use identity::{addresses, schema::Via};
use serde_json::json;

use super::{Code, CodeConfig, choice};
use crate::{
    challenge::{self, Challenge as _, Proof},
    config::Use,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, Step},
    flow::{Flow, PASSED, SENT},
    guard,
    methods::Strategy,
    recovery::{self, ASK, CONFIRM, ENTER, PICK, Recovery},
    submission::Submission,
    ui::{self, Autocomplete, Group, InputNode, InputType, Ui, text},
};

/// What tells a submission of this method that does not name it.
const FIELDS: [&str; 4] = [
    "code",
    "recovery_address",
    "recovery_select_address",
    "recovery_confirm_address",
];

#[async_trait]
impl Strategy<Recovery> for Code {
    fn id(&self) -> &'static str {
        "code"
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Recovery>, ui: &mut Ui) -> Result<(), Halt> {
        let state = &flow.state;
        if state.memory.method != Use::Code {
            return Ok(());
        }
        match flow.step.as_str() {
            ASK | PICK | CONFIRM | ENTER => choice::draw(flow, ui),
            PASSED if !state.entered.is_empty() => choice::draw(flow, ui),
            PASSED | SENT => {
                ui.push(field());
                if !state.by_administrator {
                    ui.push(ui::hidden("method", "code").group(Group::Code));
                }
                ui.push(super::go_on());
                if !state.by_administrator {
                    let again = ui::submit("email", state.memory.address.as_str());
                    ui.push(again.group(Group::Code).label(text::resend_label()));
                }
            }
            _ => {
                let email = ui::input("email", InputType::Email).required();
                ui.push(email.group(Group::Code).label(text::email_label()));
                ui.push(super::go_on());
            }
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Recovery>, submission: &Submission) -> bool {
        let is_code = match submission.method() {
            Some(method) => method == "code",
            None => FIELDS.iter().any(|name| submission.text(name).is_some()),
        };
        is_code && flow.state.memory.method == Use::Code
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Recovery>,
        submission: &Submission,
    ) -> Result<Step<Proof>, Halt> {
        if !cx.project.config::<CodeConfig>().is_enabled() {
            return Err(Error::MethodDisabled.into());
        }
        if !flow.state.by_administrator {
            guard::check_csrf(cx, flow, submission)?;
        }
        let code = submission.text("code");
        match flow.step.as_str() {
            PASSED => over(code.is_some()),
            ASK | PICK | CONFIRM | ENTER => choice::judge(cx, flow, submission).await,
            SENT if flow.state.by_administrator || submission.text("email").is_none() => {
                challenge::use_code(cx, flow, &code.unwrap_or_default()).await
            }
            _ => Ok(Step::Ask(send(cx, flow, submission).await?)),
        }
    }
}

/// A flow that is over says which of the two it was asked for.
fn over(was_code: bool) -> Result<Step<Proof>, Halt> {
    if was_code {
        return Err(challenge::used());
    }
    Err(Error::Spent(Box::new(Recovery::completed())).into())
}

async fn send(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    submission: &Submission,
) -> Result<Effects, Halt> {
    if cx.session.is_some() {
        return Err(recovery::signed_in(cx).into());
    }
    let refuse = |message| Halt::refused(Refusal::at("email", message));
    let typed = submission.text("email");
    let typed = typed.ok_or_else(|| refuse(text::required("email")))?;
    let address = addresses::reachable(&typed).filter(|address| address.via == Via::Email);
    let address = address.ok_or_else(|| refuse(text::invalid_email(&json!(typed))))?;
    let effects = challenge::send(cx, flow, (&typed, &address), true).await?;
    flow.go_to(SENT);
    Ok(effects)
}

/// Where a recovery code is typed.
pub(super) fn field() -> InputNode {
    ui::text_input("code")
        .group(Group::Code)
        .required()
        .pattern("[0-9]+")
        .maxlength(6)
        .autocomplete(Autocomplete::OneTimeCode)
        .label(text::recovery_code_label())
}
