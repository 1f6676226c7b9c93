//! Set or change one's password.

use std::sync::Arc;

use async_trait::async_trait;
use identity::{
    HashError, Identity,
    credentials::{CredentialKind, CredentialWrite, password, store::identifiers_of},
    factors::Factors,
    identities,
    schemas::Schemas,
};
use serde::Deserialize;
use tenants::Tx;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    HasherConfig, ID, Password, PasswordConfig,
    registration::{check_policy, hash_new},
};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Judged, Refusal},
        fields::Fields,
        flow::Flow,
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
        traits::judge_traits,
    },
    kinds::settings::{self, Change, Settings},
    ui::{Ui, text},
};

/// Change the password, or add one.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SettingsFields {
    #[schema(required, value_type = String, min_length = 1, format = Password, write_only)]
    password: Option<String>,
}

impl Fields for SettingsFields {
    const METHOD: &'static str = ID;
}

#[async_trait]
impl Strategy<Settings> for Password {
    fn id(&self) -> &'static str {
        ID
    }

    async fn draw(&self, cx: &Cx<'_>, _flow: &Flow<Settings>, ui: &mut Ui) -> Result<(), Halt> {
        if !cx.project.config::<PasswordConfig>().enabled {
            return Ok(());
        }
        super::draw_new(ui, text::save_label());
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Settings>, submission: &Submission) -> bool {
        submission.method() == Some(ID)
    }

    /// A missing password is reported before CSRF, as Kratos does.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Settings>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Settings>, Halt> {
        let submission = &attempt.submission;
        let config = cx.project.config::<PasswordConfig>();
        if !config.enabled {
            return Err(Error::MethodDisabled.into());
        }
        let fields: SettingsFields = submission.read()?;
        let Some(password) = fields.password.map(Zeroizing::new) else {
            let missing = text::required("password");
            return Err(Halt::refused(Refusal::at("password", missing)));
        };
        guard::check_csrf_once(cx, flow, attempt)?;
        settings::check_privileged(cx, flow, attempt, false)?;
        let stored = stored(cx, flow, tx).await?;
        if stored.identifiers.is_empty() {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        let hasher = cx.project.config::<HasherConfig>().hasher();
        check_policy(cx, &config.config, hasher, &password, &stored.identifiers).await?;
        if is_old_one(cx, attempt, &stored, &password).await? {
            let unchanged = text::password_unchanged();
            return Err(Halt::refused(Refusal::at("password", unchanged)));
        }
        let hash = hash_new(cx, attempt, hasher, password).await?;
        let former = stored.former.map(|(_, revision)| Judged {
            kind: CredentialKind::Password,
            revision,
        });
        let mut after = stored.identity.clone();
        after.factors.0 |= Factors::PASSWORD;
        after.updated_at = cx.project.now();
        Ok(Step::Decided(Change {
            method: ID,
            before: Arc::new(stored.identity),
            judged: former.into_iter().collect(),
            effects: Effects::one(CredentialWrite::SetPassword {
                identity_id: after.id,
                hash,
                new_identifiers: stored.new_identifiers,
            }),
            after: Some(after),
        }))
    }
}

struct Stored {
    identity: Identity,
    /// Hash and revision.
    former: Option<(String, i32)>,
    /// Under which the password is, or will be, found.
    identifiers: Vec<String>,
    /// Those of them that are not stored yet.
    new_identifiers: Vec<String>,
}

/// What the change is judged by. An identity without identifier for a password gets those that its traits
/// hold.
async fn stored(cx: &Cx<'_>, flow: &Flow<Settings>, mut tx: Tx) -> Result<Stored, Halt> {
    let id = flow.data.identity_id;
    let identity = identities::store::get(&mut tx, id).await?;
    let former = password::of_identity(&mut tx, id).await?;
    let identifiers = identifiers_of(&mut tx, id, CredentialKind::Password).await?;
    drop(tx);
    let identity = identity.ok_or(Error::SessionMissing)?;
    let mut new_identifiers = Vec::new();
    if identifiers.is_empty() {
        let schemas = Schemas::of(cx.project);
        if let Some(schema) = schemas.get(&identity.schema_id)
            && let Ok(derived) = judge_traits(cx, schema, &identity.traits).await?
        {
            new_identifiers = derived.password;
        }
    }
    Ok(Stored {
        identifiers: [identifiers, new_identifiers.clone()].concat(),
        identity,
        former,
        new_identifiers,
    })
}

/// A hash that cannot be verified here is none.
async fn is_old_one(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    stored: &Stored,
    password: &Zeroizing<String>,
) -> Result<bool, Error> {
    let Some((hash, revision)) = stored.former.as_ref().filter(|(hash, _)| !hash.is_empty()) else {
        return Ok(false);
    };
    let credential = Some((stored.identity.id, *revision));
    if let Some(is_old) = attempt.verdict_on(credential) {
        return Ok(is_old);
    }
    let hashing = &cx.people.hashing;
    let project = cx.project.id().uuid();
    let verified = hashing.verify(project, password.clone(), hash.clone());
    let is_old = match verified.await {
        Err(HashError::Unsupported | HashError::TooLong) => false,
        verified => verified?,
    };
    attempt.note_verdict(credential, is_old);
    Ok(is_old)
}
