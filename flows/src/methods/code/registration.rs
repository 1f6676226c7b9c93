//! Sign up with a code: it is sent to every address that could be signed in with, and who brings one
//! back is registered.

use async_trait::async_trait;
use courier::{MessageWrite, Template};
use identity::{
    identities::create::{AddressState, Extras, Prepared},
    one_time::{self, CodeWrite, Purpose},
    schema::{Address, Derived},
    sessions::Aal,
};
use serde_json::Value;
use tenants::Tx;

use super::{
    Code, CodeConfig, ID, fields::RegistrationFields, form, missing, send, too_many_tries,
    used_already,
};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Halt, Refusal, SignUp},
        flow::{Flow, PASSED, SENT},
        form::schema_of,
        guard, limits,
        strategy::{Step, Strategy, TakesOver},
        submission::Submission,
        traits::derive,
    },
    kinds::registration::{Registration, Screen},
    ui::{self, Group, Ui, text, traits::is_storable},
};

#[async_trait]
impl Strategy<Registration> for Code {
    fn id(&self) -> &'static str {
        ID
    }

    fn takes_over(&self, flow: &Flow<Registration>) -> Option<TakesOver> {
        flow.has_sent_code().then_some(TakesOver::Alone)
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Registration>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.has_sent_code() {
            form::wait_for_code(ui, text::registration_code_label());
            if flow.data.screen != Screen::OneStep {
                let back = ui::submit("screen", "credential-selection").group(Group::Profile);
                ui.push(back.label(text::registration_back_label()));
            }
            return Ok(());
        }
        let config = cx.project.config::<CodeConfig>();
        if flow.data.screen != Screen::Profile && config.passwordless_enabled {
            let send = ui::submit("method", ID).group(Group::Code);
            ui.push(send.label(text::send_registration_code_label()));
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Registration>, submission: &Submission) -> bool {
        flow.state != PASSED && submission.method() == Some(ID)
    }

    /// Traits are judged before CSRF, as Kratos does.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Registration>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Registration>, Halt> {
        drop(tx);
        let submission = &attempt.submission;
        let config = cx.project.config::<CodeConfig>();
        if !config.passwordless_enabled {
            guard::check_csrf(cx, flow, submission)?;
            let refusal = Refusal::form(text::no_registration_strategy());
            return Err(Halt::refused(refusal));
        }
        let schema = schema_of(cx, flow)?;
        let traits = submission.traits(schema.schema.fields());
        let fields: RegistrationFields = submission.read()?;
        let checks = flow.awaits_code() && !fields.asks_again();
        // What the code was sent for stays on the form, hidden: with it alone the code is good.
        if !checks {
            flow.remember_traits(cx, &traits);
        }
        let derived = derive(cx, &schema, &traits).await?;
        guard::check_csrf(cx, flow, submission)?;
        if derived.code.is_empty() {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        if !checks {
            if !is_storable(&traits, flow.typed_bytes_left(cx)) {
                return Err(Halt::refused(Refusal::form(text::too_much_typed())));
            }
            for address in &derived.code {
                limits::message(cx, attempt, address).await?;
            }
            return Ok(Step::Ask(ask(cx, flow, traits, &derived)?));
        }
        let code = fields.code.ok_or_else(|| missing("code"))?;
        if traits != flow.data.traits {
            return Err(Halt::refused(Refusal::form(text::traits_changed())));
        }
        let addresses = derived.code.clone();
        let prepared = Prepared::new(cx.project, &schema.id, derived, Extras::default());
        let tx = cx.project.begin().await?;
        check(cx, flow, attempt, tx, (prepared, &addresses, code.trim())).await
    }
}

/// A code to each address, in the place of earlier ones. The flow waits for one of them.
fn ask(
    cx: &Cx<'_>,
    flow: &mut Flow<Registration>,
    traits: Value,
    derived: &Derived,
) -> Result<Effects, Halt> {
    let mut effects = Effects::one(CodeWrite::DropOfFlow(flow.id));
    for address in &derived.code {
        let minted = send::mint(cx, flow, Purpose::Registration, (None, address));
        let template = Template::RegistrationCodeValid {
            code: minted.secret,
            traits: derived.traits.clone(),
            expires_in: send::usable(cx, flow),
        };
        let message = send::message(cx, flow, template, (None, address))?;
        effects.push(CodeWrite::Store(Box::new(minted.code)));
        effects.push(MessageWrite::Send(message));
    }
    flow.data.traits = traits;
    if flow.data.screen == Screen::Profile {
        flow.data.screen = Screen::Credentials;
    }
    flow.go_to(SENT);
    flow.active = Some(ID.to_owned());
    Ok(effects)
}

/// Judge the code that came back: its owner reads the address that it was sent to.
async fn check(
    cx: &Cx<'_>,
    flow: &mut Flow<Registration>,
    attempt: &mut Attempt,
    mut tx: Tx,
    (mut prepared, addresses, code): (Prepared, &[Address], &str),
) -> Result<Step<Registration>, Halt> {
    let address = prepared.first_code_address().unwrap_or_default();
    let tries = limits::code_try(attempt, &mut tx, flow.id).await?;
    let (mut tx, guess) = limits::guess_code(cx, attempt, tx, &address).await?;
    let judged = one_time::judge(&mut tx, (flow.id, Purpose::Registration), code).await?;
    tx.commit().await?;
    if tries > guess.tries_max(cx.project.config::<CodeConfig>().config.max_submissions) {
        return Err(too_many_tries());
    }
    let found = match judged {
        one_time::Judged::Right(found) if addresses.contains(&found.address) => found,
        one_time::Judged::Used => return Err(used_already()),
        // A code proves the address that it was sent to, and no other one that was typed since.
        _ => {
            limits::wrong(cx).await?;
            return Err(Halt::refused(
                Refusal::form(text::wrong_registration_code()),
            ));
        }
    };
    let verified = AddressState {
        verified: true,
        ..AddressState::default()
    };
    prepared.import_address(found.address.via, &found.address.value, verified);
    flow.go_to(PASSED);
    flow.active = Some(ID.to_owned());
    let mut effects = Effects::one(CodeWrite::Consume(found.id));
    effects.push(guess.forgive);
    Ok(Step::Decided(SignUp {
        prepared,
        amr: cx.completed(ID, Aal::Aal1),
        effects,
    }))
}
