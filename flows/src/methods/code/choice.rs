//! Recover an account with a code, the newer form: an owner of several addresses chooses one of them,
//! which are not told in full, and types it to show to know it.

use identity::{
    addresses,
    schema::{Address, Via},
};
use tenants::Tx;

use super::{CodeConfig, fields::RecoveryFields, form};
use crate::{
    engine::{
        address_proof,
        attempt::Attempt,
        begin::signed_in_already,
        cx::Cx,
        decision::{Effects, Halt, Refusal},
        flow::Flow,
        strategy::Step,
    },
    kinds::recovery::{self, ASK, CONFIRM, Choice, ENTER, PICK, Recovery},
    ui::{self, Group, InputNode, InputType, Ui, text},
};

/// The screen before this one.
const PREVIOUS: &str = "previous";

/// The form of each step.
pub(super) fn draw(flow: &Flow<Recovery>, ui: &mut Ui) {
    match flow.state.as_str() {
        ASK => {
            let address = ui::text_input("recovery_address").required();
            ui.push(
                address
                    .group(Group::Code)
                    .label(text::recovery_address_label()),
            );
            ui.push(super::go_on());
        }
        PICK => draw_choices(flow, ui),
        CONFIRM => {
            ui.push(typed_again(flow))
                .push(entered(flow))
                .push(super::go_on())
                .push(hidden_method())
                .push(back());
        }
        _ => {
            let address = flow.data.proof.address.as_str();
            let again = ui::submit("recovery_confirm_address", address);
            ui.push(form::recovery_code())
                .push(super::go_on())
                .push(hidden_method())
                .push(again.group(Group::Code).label(text::resend_label()))
                .push(entered(flow))
                .push(back());
        }
    }
}

fn draw_choices(flow: &Flow<Recovery>, ui: &mut Ui) {
    for choice in &flow.data.choices {
        let button = ui::submit("recovery_select_address", choice.token.as_str());
        let label = text::literal_label(&choice.masked);
        ui.push(button.group(Group::Code).label(label));
    }
    ui.push(hidden_method()).push(entered(flow));
}

/// Empty: the address in full is what only its owner knows.
fn typed_again(flow: &Flow<Recovery>) -> InputNode {
    let (kind, label) = match chosen(flow).map(|choice| choice.via) {
        Some(Via::Sms) => (InputType::Tel, text::phone_label()),
        _ => (InputType::Email, text::email_label()),
    };
    let field = ui::input("recovery_confirm_address", kind).required();
    field.value("").group(Group::Code).label(label)
}

fn hidden_method() -> InputNode {
    ui::hidden("method", super::ID).group(Group::Code)
}

fn entered(flow: &Flow<Recovery>) -> InputNode {
    ui::hidden("recovery_address", flow.data.entered.as_str()).group(Group::Code)
}

fn back() -> InputNode {
    let back = ui::submit("screen", PREVIOUS).group(Group::Code);
    back.label(text::recovery_back_label())
}

fn chosen(flow: &Flow<Recovery>) -> Option<&Choice> {
    let choices = &flow.data.choices;
    choices
        .iter()
        .find(|choice| choice.token == flow.data.chosen)
}

/// A submission at each step.
pub(super) async fn judge(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    attempt: &mut Attempt,
    tx: Tx,
    fields: RecoveryFields,
) -> Result<Step<Recovery>, Halt> {
    if flow.state == ENTER
        && let Some(code) = fields.code
    {
        let tries_max = cx.project.config::<CodeConfig>().config.max_submissions;
        return address_proof::use_code(cx, flow, attempt, tx, (&code, tries_max)).await;
    }
    drop(tx);
    if cx.session.is_some() {
        return Err(signed_in_already(cx, None).into());
    }
    if fields.screen.as_deref() == Some(PREVIOUS) {
        return Ok(go_back(flow));
    }
    let (wanted, given) = match flow.state.as_str() {
        ASK => ("recovery_address", fields.recovery_address),
        PICK => ("recovery_select_address", fields.recovery_select_address),
        _ => ("recovery_confirm_address", fields.recovery_confirm_address),
    };
    let Some(given) = given else {
        let missing = if flow.state == ENTER { "code" } else { wanted };
        return Err(Halt::refused(Refusal::at(missing, text::required(missing))));
    };
    if flow.state == PICK {
        return pick(cx, flow, attempt, &given).await;
    }
    let Some(address) = addresses::reachable(&given) else {
        let refusal = Refusal::at(wanted, text::invalid_email(&given.as_str().into()));
        return Err(Halt::refused(refusal));
    };
    if flow.state == ASK {
        return ask(cx, flow, attempt, (&given, &address)).await;
    }
    send(cx, flow, attempt, (&given, &address)).await
}

/// One screen back: to the choice, if there was one.
fn go_back(flow: &mut Flow<Recovery>) -> Step<Recovery> {
    let state = if flow.data.choices.is_empty() || flow.state == PICK {
        ASK
    } else {
        PICK
    };
    flow.go_to(state);
    flow.data.proof.notice = None;
    Step::Ask(Effects::default())
}

/// The first address. Who has several chooses; who has one, or none at all, is sent a code, or so it looks.
async fn ask(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    attempt: &mut Attempt,
    (typed, address): (&str, &Address),
) -> Result<Step<Recovery>, Halt> {
    let choices = recovery::addresses_of(cx, address).await?;
    typed.clone_into(&mut flow.data.entered);
    flow.data.chosen = recovery::token_of(address);
    if choices.len() > 1 {
        flow.data.choices = choices;
        flow.data.proof.notice = None;
        flow.go_to(PICK);
        return Ok(Step::Ask(Effects::default()));
    }
    flow.data.choices = Vec::new();
    send(cx, flow, attempt, (typed, address)).await
}

/// The address that was typed first needs no typing again.
async fn pick(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    attempt: &mut Attempt,
    token: &str,
) -> Result<Step<Recovery>, Halt> {
    if !flow.data.choices.iter().any(|choice| choice.token == token) {
        return Err(Halt::refused(Refusal::form(text::address_not_offered())));
    }
    token.clone_into(&mut flow.data.chosen);
    let entered = flow.data.entered.clone();
    if let Some(address) = addresses::reachable(&entered)
        && recovery::token_of(&address) == token
    {
        return send(cx, flow, attempt, (&entered, &address)).await;
    }
    flow.data.proof.notice = None;
    flow.go_to(CONFIRM);
    Ok(Step::Ask(Effects::default()))
}

/// Sent only where it was chosen; an address that is not the chosen one looks no different.
async fn send(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    attempt: &mut Attempt,
    (typed, address): (&str, &Address),
) -> Result<Step<Recovery>, Halt> {
    let is_chosen = recovery::token_of(address) == flow.data.chosen;
    let secret = super::secret(cx, typed, address);
    let effects = address_proof::send(cx, flow, attempt, secret, is_chosen).await?;
    flow.go_to(ENTER);
    Ok(Step::Ask(effects))
}
