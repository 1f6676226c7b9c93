//! Identifier first: a login in two steps, who and then how. Proves nothing by itself.

use async_trait::async_trait;
use identity::sessions::Aal;
use serde::Deserialize;
use tenants::Tx;
use utoipa::ToSchema;

use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Halt, Refusal},
        fields::Fields,
        flags::Enumeration,
        flow::{CHOOSE_METHOD, Flow, PASSED},
        form::schema_of,
        guard,
        kind::Listed as _,
        strategy::{Offer, Step, Strategy, TakesOver},
        submission::Submission,
    },
    kinds::login::{Login, LoginScreen},
    ui::{self, Autocomplete, Group, InputType, Node, Ui, text},
};

/// Who, before how.
pub struct IdentifierFirst;

/// Its `method`.
const ID: &str = "identifier_first";

/// Say who wants to sign in, and learn by which methods; where the project asks for that first.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginFields {
    #[schema(required, value_type = String, min_length = 1, example = "ada@example.com")]
    identifier: Option<String>,
}

impl Fields for LoginFields {
    const METHOD: &'static str = ID;
}

#[async_trait]
impl Strategy<Login> for IdentifierFirst {
    fn id(&self) -> &'static str {
        ID
    }

    fn takes_over(&self, flow: &Flow<Login>) -> Option<TakesOver> {
        let chooses = matches!(flow.data.screen, LoginScreen::Choose(_));
        chooses.then_some(TakesOver::WithOthers)
    }

    /// The field stands before everything else, typed into first and hidden later.
    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Login>, ui: &mut Ui) -> Result<(), Halt> {
        let hidden = match flow.data.screen {
            LoginScreen::Methods => return Ok(()),
            LoginScreen::Identify => false,
            LoginScreen::Choose(_) => true,
        };
        let schema = schema_of(cx, flow)?;
        let mut field: Node = ui::text_input("identifier")
            .group(Group::IdentifierFirst)
            .required()
            .value(flow.data.identifier.as_str())
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

    /// Whatever no other method wants, as long as it is about the first factor.
    fn claims(&self, flow: &Flow<Login>, _submission: &Submission) -> bool {
        flow.data.screen != LoginScreen::Methods
            && flow.data.requested_aal == Aal::Aal1
            && flow.state != PASSED
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Login>, Halt> {
        drop(tx);
        guard::check_csrf(cx, flow, &attempt.submission)?;
        let mitigates = cx.project.config::<Enumeration>().mitigate;
        let fields: LoginFields = attempt.submission.read()?;
        flow.data
            .type_identifier(fields.identifier.unwrap_or_default());
        if flow.data.identifier.is_empty() {
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
        let mut offered: Vec<(&dyn Strategy<Login>, Offer)> = Vec::new();
        for strategy in Login::strategies() {
            match strategy.offers(cx, &flow.data.identifier).await? {
                Offer::No => {}
                offer => offered.push((*strategy, offer)),
            }
        }
        match offered.as_slice() {
            [] => {
                flow.data.screen = LoginScreen::Identify;
                Err(Halt::refused(Refusal::at("identifier", text::no_account())))
            }
            // Nothing to choose from.
            [(only, Offer::AtOnce)] => only.go_on(cx, flow, attempt).await,
            several => {
                let ids = several.iter().map(|(strategy, _)| strategy.id().to_owned());
                let ids = ids.collect();
                Ok(choose(flow, Some(ids)))
            }
        }
    }
}

/// On to the methods.
fn choose(flow: &mut Flow<Login>, offered: Option<Vec<String>>) -> Step<Login> {
    flow.data.screen = LoginScreen::Choose(offered);
    flow.go_to(CHOOSE_METHOD);
    flow.active = Some(ID.to_owned());
    Step::Ask(Effects::default())
}
