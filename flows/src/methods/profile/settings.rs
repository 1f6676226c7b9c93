//! Change one's traits, as a whole: what is not sent is removed.

use std::sync::Arc;

use async_trait::async_trait;
use identity::{
    identities::{
        IdentityWrite,
        change::{self, NewTraits},
        store,
    },
    schemas::Schemas,
};
use serde::Deserialize;
use tenants::Tx;
use utoipa::ToSchema;

use super::{ID, Profile, ProfileConfig};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal},
        fields::Fields,
        flow::Flow,
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
        traits::derive,
    },
    kinds::settings::{self, Change, Settings},
    ui::{self, Group, Ui, text, traits},
};

/// Change the traits.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SettingsFields {}

impl Fields for SettingsFields {
    const METHOD: &'static str = ID;
    const TRAITS: Option<&'static str> = Some("All of them, as the identity schema says.");
}

#[async_trait]
impl Strategy<Settings> for Profile {
    fn id(&self) -> &'static str {
        ID
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Settings>, ui: &mut Ui) -> Result<(), Halt> {
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(flow.data.schema_id()) else {
            return Ok(());
        };
        if !cx.project.config::<ProfileConfig>().enabled {
            return Ok(());
        }
        for node in traits::nodes(schema.schema.fields(), &flow.data.traits, Group::Profile) {
            ui.push(node);
        }
        traits::fill(ui, &flow.data.traits, Group::Profile);
        let save = ui::submit("method", ID).group(Group::Profile);
        ui.push(save.label(text::save_label()));
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Settings>, submission: &Submission) -> bool {
        submission.method() == Some(ID)
    }

    /// Traits are judged before CSRF, as Kratos does.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Settings>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Settings>, Halt> {
        drop(tx);
        let submission = &attempt.submission;
        if !cx.project.config::<ProfileConfig>().enabled {
            return Err(Error::MethodDisabled.into());
        }
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(flow.data.schema_id()) else {
            return Err(Halt::refused(Refusal::form(text::schema_gone())));
        };
        let traits = submission.traits(schema.schema.fields());
        if traits::is_storable(&traits, flow.typed_bytes_left(cx)) {
            flow.data.traits.clone_from(&traits);
        }
        let derived = derive(cx, schema, &traits).await?;
        guard::check_csrf_once(cx, flow, attempt)?;
        let mut tx = cx.project.begin().await?;
        let before = store::get(&mut tx, flow.data.identity_id).await?;
        let identifiers = change::identifiers_of(&mut tx, flow.data.identity_id).await?;
        drop(tx);
        let before = before.ok_or(Error::SessionMissing)?;
        let new = NewTraits::new(cx.project, &before, &derived);
        if new.is_sensitive(&before, &identifiers) {
            settings::check_privileged(cx, flow, attempt, true)?;
        }
        if new.locks_out(&identifiers) {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        Ok(Step::Decided(Change {
            method: ID,
            before: Arc::new(before),
            after: Some(new.identity.clone()),
            judged: Vec::new(),
            effects: Effects::one(IdentityWrite::ReplaceTraits(Box::new(new))),
        }))
    }
}
