//! Sign in with a password. An unknown identifier costs the same time and gets the same answer as a
//! wrong password.

use std::sync::Arc;

use async_trait::async_trait;
use identity::{
    Identity,
    credentials::{password_hash::needs_rehash, store},
    identities, normalize,
    sessions::Aal,
};
use serde_json::json;
use tenants::Fault;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{HasherConfig, Password, PasswordConfig};
use crate::{
    cx::Cx,
    decision::{Effects, Error, Halt, Judged, Refusal, SignIn, Step, Write},
    flow::{Flow, LoginScreen},
    guard, limits,
    login::Login,
    methods::{Strategy, schema_of},
    submission::Submission,
    ui::{self, Autocomplete, Group, Ui, text},
};

#[async_trait]
impl Strategy<Login> for Password {
    fn id(&self) -> &'static str {
        "password"
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Login>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.state.requested_aal != Aal::Aal1
            || !flow.state.screen.offers("password")
            || !cx.project.config::<PasswordConfig>().enabled
        {
            return Ok(());
        }
        let label = if let Some(identifier) = refreshed_identifier(cx, flow).await? {
            ui.upsert(ui::hidden("identifier", identifier));
            text::refresh_submit_label()
        } else if flow.state.refresh {
            // Signed in, but without a password: another method has to do.
            return Ok(());
        } else if flow.state.screen != LoginScreen::Methods {
            text::password_login_label()
        } else {
            let schema = schema_of(cx, flow)?;
            let label = text::identifier(schema.schema.identifier_label());
            ui.upsert(
                ui::text_input("identifier")
                    .required()
                    .value(flow.state.identifier.as_str())
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
        .push(
            ui::submit("method", "password")
                .group(Group::Password)
                .label(label),
        );
        Ok(())
    }

    fn claims(&self, flow: &Flow<Login>, submission: &Submission) -> bool {
        submission.method() == Some("password") && flow.state.requested_aal == Aal::Aal1
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        submission: &Submission,
    ) -> Result<Step<SignIn>, Halt> {
        if !cx.project.config::<PasswordConfig>().enabled {
            return Err(Error::MethodDisabled.into());
        }
        let typed = submission
            .text("identifier")
            .or_else(|| submission.text("password_identifier"));
        flow.state.identifier = typed.clone().unwrap_or_default();
        let (identifier, password) = both(typed, submission.text("password"))?;
        guard::check_csrf(cx, flow, submission)?;
        let guess = limits::guess(cx, &normalize::identifier(&identifier)).await?;
        let mut verified = check_password(cx, &identifier, Zeroizing::new(password)).await?;
        verified.effects.0.push(Write::ForgiveGuess(guess));
        flow.active = Some("password".to_owned());
        Ok(Step::Decided(SignIn {
            identity: Arc::new(verified.identity),
            amr: cx.completed("password"),
            judged: Some(verified.judged),
            effects: verified.effects,
            announced: Vec::new(),
        }))
    }
}

struct Verified {
    identity: Identity,
    judged: Judged,
    effects: Effects,
}

async fn check_password(
    cx: &Cx<'_>,
    identifier: &str,
    password: Zeroizing<String>,
) -> Result<Verified, Halt> {
    let hasher = cx.project.config::<HasherConfig>().hasher();
    let project = cx.project.id().uuid();
    let hashing = &cx.people.hashing;
    let Some((found, identity)) = find(cx, identifier).await? else {
        hashing.verify_nothing(project, hasher, password).await?;
        return Err(wrong_credentials());
    };
    if !hashing
        .verify(project, password.clone(), found.hash.clone())
        .await?
    {
        return Err(wrong_credentials());
    }
    let mut effects = Effects::default();
    if needs_rehash(&found.hash, &hasher) {
        match hashing.hash(project, hasher, password).await {
            Ok(hash) => effects.0.push(Write::ReplaceCredential {
                identity_id: found.identity_id,
                kind: "password",
                config: json!({"hashed_password": hash}),
            }),
            // Not the person's trouble: it is tried again at their next sign-in.
            Err(error) => tracing::warn!(%error, "a password was not hashed anew"),
        }
    }
    let judged = Judged {
        kind: "password",
        revision: found.revision,
    };
    Ok(Verified {
        identity,
        judged,
        effects,
    })
}

/// The password and its owner. An unknown identifier asks Postgres as much as a known one.
async fn find(
    cx: &Cx<'_>,
    identifier: &str,
) -> Result<Option<(store::FoundPassword, Identity)>, Fault> {
    let mut tx = cx.project.begin().await?;
    let found = store::find_password(&mut tx, &normalize::identifier(identifier)).await?;
    let owner = found.as_ref().map_or(Uuid::nil(), |f| f.identity_id);
    let identity = identities::store::get(&mut tx, owner).await?;
    Ok(found.filter(|f| !f.hash.is_empty()).zip(identity))
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

/// In a refresh: the identifier of whoever is signed in, if they have a password.
async fn refreshed_identifier(cx: &Cx<'_>, flow: &Flow<Login>) -> Result<Option<String>, Fault> {
    let (true, Some(session)) = (flow.state.refresh, cx.session) else {
        return Ok(None);
    };
    let mut tx = cx.project.begin().await?;
    let identifiers = store::identifiers_of(&mut tx, session.identity.id, "password").await?;
    drop(tx);
    let has_password = session
        .identity
        .factors
        .any(identity::factors::Factors::PASSWORD);
    Ok(identifiers.into_iter().next().filter(|_| has_password))
}
