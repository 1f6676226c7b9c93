//! The profile method: in settings the person's traits; in registration the first of two screens, where
//! traits are judged before any credential is asked for.

mod settings;

use async_trait::async_trait;
use serde::Deserialize;
use tenants::Section;

use crate::{
    cx::Cx,
    decision::{Effects, Halt, Refusal, SignUp, Step},
    flow::{CHOOSE_METHOD, Flow, Screen},
    guard,
    methods::{Strategy, schema_of},
    registration::Registration,
    submission::Submission,
    ui::{self, Group, Ui, text},
};

/// `selfservice.methods.profile`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ProfileConfig {
    /// May people change their traits?
    pub enabled: bool,
}

impl Section for ProfileConfig {
    const POINTER: &'static str = "/selfservice/methods/profile";
}

impl Default for ProfileConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Traits.
pub struct Profile;

/// `method` of older clients for going back.
const BACK: &str = "profile:back";

#[async_trait]
impl Strategy<Registration> for Profile {
    fn id(&self) -> &'static str {
        "profile"
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Registration>, ui: &mut Ui) -> Result<(), Halt> {
        match flow.state.screen {
            Screen::OneStep => {}
            Screen::Profile => {
                let next = ui::submit("method", "profile").group(Group::Profile);
                ui.push(next.label(text::sign_up_label()));
            }
            Screen::Credentials => {
                let back = ui::submit("screen", "previous").group(Group::Profile);
                ui.push(back.label(text::registration_back_label()));
            }
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Registration>, submission: &Submission) -> bool {
        flow.state.screen != Screen::OneStep
            && (matches!(submission.method(), Some("profile" | BACK))
                || submission.text("screen").is_some())
    }

    /// Going back needs valid traits too, but no CSRF token, as clients know it: nothing is written that
    /// was not on the person's own screen.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Registration>,
        submission: &Submission,
    ) -> Result<Step<SignUp>, Halt> {
        let schema = schema_of(cx, flow)?;
        let traits = submission.traits(schema.schema.fields());
        let back = submission.method() == Some(BACK)
            || submission.text("screen").as_deref() == Some("previous");
        if let Err(violations) = schema.schema.derive(&traits) {
            // On the way back the fields are hidden: what they held stays good.
            if !back {
                flow.remember_traits(&traits);
            }
            return Err(Halt::refused(Refusal {
                violations,
                ..Refusal::default()
            }));
        }
        if back {
            // What is not in the payload is lost on the way back.
            flow.state.traits = traits;
            flow.state.screen = Screen::Profile;
            flow.go_to(CHOOSE_METHOD);
            return Ok(Step::Ask(Effects::default()));
        }
        guard::check_csrf(cx, flow, submission)?;
        flow.remember_traits(&traits);
        flow.state.screen = Screen::Credentials;
        flow.active = None;
        flow.go_to(CHOOSE_METHOD);
        Ok(Step::Ask(Effects::default()))
    }
}
