//! Prove an address with a link. Following it is no submission: see `verification::redeem`.

use async_trait::async_trait;

use super::Link;
use crate::{
    challenge::{self, Challenge as _, Proof},
    config::Use,
    cx::Cx,
    decision::{Error, Halt, Step},
    flow::{Flow, PASSED, SENT},
    guard,
    methods::{self, Strategy},
    submission::Submission,
    ui::{Group, Ui},
    verification::{self, Verification},
};

#[async_trait]
impl Strategy<Verification> for Link {
    fn id(&self) -> &'static str {
        "link"
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Verification>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.state.memory.method == Use::Link {
            if flow.step == PASSED {
                methods::draw_continue(ui, Group::Link);
            } else {
                super::draw(&flow.state.memory.address, ui);
            }
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Verification>, submission: &Submission) -> bool {
        submission.method() == Some("link") && flow.state.memory.method == Use::Link
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Verification>,
        submission: &Submission,
    ) -> Result<Step<Proof>, Halt> {
        if flow.step == PASSED {
            return Err(Error::Spent(Box::new(Verification::completed())).into());
        }
        guard::check_csrf(cx, flow, submission)?;
        let (typed, address) = super::address(cx, submission)?;
        let effects = match verification::send_again(cx, flow).await? {
            Some(effects) => effects,
            None => challenge::send(cx, flow, (&typed, &address), true).await?,
        };
        flow.go_to(SENT);
        Ok(Step::Ask(effects))
    }
}
