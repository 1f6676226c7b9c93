//! Set or change one's password.

use std::sync::Arc;

use async_trait::async_trait;
use identity::{
    HashError, Identity, credentials::store as credentials, factors::Factors, identities,
    schemas::Schemas,
};
use tenants::Fault;
use zeroize::Zeroizing;

use super::{HasherConfig, Password, PasswordConfig, registration::check_policy};
use crate::{
    cx::Cx,
    decision::{Effects, Error, Halt, Judged, Refusal, Step, Write},
    flow::Flow,
    guard,
    methods::Strategy,
    settings::{self, Change, Settings},
    submission::Submission,
    ui::{self, Autocomplete, Group, Ui, text},
};

#[async_trait]
impl Strategy<Settings> for Password {
    fn id(&self) -> &'static str {
        "password"
    }

    async fn draw(&self, cx: &Cx<'_>, _flow: &Flow<Settings>, ui: &mut Ui) -> Result<(), Halt> {
        if !cx.project.config::<PasswordConfig>().enabled {
            return Ok(());
        }
        ui.push(
            ui::password_input("password")
                .group(Group::Password)
                .required()
                .autocomplete(Autocomplete::NewPassword)
                .label(text::password_label()),
        )
        .push(
            ui::submit("method", "password")
                .group(Group::Password)
                .label(text::save_label()),
        );
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Settings>, submission: &Submission) -> bool {
        submission.method() == Some("password")
    }

    /// A missing password is reported before CSRF, as clients know it.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Settings>,
        submission: &Submission,
    ) -> Result<Step<Change>, Halt> {
        let config = cx.project.config::<PasswordConfig>();
        if !config.enabled {
            return Err(Error::MethodDisabled.into());
        }
        let Some(password) = submission.text("password").map(Zeroizing::new) else {
            let missing = text::required("password");
            return Err(Halt::refused(Refusal::at("password", missing)));
        };
        guard::check_csrf(cx, flow, submission)?;
        settings::check_privileged(cx, flow, false)?;
        let stored = stored(cx, flow).await?;
        if stored.identifiers.is_empty() {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        let hasher = cx.project.config::<HasherConfig>().hasher();
        check_policy(cx, &config.config, hasher, &password, &stored.identifiers).await?;
        if is_old_one(cx, &stored, &password).await? {
            let unchanged = text::password_unchanged();
            return Err(Halt::refused(Refusal::at("password", unchanged)));
        }
        let hashing = &cx.people.hashing;
        let hash = hashing.hash(cx.project.id().uuid(), hasher, password).await;
        let hash = hash.map_err(|error| match error {
            HashError::TooLong => Halt::from(Fault::broken("a password outgrew its policy")),
            other => Error::from(other).into(),
        })?;
        let mut after = stored.identity.clone();
        after.factors.0 |= Factors::PASSWORD;
        after.updated_at = cx.project.now();
        Ok(Step::Decided(Change {
            method: "password",
            held: None,
            before: Arc::new(stored.identity),
            judged: stored.former.map(|(_, revision)| Judged {
                kind: "password",
                revision,
            }),
            effects: Effects(vec![Write::SetPassword {
                identity_id: after.id,
                hash,
                new_identifiers: stored.new_identifiers,
            }]),
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

/// What the change is judged by. Whoever has no identifier for a password yet gets those that their traits
/// hold.
async fn stored(cx: &Cx<'_>, flow: &Flow<Settings>) -> Result<Stored, Halt> {
    let id = flow.state.identity_id;
    let mut tx = cx.project.begin().await?;
    let identity = identities::store::get(&mut tx, id).await?;
    let former = credentials::password_of(&mut tx, id).await?;
    let identifiers = credentials::identifiers_of(&mut tx, id, "password").await?;
    drop(tx);
    let identity = identity.ok_or(Error::SessionMissing)?;
    let mut new_identifiers = Vec::new();
    if identifiers.is_empty() {
        let schemas = Schemas::of(cx.project);
        let schema = schemas.get(&identity.schema_id);
        let derived = schema.and_then(|s| s.schema.derive(&identity.traits).ok());
        new_identifiers = derived.map(|d| d.password).unwrap_or_default();
    }
    Ok(Stored {
        identifiers: [identifiers, new_identifiers.clone()].concat(),
        identity,
        former,
        new_identifiers,
    })
}

/// A hash that nobody can verify here is none.
async fn is_old_one(
    cx: &Cx<'_>,
    stored: &Stored,
    password: &Zeroizing<String>,
) -> Result<bool, Error> {
    let Some((hash, _)) = stored.former.as_ref().filter(|(hash, _)| !hash.is_empty()) else {
        return Ok(false);
    };
    let hashing = &cx.people.hashing;
    let project = cx.project.id().uuid();
    match hashing
        .verify(project, password.clone(), hash.clone())
        .await
    {
        Err(HashError::Unsupported | HashError::TooLong) => Ok(false),
        verified => Ok(verified?),
    }
}
