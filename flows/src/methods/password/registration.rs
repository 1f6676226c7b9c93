//! Sign up with a password.

use async_trait::async_trait;
use identity::{
    HashError, Hasher,
    identities::create::{Extras, Prepared},
    sessions::Aal,
};
use serde::Deserialize;
use tenants::{Fault, Tx};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{HasherConfig, ID, Password, PasswordConfig, breach, config::PolicyConfig, policy};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal, SignUp},
        fields::Fields,
        flow::Flow,
        form::schema_of,
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
        traits::judge_traits,
    },
    kinds::registration::{Registration, Screen},
    ui::{Message, Ui, text},
};

/// Sign up with a password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RegistrationFields {
    #[schema(required, value_type = String, min_length = 1, format = Password, write_only)]
    password: Option<String>,
}

impl Fields for RegistrationFields {
    const METHOD: &'static str = ID;
    const TRAITS: Option<&'static str> = Some("As the identity schema says.");
}

#[async_trait]
impl Strategy<Registration> for Password {
    fn id(&self) -> &'static str {
        ID
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Registration>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.data.screen == Screen::Profile || !cx.project.config::<PasswordConfig>().enabled {
            return Ok(());
        }
        super::draw_new(ui, text::sign_up_label());
        Ok(())
    }

    fn claims(&self, _flow: &Flow<Registration>, submission: &Submission) -> bool {
        submission.method() == Some(ID)
    }

    /// Traits and a missing password are reported together and before CSRF, as Kratos does.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Registration>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Registration>, Halt> {
        drop(tx);
        let submission = &attempt.submission;
        let config = cx.project.config::<PasswordConfig>();
        if !config.enabled {
            return Err(Error::MethodDisabled.into());
        }
        let schema = schema_of(cx, flow)?;
        let traits = submission.traits(schema.schema.fields());
        flow.remember_traits(cx, &traits);
        let fields: RegistrationFields = submission.read()?;
        let password = fields.password.map(Zeroizing::new);
        let mut refusal = Refusal::default();
        if password.is_none() {
            refusal
                .complaints
                .push((Some("password".to_owned()), text::required("password")));
        }
        let judged = judge_traits(cx, &schema, &traits).await?;
        let derived = judged.map_err(|v| refusal.violations = v).ok();
        let (Some(password), Some(derived)) = (password, derived) else {
            return Err(Halt::refused(refusal));
        };
        guard::check_csrf(cx, flow, submission)?;
        if derived.password.is_empty() {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        let hasher = cx.project.config::<HasherConfig>().hasher();
        check_policy(cx, &config.config, hasher, &password, &derived.password).await?;
        let hash = hash_new(cx, attempt, hasher, password).await?;
        let mut prepared = Prepared::new(cx.project, &schema.id, derived, Extras::default());
        prepared.set_password(&hash);
        Ok(Step::Decided(SignUp {
            prepared,
            amr: cx.completed(ID, Aal::Aal1),
            effects: Effects::default(),
        }))
    }
}

/// The hash of a password that its policy accepted; a submission that is judged again costs no second one.
pub(super) async fn hash_new(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    hasher: Hasher,
    password: Zeroizing<String>,
) -> Result<String, Halt> {
    if let Some(hash) = attempt.hashed_by(hasher) {
        return Ok(hash);
    }
    let project = cx.project.id().uuid();
    let hash = cx.people.hashing.hash(project, hasher, password).await;
    let hash = hash.map_err(|error| match error {
        HashError::TooLong => Fault::broken("a password outgrew its policy").into(),
        other => Error::from(other),
    })?;
    attempt.note_hash(hasher, &hash);
    Ok(hash)
}

/// In this order (docs/wire.md, W7.11): length, similarity, breaches, the hasher's limit.
pub(super) async fn check_policy(
    cx: &Cx<'_>,
    config: &PolicyConfig,
    hasher: Hasher,
    password: &str,
    identifiers: &[String],
) -> Result<(), Halt> {
    let refuse = |message: Message| Halt::refused(Refusal::at("password", message));
    policy::minimum(password, config.min_password_length).map_err(refuse)?;
    if config.identifier_similarity_check_enabled {
        policy::similar(password, identifiers.iter().map(String::as_str)).map_err(refuse)?;
    }
    breach::check(cx.project, config, password)
        .await
        .map_err(refuse)?;
    if matches!(hasher, Hasher::Bcrypt { .. }) {
        policy::maximum(password).map_err(refuse)?;
    }
    Ok(())
}
