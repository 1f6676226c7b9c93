//! Recover an account with a code: an address, then the code that was sent there.

use std::time::Duration;

use async_trait::async_trait;
use identity::{addresses, schema::Via};
use serde_json::json;
use tenants::Tx;

use super::{Code, CodeConfig, ID, choice, fields::RecoveryFields, form};
use crate::{
    engine::{
        address_proof::{self, AddressProof as _, DeliveryMethod},
        attempt::Attempt,
        begin::signed_in_already,
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal},
        flow::{Flow, PASSED, SENT},
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
    },
    kinds::recovery::{ASK, CONFIRM, ENTER, PICK, Recovery},
    ui::{self, Group, InputType, Ui, text},
};

#[async_trait]
impl Strategy<Recovery> for Code {
    fn id(&self) -> &'static str {
        ID
    }

    fn is_enabled(&self, cx: &Cx<'_>) -> bool {
        cx.project.config::<CodeConfig>().is_enabled()
    }

    fn lifespan(&self, cx: &Cx<'_>) -> Option<Duration> {
        Some(cx.project.config::<CodeConfig>().config.lifespan)
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Recovery>, ui: &mut Ui) -> Result<(), Halt> {
        let state = &flow.data;
        if state.proof.method != DeliveryMethod::Code {
            return Ok(());
        }
        match flow.state.as_str() {
            ASK | PICK | CONFIRM | ENTER => choice::draw(flow, ui),
            PASSED if !state.entered.is_empty() => choice::draw(flow, ui),
            PASSED | SENT => {
                ui.push(form::recovery_code());
                if !state.by_administrator {
                    ui.push(ui::hidden("method", ID).group(Group::Code));
                }
                ui.push(super::go_on());
                if !state.by_administrator {
                    let again = ui::submit("email", state.proof.address.as_str());
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
        let is_code = if let Some(method) = submission.method() {
            method == ID
        } else {
            let tells = |fields: RecoveryFields| fields.are_telling();
            submission.read().is_ok_and(tells)
        };
        is_code && flow.data.proof.method == DeliveryMethod::Code
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Recovery>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Recovery>, Halt> {
        if !cx.project.config::<CodeConfig>().is_enabled() {
            return Err(Error::MethodDisabled.into());
        }
        if !flow.data.by_administrator {
            guard::check_csrf(cx, flow, &attempt.submission)?;
        }
        let fields: RecoveryFields = attempt.submission.read()?;
        match flow.state.as_str() {
            PASSED => over(fields.code.is_some()),
            ASK | PICK | CONFIRM | ENTER => choice::judge(cx, flow, attempt, tx, fields).await,
            SENT if flow.data.by_administrator || fields.email.is_none() => {
                let tries_max = cx.project.config::<CodeConfig>().config.max_submissions;
                let code = fields.code.unwrap_or_default();
                address_proof::use_code(cx, flow, attempt, tx, (&code, tries_max)).await
            }
            _ => {
                drop(tx);
                Ok(Step::Ask(send(cx, flow, attempt, fields.email).await?))
            }
        }
    }
}

/// A flow that is over says which of the two it was asked for.
fn over(was_code: bool) -> Result<Step<Recovery>, Halt> {
    Err(if was_code {
        address_proof::used()
    } else {
        Halt::replaced(Recovery::completed())
    })
}

async fn send(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    attempt: &mut Attempt,
    typed: Option<String>,
) -> Result<Effects, Halt> {
    if cx.session.is_some() {
        return Err(signed_in_already(cx, None).into());
    }
    let refuse = |message| Halt::refused(Refusal::at("email", message));
    let typed = typed.ok_or_else(|| refuse(text::required("email")))?;
    let address = addresses::reachable(&typed).filter(|address| address.via == Via::Email);
    let address = address.ok_or_else(|| refuse(text::invalid_email(&json!(typed))))?;
    let secret = super::secret(cx, &typed, &address);
    let effects = address_proof::send(cx, flow, attempt, secret, true).await?;
    flow.go_to(SENT);
    Ok(effects)
}
