//! Identifier first: a login in two steps, who and then how. Proves nothing by itself.

use async_trait::async_trait;
use identity::{credentials::store as credentials, normalize, sessions::Aal};
use tenants::Fault;

use super::{Strategy, code, code::CodeConfig, password::PasswordConfig, schema_of};
use crate::{
    config::Enumeration,
    cx::Cx,
    decision::{Effects, Halt, Refusal, SignIn, Step},
    flow::{Flow, LoginScreen, PASSED},
    guard,
    login::Login,
    submission::Submission,
    ui::{self, Autocomplete, Group, InputType, Node, Ui, text},
};

/// Who, before how.
pub struct IdentifierFirst;

/// Its `method`.
pub(crate) const ID: &str = "identifier_first";

#[async_trait]
impl Strategy<Login> for IdentifierFirst {
    fn id(&self) -> &'static str {
        ID
    }

    /// The field stands before everything else, typed into first and hidden later.
    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Login>, ui: &mut Ui) -> Result<(), Halt> {
        let hidden = match flow.state.screen {
            LoginScreen::Methods => return Ok(()),
            LoginScreen::Identify => false,
            LoginScreen::Choose(_) => true,
        };
        let schema = schema_of(cx, flow)?;
        let mut field: Node = ui::text_input("identifier")
            .group(Group::IdentifierFirst)
            .required()
            .value(flow.state.identifier.as_str())
            .autocomplete(Autocomplete::UsernameWebauthn)
            .label(text::identifier(schema.schema.identifier_label()))
            .into();
        if let (true, Some(input)) = (hidden, field.input_mut()) {
            input.kind = InputType::Hidden;
        }
        ui.nodes.insert(0, field);
        if !hidden {
            let next = ui::submit("method", ID).group(Group::IdentifierFirst);
            ui.push(next.label(text::continue_label()));
        }
        Ok(())
    }

    /// Whatever nobody else wants, as long as it is about the first factor.
    fn claims(&self, flow: &Flow<Login>, _submission: &Submission) -> bool {
        flow.state.screen != LoginScreen::Methods
            && flow.state.requested_aal == Aal::Aal1
            && flow.step != PASSED
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        submission: &Submission,
    ) -> Result<Step<SignIn>, Halt> {
        guard::check_csrf(cx, flow, submission)?;
        let mitigates = cx.project.config::<Enumeration>().mitigate;
        flow.state.identifier = submission.text("identifier").unwrap_or_default();
        if flow.state.identifier.is_empty() {
            let complaint = if mitigates {
                text::required("identifier")
            } else {
                text::no_account()
            };
            return Err(Halt::refused(Refusal::at("identifier", complaint)));
        }
        if mitigates {
            // Nothing is looked up, so nothing can be learnt.
            return Ok(choose(flow, None));
        }
        let has_password = cx.project.config::<PasswordConfig>().enabled
            && has_password(cx, &flow.state.identifier).await?;
        let reads_codes = if cx.project.config::<CodeConfig>().passwordless_enabled {
            code::find(cx, &flow.state.identifier).await?
        } else {
            None
        };
        match reads_codes {
            // Nothing to choose from.
            Some(found) if !has_password && !found.identity.factors.has_first() => {
                Ok(Step::Ask(code::send_found(cx, flow, &found).await?))
            }
            found if has_password || found.is_some() => {
                let password = has_password.then(|| "password".to_owned());
                let code = found.map(|_| "code".to_owned());
                Ok(choose(
                    flow,
                    Some(password.into_iter().chain(code).collect()),
                ))
            }
            _ => {
                flow.state.screen = LoginScreen::Identify;
                Err(Halt::refused(Refusal::at("identifier", text::no_account())))
            }
        }
    }
}

/// On to the methods.
fn choose(flow: &mut Flow<Login>, offered: Option<Vec<String>>) -> Step<SignIn> {
    flow.state.screen = LoginScreen::Choose(offered);
    flow.go_to(crate::flow::CHOOSE_METHOD);
    flow.active = Some(ID.to_owned());
    Step::Ask(Effects::default())
}

async fn has_password(cx: &Cx<'_>, typed: &str) -> Result<bool, Fault> {
    let mut tx = cx.project.begin().await?;
    let found = credentials::find_password(&mut tx, &normalize::identifier(typed)).await?;
    Ok(found.is_some_and(|found| !found.hash.is_empty()))
}
