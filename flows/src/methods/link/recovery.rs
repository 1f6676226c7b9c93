//! Recover an account with a link. Following it is no submission: see `recovery::redeem`.

use async_trait::async_trait;

use super::Link;
use crate::{
    challenge::{self, Challenge as _, Proof},
    config::Use,
    cx::Cx,
    decision::{Error, Halt, Step},
    flow::{Flow, PASSED, SENT},
    guard,
    methods::Strategy,
    recovery::{self, Recovery},
    submission::Submission,
    ui::Ui,
};

#[async_trait]
impl Strategy<Recovery> for Link {
    fn id(&self) -> &'static str {
        "link"
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Recovery>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.state.memory.method == Use::Link {
            super::draw(&flow.state.memory.address, ui);
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Recovery>, submission: &Submission) -> bool {
        submission.method() == Some("link") && flow.state.memory.method == Use::Link
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Recovery>,
        submission: &Submission,
    ) -> Result<Step<Proof>, Halt> {
        guard::check_csrf(cx, flow, submission)?;
        if flow.step == PASSED {
            return Err(Error::Spent(Box::new(Recovery::completed())).into());
        }
        if cx.session.is_some() {
            return Err(recovery::signed_in(cx).into());
        }
        let (typed, address) = super::address(cx, submission)?;
        let effects = challenge::send(cx, flow, (&typed, &address), true).await?;
        flow.go_to(SENT);
        Ok(Step::Ask(effects))
    }
}
