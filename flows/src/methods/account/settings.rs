//! Delete one's account: confirmed by typing, and soon after authenticating.

use std::sync::Arc;

use async_trait::async_trait;
use courier::MessageWrite;
use identity::{
    identities::{IdentityWrite, store},
    normalize,
};
use serde::Deserialize;
use serde_json::Value;
use tenants::Tx;
use utoipa::ToSchema;

use super::{Account, AccountConfig};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal},
        fields::Fields,
        flow::Flow,
        guard,
        rows::FlowWrite,
        strategy::{Step, Strategy},
        submission::Submission,
    },
    kinds::settings::{self, Change, Settings},
    ui::{self, Group, Ui, text},
};

/// Its `method`.
const ID: &str = "account";
/// The field that is typed into to confirm.
const CONFIRMATION: &str = "account_confirmation";
/// What is typed by an owner without address.
const WORD: &str = "DELETE";

/// Delete the account, where the project allows it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SettingsFields {
    /// What the form asks to type: the person's own address, or a word.
    #[schema(required, value_type = String, min_length = 1)]
    account_confirmation: Option<String>,
}

impl Fields for SettingsFields {
    const METHOD: &'static str = ID;
    const HAS_TRANSIENT_PAYLOAD: bool = false;
}

#[async_trait]
impl Strategy<Settings> for Account {
    fn id(&self) -> &'static str {
        ID
    }

    fn order_own(&self, ui: &mut Ui) {
        order_last(ui);
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
            ui::submit("method", ID)
                .group(Group::Profile)
                .label(text::account_delete_label()),
        );
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Settings>, submission: &Submission) -> bool {
        submission.method() == Some(ID)
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Settings>,
        attempt: &mut Attempt,
        mut tx: Tx,
    ) -> Result<Step<Settings>, Halt> {
        let submission = &attempt.submission;
        if !cx.project.config::<AccountConfig>().delete {
            return Err(Error::MethodDisabled.into());
        }
        let fields: SettingsFields = submission.read()?;
        let typed = fields.account_confirmation.unwrap_or_default();
        if normalize::identifier(&typed) != normalize::identifier(expected(flow)) {
            let refusal = Refusal::at(CONFIRMATION, text::account_not_confirmed());
            return Err(Halt::refused(refusal));
        }
        guard::check_csrf_once(cx, flow, attempt)?;
        settings::check_privileged(cx, flow, attempt, false)?;
        let identity_id = flow.data.identity_id;
        let before = store::get(&mut tx, identity_id).await?;
        drop(tx);
        let mut effects = Effects::one(FlowWrite::Forget(identity_id));
        effects.push(MessageWrite::Forget(identity_id));
        effects.push(IdentityWrite::Delete(identity_id));
        Ok(Step::Decided(Change {
            method: ID,
            before: Arc::new(before.ok_or(Error::SessionMissing)?),
            after: None,
            judged: Vec::new(),
            effects,
        }))
    }
}

/// An address of the person's, as they see it in the same form.
fn expected(flow: &Flow<Settings>) -> &str {
    let first = |kind: &str| flow.data.identity[kind][0]["value"].as_str();
    first("verifiable_addresses")
        .or_else(|| first("recovery_addresses"))
        .unwrap_or(WORD)
}

/// Behind the profile's own button, which a browser presses when Enter is typed into a field.
fn order_last(ui: &mut Ui) {
    let is_account = |node: &ui::Node| {
        let value = node.input().and_then(|input| input.value.as_ref());
        node.id() == CONFIRMATION
            || (node.id() == "method" && value.and_then(Value::as_str) == Some(ID))
    };
    let (account, mut rest): (Vec<_>, Vec<_>) = ui.nodes.drain(..).partition(is_account);
    let profile = |node: &ui::Node| matches!(node.group, Group::Default | Group::Profile);
    let end = rest.iter().rposition(profile).map_or(0, |last| last + 1);
    rest.splice(end..end, account);
    ui.nodes = rest;
}
