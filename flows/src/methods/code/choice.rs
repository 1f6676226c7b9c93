//! Recover an account with a code, the newer form: whoever has several addresses chooses one of them,
//! which are not told in full, and types it to show that it is theirs.

use identity::{
    addresses,
    schema::{Address, Via},
};

use super::recovery::field;
use crate::{
    challenge::{self, Proof},
    cx::Cx,
    decision::{Effects, Halt, Refusal, Step},
    flow::Flow,
    recovery::{self, ASK, CONFIRM, Choice, ENTER, PICK, Recovery},
    submission::Submission,
    ui::{self, Group, InputNode, InputType, Ui, text},
};

const NOT_OFFERED: &str = "This is none of the addresses to choose from.";

/// The form of each step.
pub(super) fn draw(flow: &Flow<Recovery>, ui: &mut Ui) {
    match flow.step.as_str() {
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
            let address = flow.state.memory.address.as_str();
            let again = ui::submit("recovery_confirm_address", address);
            ui.push(field())
                .push(super::go_on())
                .push(hidden_method())
                .push(again.group(Group::Code).label(text::resend_label()))
                .push(entered(flow))
                .push(back());
        }
    }
}

fn draw_choices(flow: &Flow<Recovery>, ui: &mut Ui) {
    for choice in &flow.state.choices {
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
    ui::hidden("method", "code").group(Group::Code)
}

fn entered(flow: &Flow<Recovery>) -> InputNode {
    ui::hidden("recovery_address", flow.state.entered.as_str()).group(Group::Code)
}

fn back() -> InputNode {
    let back = ui::submit("screen", "previous").group(Group::Code);
    back.label(text::recovery_back_label())
}

fn chosen(flow: &Flow<Recovery>) -> Option<&Choice> {
    let choices = &flow.state.choices;
    choices
        .iter()
        .find(|choice| choice.token == flow.state.chosen)
}

/// A submission at each step.
pub(super) async fn judge(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    submission: &Submission,
) -> Result<Step<Proof>, Halt> {
    if flow.step == ENTER
        && let Some(code) = submission.text("code")
    {
        return challenge::use_code(cx, flow, &code).await;
    }
    if cx.session.is_some() {
        return Err(recovery::signed_in(cx).into());
    }
    if submission.text("screen").as_deref() == Some("previous") {
        return Ok(go_back(flow));
    }
    let wanted = match flow.step.as_str() {
        ASK => "recovery_address",
        PICK => "recovery_select_address",
        _ => "recovery_confirm_address",
    };
    let Some(given) = submission.text(wanted) else {
        let missing = if flow.step == ENTER { "code" } else { wanted };
        return Err(Halt::refused(Refusal::at(missing, text::required(missing))));
    };
    if flow.step == PICK {
        return pick(cx, flow, &given).await;
    }
    let Some(address) = addresses::reachable(&given) else {
        let refusal = Refusal::at(wanted, text::invalid_email(&given.as_str().into()));
        return Err(Halt::refused(refusal));
    };
    if flow.step == ASK {
        return ask(cx, flow, &given, &address).await;
    }
    send(cx, flow, &given, &address).await
}

/// One screen back: to the choice, if there was one.
fn go_back(flow: &mut Flow<Recovery>) -> Step<Proof> {
    let step = if flow.state.choices.is_empty() || flow.step == PICK {
        ASK
    } else {
        PICK
    };
    flow.go_to(step);
    flow.state.memory.notice = None;
    Step::Ask(Effects::default())
}

/// The first address. Who has several chooses; who has one, or none at all, is sent a code, or so it looks.
async fn ask(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    typed: &str,
    address: &Address,
) -> Result<Step<Proof>, Halt> {
    let choices = recovery::addresses_of(cx, address).await?;
    typed.clone_into(&mut flow.state.entered);
    flow.state.chosen = recovery::token_of(address);
    if choices.len() > 1 {
        flow.state.choices = choices;
        flow.state.memory.notice = None;
        flow.go_to(PICK);
        return Ok(Step::Ask(Effects::default()));
    }
    flow.state.choices = Vec::new();
    send(cx, flow, typed, address).await
}

/// The address that was typed first needs no typing again.
async fn pick(cx: &Cx<'_>, flow: &mut Flow<Recovery>, token: &str) -> Result<Step<Proof>, Halt> {
    if !flow
        .state
        .choices
        .iter()
        .any(|choice| choice.token == token)
    {
        return Err(Halt::refused(Refusal::form(text::generic(NOT_OFFERED))));
    }
    token.clone_into(&mut flow.state.chosen);
    let entered = flow.state.entered.clone();
    if let Some(address) = addresses::reachable(&entered)
        && recovery::token_of(&address) == token
    {
        return send(cx, flow, &entered, &address).await;
    }
    flow.state.memory.notice = None;
    flow.go_to(CONFIRM);
    Ok(Step::Ask(Effects::default()))
}

/// Sent only where it was chosen; an address that is not the chosen one looks no different.
async fn send(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    typed: &str,
    address: &Address,
) -> Result<Step<Proof>, Halt> {
    let is_chosen = recovery::token_of(address) == flow.state.chosen;
    let effects = challenge::send(cx, flow, (typed, address), is_chosen).await?;
    flow.go_to(ENTER);
    Ok(Step::Ask(effects))
}
