//! Delete one's account: confirmed by typing, and soon after authenticating.

use std::sync::Arc;

use async_trait::async_trait;
use identity::{identities::store, normalize};
use serde_json::Value;

use super::{Account, AccountConfig};
use crate::{
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, Step, Write},
    flow::Flow,
    guard,
    methods::Strategy,
    settings::{self, Change, Settings},
    submission::Submission,
    ui::{self, Group, Ui, text},
};

/// The field that somebody types into to confirm.
const CONFIRMATION: &str = "account_confirmation";
/// What they type when they have no address.
const WORD: &str = "DELETE";

#[async_trait]
impl Strategy<Settings> for Account {
    fn id(&self) -> &'static str {
        "account"
    }

    /// In the group of the profile, and not required: other clients show one form for each group, with what
    /// is in `default` in every one of them.
    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Settings>, ui: &mut Ui) -> Result<(), Halt> {
        if !cx.project.config::<AccountConfig>().delete {
            return Ok(());
        }
        ui.push(
            ui::text_input(CONFIRMATION)
                .group(Group::Profile)
                .label(text::account_confirmation_label(expected(flow))),
        )
        .push(
            ui::submit("method", "account")
                .group(Group::Profile)
                .label(text::account_delete_label()),
        );
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Settings>, submission: &Submission) -> bool {
        submission.method() == Some("account")
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Settings>,
        submission: &Submission,
    ) -> Result<Step<Change>, Halt> {
        if !cx.project.config::<AccountConfig>().delete {
            return Err(Error::MethodDisabled.into());
        }
        let typed = submission.text(CONFIRMATION).unwrap_or_default();
        if normalize::identifier(&typed) != normalize::identifier(expected(flow)) {
            let refusal = Refusal::at(CONFIRMATION, text::account_not_confirmed());
            return Err(Halt::refused(refusal));
        }
        guard::check_csrf(cx, flow, submission)?;
        settings::check_privileged(cx, flow, false)?;
        let identity_id = flow.state.identity_id;
        let mut tx = cx.project.begin().await?;
        let before = store::get(&mut tx, identity_id).await?;
        drop(tx);
        Ok(Step::Decided(Change {
            method: "account",
            before: Arc::new(before.ok_or(Error::SessionMissing)?),
            after: None,
            judged: None,
            effects: Effects(vec![Write::DeleteIdentity { identity_id }]),
            held: None,
        }))
    }
}

/// An address of the person's, as they see it in the same form.
fn expected(flow: &Flow<Settings>) -> &str {
    let first = |kind: &str| flow.state.identity[kind][0]["value"].as_str();
    first("verifiable_addresses")
        .or_else(|| first("recovery_addresses"))
        .unwrap_or(WORD)
}

/// Behind the profile's own button, which a browser presses when somebody types Enter into a field.
pub(crate) fn sort_last(ui: &mut Ui) {
    let is_account = |node: &ui::Node| {
        let value = node.input().and_then(|input| input.value.as_ref());
        node.id() == CONFIRMATION
            || (node.id() == "method" && value.and_then(Value::as_str) == Some("account"))
    };
    let (account, mut rest): (Vec<_>, Vec<_>) = ui.nodes.drain(..).partition(is_account);
    let profile = |node: &ui::Node| matches!(node.group, Group::Default | Group::Profile);
    let end = rest.iter().rposition(profile).map_or(0, |last| last + 1);
    rest.splice(end..end, account);
    ui.nodes = rest;
}
