//! Sign in with a password. An unknown identifier costs the same time and gets the same answer as a
//! wrong password.

use std::sync::Arc;

use async_trait::async_trait;
use identity::{
    credentials::{
        CredentialKind, CredentialWrite, password, password::FoundPassword,
        password_hash::needs_rehash, store::identifiers_of,
    },
    factors::Factors,
    normalize,
    sessions::Aal,
};
use serde::Deserialize;
use serde_json::json;
use tenants::{Fault, Tx};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{HasherConfig, ID, Password, PasswordConfig, registration::hash_new};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Judged, Refusal, SignIn},
        fields::Fields,
        flow::Flow,
        form::schema_of,
        guard, limits,
        strategy::{Offer, Step, Strategy},
        submission::Submission,
    },
    kinds::login::{Login, LoginScreen},
    ui::{self, Autocomplete, Group, Ui, text},
};

/// Sign in with a password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginFields {
    /// A login identifier: an e-mail address, a user name, whatever the identity schema makes one.
    #[schema(required, value_type = String, min_length = 1, example = "ada@example.com")]
    identifier: Option<String>,
    #[schema(required, value_type = String, min_length = 1, format = Password, write_only)]
    password: Option<String>,
    /// As older clients call the identifier.
    #[schema(ignore)]
    password_identifier: Option<String>,
}

impl Fields for LoginFields {
    const METHOD: &'static str = ID;
}

#[async_trait]
impl Strategy<Login> for Password {
    fn id(&self) -> &'static str {
        ID
    }

    fn is_enabled(&self, cx: &Cx<'_>) -> bool {
        cx.project.config::<PasswordConfig>().enabled
    }

    async fn offers(&self, cx: &Cx<'_>, identifier: &str) -> Result<Offer, Fault> {
        if !cx.project.config::<PasswordConfig>().enabled {
            return Ok(Offer::No);
        }
        let mut tx = cx.project.begin().await?;
        let found = password::find(&mut tx, &normalize::identifier(identifier)).await?;
        Ok(if found.is_some() {
            Offer::Yes
        } else {
            Offer::No
        })
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Login>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.data.requested_aal != Aal::Aal1
            || !flow.data.screen.offers(ID)
            || !cx.project.config::<PasswordConfig>().enabled
        {
            return Ok(());
        }
        let label = if let Some(identifier) = refreshed_identifier(cx, flow).await? {
            ui.upsert(ui::hidden("identifier", identifier));
            text::refresh_submit_label()
        } else if flow.data.refresh {
            // Signed in, but without a password: another method has to do.
            return Ok(());
        } else if flow.data.screen != LoginScreen::Methods {
            text::password_login_label()
        } else {
            let schema = schema_of(cx, flow)?;
            let label = text::identifier(schema.schema.identifier_label());
            ui.upsert(
                ui::text_input("identifier")
                    .required()
                    .value(flow.data.identifier.as_str())
                    .label(label),
            );
            text::password_login_label()
        };
        ui.push(
            ui::password_input("password")
                .group(Group::Password)
                .required()
                .autocomplete(Autocomplete::CurrentPassword)
                .label(text::password_label()),
        )
        .push(ui::submit("method", ID).group(Group::Password).label(label));
        Ok(())
    }

    fn claims(&self, flow: &Flow<Login>, submission: &Submission) -> bool {
        submission.method() == Some(ID) && flow.data.requested_aal == Aal::Aal1
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Login>, Halt> {
        if !cx.project.config::<PasswordConfig>().enabled {
            return Err(Error::MethodDisabled.into());
        }
        let submission = &attempt.submission;
        let fields: LoginFields = submission.read()?;
        let typed = fields.identifier.or(fields.password_identifier);
        flow.data.type_identifier(typed.clone().unwrap_or_default());
        let (identifier, password) = both(typed, fields.password)?;
        guard::check_csrf(cx, flow, submission)?;
        let identifier = normalize::identifier(&identifier);
        // Counted first: a guess that is refused asks for no account, so its time tells of none.
        let (mut tx, guess) = limits::guess(cx, attempt, tx, &identifier).await?;
        let found = password::find(&mut tx, &identifier).await?;
        tx.commit().await?;
        let password = Zeroizing::new(password);
        let mut decision = check_password(cx, attempt, found, password).await?;
        decision.effects.push(guess);
        flow.active = Some(ID.to_owned());
        Ok(Step::Decided(decision))
    }
}

/// A submission that is judged again costs no second hash, unless the credential is another one by now.
async fn check_password(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    found: Option<FoundPassword>,
    password: Zeroizing<String>,
) -> Result<SignIn, Halt> {
    let hasher = cx.project.config::<HasherConfig>().hasher();
    let project = cx.project.id().uuid();
    let hashing = &cx.people.hashing;
    let judged = found.as_ref().map(|it| (it.identity.id, it.revision));
    let is_right = match (attempt.verdict_on(judged), &found) {
        (Some(is_right), _) => is_right,
        (None, Some(found)) => {
            let hash = found.hash.clone();
            hashing.verify(project, password.clone(), hash).await?
        }
        (None, None) => {
            let nothing = password.clone();
            hashing.verify_nothing(project, hasher, nothing).await?;
            false
        }
    };
    attempt.note_verdict(judged, is_right);
    let Some(found) = found.filter(|_| is_right) else {
        limits::wrong(cx).await?;
        return Err(wrong_credentials());
    };
    let mut effects = Effects::default();
    if needs_rehash(&found.hash, &hasher) {
        match hash_new(cx, attempt, hasher, password).await {
            Ok(hash) => effects.push(CredentialWrite::Replace {
                identity_id: found.identity.id,
                kind: CredentialKind::Password,
                config: json!({"hashed_password": hash}),
            }),
            // Not the person's trouble: it is tried again at their next sign-in.
            Err(error) => tracing::warn!(?error, "a password was not hashed anew"),
        }
    }
    Ok(SignIn {
        identity: Arc::new(found.identity),
        amr: cx.completed(ID, Aal::Aal1),
        judged: vec![Judged {
            kind: CredentialKind::Password,
            revision: found.revision,
        }],
        effects,
    })
}

/// Both, or a message at each that is missing.
fn both(identifier: Option<String>, password: Option<String>) -> Result<(String, String), Halt> {
    match (identifier, password) {
        (Some(identifier), Some(password)) => Ok((identifier, password)),
        (identifier, password) => {
            let missing = |name: &str| (Some(name.to_owned()), text::required(name));
            let mut refusal = Refusal::default();
            if identifier.is_none() {
                refusal.complaints.push(missing("identifier"));
            }
            if password.is_none() {
                refusal.complaints.push(missing("password"));
            }
            Err(Halt::refused(refusal))
        }
    }
}

fn wrong_credentials() -> Halt {
    Halt::refused(Refusal::form(text::wrong_credentials()))
}

/// In a refresh: the identifier of the session's identity, if it has a password.
async fn refreshed_identifier(cx: &Cx<'_>, flow: &Flow<Login>) -> Result<Option<String>, Fault> {
    let (true, Some(session)) = (flow.data.refresh, cx.session) else {
        return Ok(None);
    };
    let mut tx = cx.project.begin().await?;
    let id = session.identity.id;
    let identifiers = identifiers_of(&mut tx, id, CredentialKind::Password).await?;
    drop(tx);
    let has_password = session.identity.factors.any(Factors::PASSWORD);
    Ok(identifiers.into_iter().next().filter(|_| has_password))
}
