//! Recover an account with a link. Following it is no submission: [`Strategy::come_back`].

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use tenants::Tx;
use utoipa::ToSchema;

use super::{ID, Link, LinkConfig};
use crate::{
    engine::{
        address_proof::{self, AddressProof as _, DeliveryMethod},
        attempt::Attempt,
        begin::signed_in_already,
        cx::Cx,
        decision::Halt,
        fields::Fields,
        flow::{Flow, PASSED, SENT},
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
    },
    kinds::recovery::Recovery,
    ui::Ui,
};

/// Have a link sent.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RecoveryFields {
    #[schema(required, value_type = String, example = "ada@example.com")]
    email: Option<String>,
}

impl Fields for RecoveryFields {
    const METHOD: &'static str = ID;
}

#[async_trait]
impl Strategy<Recovery> for Link {
    fn id(&self) -> &'static str {
        ID
    }

    fn is_enabled(&self, cx: &Cx<'_>) -> bool {
        cx.project.config::<LinkConfig>().enabled
    }

    fn lifespan(&self, cx: &Cx<'_>) -> Option<Duration> {
        Some(cx.project.config::<LinkConfig>().config.lifespan)
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Recovery>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.data.proof.method == DeliveryMethod::Link {
            super::draw(&flow.data.proof.address, ui);
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Recovery>, submission: &Submission) -> bool {
        submission.method() == Some(ID) && flow.data.proof.method == DeliveryMethod::Link
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Recovery>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Recovery>, Halt> {
        drop(tx);
        let submission = &attempt.submission;
        guard::check_csrf(cx, flow, submission)?;
        if flow.state == PASSED {
            return Err(Halt::replaced(Recovery::completed()));
        }
        if cx.session.is_some() {
            return Err(signed_in_already(cx, None).into());
        }
        let fields: RecoveryFields = submission.read()?;
        let (typed, address) = super::address(cx, fields.email)?;
        let secret = super::secret(cx, &typed, &address);
        let effects = address_proof::send(cx, flow, attempt, secret, true).await?;
        flow.go_to(SENT);
        Ok(Step::Ask(effects))
    }

    /// Its token is used.
    async fn come_back(
        &self,
        _cx: &Cx<'_>,
        flow: &mut Flow<Recovery>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Recovery>, Halt> {
        let token = attempt.submission.text("token").unwrap_or_default();
        address_proof::use_link(flow, tx, &token).await
    }
}
