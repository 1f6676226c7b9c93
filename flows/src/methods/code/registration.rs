//! Sign up with a code: it is sent to every address that could be signed in with, and whoever brings one
//! back is registered.

use async_trait::async_trait;
use courier::Template;
use identity::{
    identities::create::{AddressState, Extras, Prepared},
    limits::Bucket,
    one_time::{self, Purpose},
    schema::Derived,
};
use serde_json::Value;

use super::{Code, CodeConfig, RESEND, form, missing, send, too_many_tries, used_already};
use crate::{
    cx::Cx,
    decision::{Effects, Halt, Refusal, SignUp, Step, Write},
    flow::{Flow, PASSED, SENT, Screen},
    guard, limits,
    methods::{Strategy, schema_of},
    registration::Registration,
    submission::Submission,
    ui::{self, Group, Ui, text},
};

#[async_trait]
impl Strategy<Registration> for Code {
    fn id(&self) -> &'static str {
        "code"
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Registration>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.has_sent_code() {
            form::wait_for_code(ui, text::registration_code_label());
            if flow.state.screen != Screen::OneStep {
                let back = ui::submit("screen", "credential-selection").group(Group::Profile);
                ui.push(back.label(text::registration_back_label()));
            }
            return Ok(());
        }
        let config = cx.project.config::<CodeConfig>();
        if flow.state.screen != Screen::Profile && config.passwordless_enabled {
            let send = ui::submit("method", "code").group(Group::Code);
            ui.push(send.label(text::send_registration_code_label()));
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Registration>, submission: &Submission) -> bool {
        flow.step != PASSED && submission.method() == Some("code")
    }

    /// Traits are judged before CSRF, as clients know it.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Registration>,
        submission: &Submission,
    ) -> Result<Step<SignUp>, Halt> {
        let config = cx.project.config::<CodeConfig>();
        if !config.passwordless_enabled {
            guard::check_csrf(cx, flow, submission)?;
            let refusal = Refusal::form(text::no_registration_strategy());
            return Err(Halt::refused(refusal));
        }
        let schema = schema_of(cx, flow)?;
        let traits = submission.traits(schema.schema.fields());
        let checks = flow.awaits_code() && submission.text("resend").as_deref() != Some(RESEND);
        // What the code was sent for stays on the form, hidden: with it alone the code is good.
        if !checks {
            flow.remember_traits(&traits);
        }
        let derived = schema.schema.derive(&traits).map_err(|violations| {
            Halt::refused(Refusal {
                violations,
                ..Refusal::default()
            })
        })?;
        guard::check_csrf(cx, flow, submission)?;
        if derived.code.is_empty() {
            return Err(Halt::refused(Refusal::form(text::no_identifier())));
        }
        if !checks {
            for address in &derived.code {
                limits::mail(cx, address).await?;
            }
            return Ok(Step::Ask(ask(cx, flow, traits, &derived)?));
        }
        let code = submission.text("code").ok_or_else(|| missing("code"))?;
        if traits != flow.state.traits {
            return Err(Halt::refused(Refusal::form(text::traits_changed())));
        }
        let guess = limits::guess_code(cx, &derived.code[0].value).await?;
        let prepared = Prepared::new(cx.project, &schema.id, derived, Extras::default());
        check(cx, flow, prepared, (code.trim(), guess)).await
    }
}

/// A code to each address, in the place of earlier ones. The flow waits for one of them.
fn ask(
    cx: &Cx<'_>,
    flow: &mut Flow<Registration>,
    traits: Value,
    derived: &Derived,
) -> Result<Effects, Halt> {
    let mut effects = Effects(vec![Write::DropCodes { flow_id: flow.id }]);
    for address in &derived.code {
        let minted = send::mint(cx, flow, Purpose::Registration, (None, address));
        let template = Template::RegistrationCodeValid {
            code: minted.secret,
            traits: derived.traits.clone(),
            expires_in: send::usable(cx, flow),
        };
        let message = send::message(cx, flow, template, (None, address))?;
        effects.0.push(Write::StoreCode(Box::new(minted.code)));
        effects.0.push(Write::Send(message));
    }
    flow.state.traits = traits;
    if flow.state.screen == Screen::Profile {
        flow.state.screen = Screen::Credentials;
    }
    flow.go_to(SENT);
    flow.active = Some("code".to_owned());
    Ok(effects)
}

/// Judge the code that came back: whoever has it reads the address that it was sent to.
async fn check(
    cx: &Cx<'_>,
    flow: &mut Flow<Registration>,
    mut prepared: Prepared,
    (code, guess): (&str, Vec<Bucket>),
) -> Result<Step<SignUp>, Halt> {
    let tries = one_time::count_submission(cx.project, flow.id).await?;
    if tries > cx.project.config::<CodeConfig>().config.max_submissions {
        return Err(too_many_tries());
    }
    let mut tx = cx.project.begin().await?;
    let judged = one_time::judge(&mut tx, (flow.id, Purpose::Registration), code).await?;
    drop(tx);
    let found = match judged {
        one_time::Judged::Right(found) => found,
        one_time::Judged::Used => return Err(used_already()),
        one_time::Judged::Wrong | one_time::Judged::Expired => {
            let wrong = Refusal::form(text::wrong_registration_code());
            return Err(Halt::refused(wrong));
        }
    };
    let verified = AddressState {
        verified: true,
        ..AddressState::default()
    };
    prepared.import_address(found.address.via, &found.address.value, verified);
    flow.go_to(PASSED);
    flow.active = Some("code".to_owned());
    Ok(Step::Decided(SignUp {
        prepared,
        amr: cx.completed("code"),
        effects: Effects(vec![
            Write::ConsumeCode { id: found.id },
            Write::ForgiveGuess(guess),
        ]),
        announced: Vec::new(),
    }))
}
