//! Change one's traits, as a whole: what is not sent is removed.

use async_trait::async_trait;
use identity::{
    identities::{
        change::{self, NewTraits},
        store,
    },
    schemas::Schemas,
};
use std::sync::Arc;

use super::{Profile, ProfileConfig};
use crate::{
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, Step, Write},
    flow::Flow,
    guard,
    methods::Strategy,
    settings::{self, Change, Settings},
    submission::Submission,
    ui::{self, Group, Ui, text, traits},
};

#[async_trait]
impl Strategy<Settings> for Profile {
    fn id(&self) -> &'static str {
        "profile"
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Settings>, ui: &mut Ui) -> Result<(), Halt> {
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(flow.state.schema_id()) else {
            return Ok(());
        };
        if !cx.project.config::<ProfileConfig>().enabled {
            return Ok(());
        }
        for node in traits::nodes(schema.schema.fields(), &flow.state.traits, Group::Profile) {
            ui.push(node);
        }
        traits::fill(ui, &flow.state.traits, Group::Profile);
        let save = ui::submit("method", "profile").group(Group::Profile);
        ui.push(save.label(text::save_label()));
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Settings>, submission: &Submission) -> bool {
        submission.method() == Some("profile")
    }

    /// Traits are judged before CSRF, as clients know it.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Settings>,
        submission: &Submission,
    ) -> Result<Step<Change>, Halt> {
        if !cx.project.config::<ProfileConfig>().enabled {
            return Err(Error::MethodDisabled.into());
        }
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(flow.state.schema_id()) else {
            let why = "What this account looks like is not configured any more.";
            return Err(Halt::refused(Refusal::form(text::generic(why))));
        };
        let traits = submission.traits(schema.schema.fields());
        if traits::is_storable(&traits) {
            flow.state.traits.clone_from(&traits);
        }
        let derived = schema.schema.derive(&traits).map_err(|violations| {
            Halt::refused(Refusal {
                violations,
                ..Refusal::default()
            })
        })?;
        guard::check_csrf(cx, flow, submission)?;
        let mut tx = cx.project.begin().await?;
        let before = store::get(&mut tx, flow.state.identity_id).await?;
        let identifiers = change::identifiers_of(&mut tx, flow.state.identity_id).await?;
        drop(tx);
        let before = before.ok_or(Error::SessionMissing)?;
        let new = NewTraits::new(cx.project, &before, &derived);
        if new.is_sensitive(&before, &identifiers) {
            settings::check_privileged(cx, flow, true)?;
        }
        if new.locks_out(&identifiers) {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        Ok(Step::Decided(Change {
            method: "profile",
            before: Arc::new(before),
            after: Some(new.identity.clone()),
            judged: None,
            effects: Effects(vec![Write::ReplaceTraits(Box::new(new))]),
            held: None,
        }))
    }
}
