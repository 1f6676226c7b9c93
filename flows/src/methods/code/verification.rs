//! Prove an address with a code. A wrong code may be tried again; too many end the flow.

use std::time::Duration;

use async_trait::async_trait;
use identity::{addresses, schema::Via};
use serde_json::json;
use tenants::Tx;

use super::{Code, CodeConfig, ID, fields::VerificationFields};
use crate::{
    engine::{
        address_proof::{self, AddressProof as _, DeliveryMethod},
        attempt::Attempt,
        cx::Cx,
        decision::{Error, Halt, Refusal},
        flow::{Flow, PASSED, SENT},
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
    },
    kinds::verification::{self, Verification},
    ui::{self, Autocomplete, Group, InputType, Ui, text},
};

#[async_trait]
impl Strategy<Verification> for Code {
    fn id(&self) -> &'static str {
        ID
    }

    fn is_enabled(&self, cx: &Cx<'_>) -> bool {
        cx.project.config::<CodeConfig>().is_enabled()
    }

    fn lifespan(&self, cx: &Cx<'_>) -> Option<Duration> {
        Some(cx.project.config::<CodeConfig>().config.lifespan)
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Verification>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.data.proof.method != DeliveryMethod::Code {
            return Ok(());
        }
        match flow.state.as_str() {
            PASSED => ui::draw_continue(ui, Group::Code),
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
        let is_code = if let Some(method) = submission.method() {
            method == ID
        } else {
            let has_code = |fields: VerificationFields| fields.code.is_some();
            submission.read().is_ok_and(has_code)
        };
        is_code && flow.data.proof.method == DeliveryMethod::Code
    }

    /// A code comes without CSRF token as well: it may be typed where the mail was read.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Verification>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Verification>, Halt> {
        if !cx.project.config::<CodeConfig>().is_enabled() {
            return Err(Error::MethodDisabled.into());
        }
        if flow.state == PASSED {
            return Err(Halt::replaced(Verification::completed()));
        }
        let fields: VerificationFields = attempt.submission.read()?;
        if let Some(code) = fields.code {
            let tries_max = cx.project.config::<CodeConfig>().config.max_submissions;
            return address_proof::use_code(cx, flow, attempt, tx, (&code, tries_max)).await;
        }
        drop(tx);
        guard::check_csrf(cx, flow, &attempt.submission)?;
        let Some(typed) = fields.email.or(fields.sms) else {
            let missing = if flow.state == SENT { "code" } else { "email" };
            return Err(Halt::refused(Refusal::at(missing, text::required(missing))));
        };
        let Some(address) = addresses::reachable(&typed) else {
            return Err(Halt::refused(Refusal::at(
                "email",
                text::invalid_email(&json!(typed)),
            )));
        };
        let secret = super::secret(cx, &typed, &address);
        let effects = match verification::send_again(cx, flow, attempt, &secret).await? {
            Some(effects) => effects,
            None => address_proof::send(cx, flow, attempt, secret, true).await?,
        };
        flow.go_to(SENT);
        flow.data.prefilled = None;
        Ok(Step::Ask(effects))
    }
}

fn draw_code(flow: &Flow<Verification>, ui: &mut Ui) {
    let mut code = ui::text_input("code")
        .group(Group::Code)
        .required()
        .autocomplete(Autocomplete::OneTimeCode)
        .label(text::verification_code_label());
    if let Some(prefilled) = &flow.data.prefilled {
        code = code.value(prefilled.as_str());
    }
    let channel = match flow.data.via() {
        Via::Sms if flow.data.announced => "sms",
        Via::Sms | Via::Email => "email",
    };
    ui.push(ui::hidden("method", ID).group(Group::Code))
        .push(code)
        .push(super::go_on())
        .push(
            ui::submit(channel, flow.data.proof.address.as_str())
                .group(Group::Code)
                .label(text::resend_label()),
        );
}
