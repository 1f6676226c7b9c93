//! Sign in with a code: as the first factor, as the second, and to authenticate again.

use async_trait::async_trait;
use courier::{MessageWrite, Template};
use identity::{
    Identity, addresses, normalize,
    one_time::{CodeWrite, Purpose},
    schema::Address,
    sessions::Aal,
};
use tenants::{Fault, Tx};

use super::{
    Code, CodeConfig, CodeFlags, ID,
    fields::LoginFields,
    form, missing,
    prove::{prove, sign_in, wrong_code},
    recipient::{address_in_trait, find, own_addresses, pretended_recipient},
    send, too_many_tries,
};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal},
        flags::Enumeration,
        flow::{CHOOSE_METHOD, Flow, PASSED, SENT, Transport},
        form::schema_of,
        guard, limits,
        strategy::{Offer, Step, Strategy, TakesOver},
        submission::Submission,
    },
    kinds::login::{Login, LoginParams, LoginScreen},
    ui::{self, Autocomplete, Group, Ui, text},
};

#[async_trait]
impl Strategy<Login> for Code {
    fn id(&self) -> &'static str {
        ID
    }

    fn is_enabled(&self, cx: &Cx<'_>) -> bool {
        cx.project.config::<CodeConfig>().passwordless_enabled
    }

    fn takes_over(&self, flow: &Flow<Login>) -> Option<TakesOver> {
        flow.has_sent_code().then_some(TakesOver::Alone)
    }

    async fn at_init(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        params: &LoginParams,
    ) -> Result<Option<Effects>, Error> {
        send_at_init(cx, flow, params.via.as_deref()).await
    }

    async fn offers(&self, cx: &Cx<'_>, identifier: &str) -> Result<Offer, Fault> {
        if !cx.project.config::<CodeConfig>().passwordless_enabled {
            return Ok(Offer::No);
        }
        Ok(match find(cx, identifier).await? {
            Some(found) if found.identity.factors.has_first() => Offer::Yes,
            Some(_) => Offer::AtOnce,
            None => Offer::No,
        })
    }

    /// A code for the identity of the identifier that was typed.
    async fn go_on(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        attempt: &mut Attempt,
    ) -> Result<Step<Login>, Halt> {
        let found = find(cx, &flow.data.identifier).await?;
        let found = found.ok_or_else(no_code_account)?;
        limits::message(cx, attempt, &found.address).await?;
        let effects = send_to(cx, flow, Some(&found.identity), &found.address)?;
        Ok(Step::Ask(effects))
    }

    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<Login>, ui: &mut Ui) -> Result<(), Halt> {
        if flow.has_sent_code() {
            return draw_sent(cx, flow, ui);
        }
        if !is_served(cx, flow) || !flow.data.screen.offers(ID) {
            return Ok(());
        }
        if picks_address(cx, flow) {
            for address in own_addresses(cx, flow).await? {
                let label = text::send_code_to_label(&address.value, address.via.as_str());
                ui.push(
                    ui::submit("address", address.value)
                        .group(Group::Code)
                        .label(label),
                );
            }
            return Ok(());
        }
        if flow.data.screen == LoginScreen::Methods {
            let schema = schema_of(cx, flow)?;
            ui.upsert(
                ui::text_input("identifier")
                    .required()
                    .value(flow.data.identifier.as_str())
                    .label(text::identifier(schema.schema.identifier_label())),
            );
        }
        let send = ui::submit("method", ID).group(Group::Code);
        ui.push(send.label(text::send_login_code_label()));
        Ok(())
    }

    fn claims(&self, flow: &Flow<Login>, submission: &Submission) -> bool {
        let picks = |fields: LoginFields| fields.address.is_some();
        flow.state != PASSED
            && match submission.method() {
                Some(method) => method == ID,
                None => submission.read().is_ok_and(picks),
            }
    }

    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Login>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Login>, Halt> {
        if !is_served(cx, flow) {
            return Err(Halt::refused(Refusal::form(text::no_login_strategy())));
        }
        let submission = &attempt.submission;
        guard::check_csrf(cx, flow, submission)?;
        let fields: LoginFields = submission.read()?;
        let asks_again = fields.asks_again();
        let typed = fields.address.or(fields.identifier);
        if flow.awaits_code() && !asks_again {
            return check(cx, flow, attempt, tx, (typed, fields.code)).await;
        }
        drop(tx);
        ask(cx, flow, attempt, typed).await
    }
}

/// Is a code good for the level asked for?
fn is_served(cx: &Cx<'_>, flow: &Flow<Login>) -> bool {
    let config = cx.project.config::<CodeConfig>();
    match flow.data.requested_aal {
        Aal::Aal2 => config.mfa_enabled,
        _ => config.passwordless_enabled,
    }
}

/// A visitor who is known picks one of the account's addresses; a stranger types an identifier.
fn picks_address(cx: &Cx<'_>, flow: &Flow<Login>) -> bool {
    let picks_again = || {
        cx.project
            .config::<CodeFlags>()
            .refresh_login_choose_address
    };
    flow.data.requested_aal == Aal::Aal2 || (flow.data.refresh && picks_again())
}

/// The hidden identifier, where it stood before, and the fields for the code.
fn draw_sent(cx: &Cx<'_>, flow: &Flow<Login>, ui: &mut Ui) -> Result<(), Halt> {
    let token = flow.csrf_node(cx);
    ui.remove("csrf_token");
    let identifier = flow.data.identifier.as_str();
    let hidden = ui::hidden("identifier", identifier);
    if picks_address(cx, flow) {
        let via = addresses::read_typed(identifier).via;
        let label = text::send_code_to_label(identifier, via.as_str());
        ui.push(hidden.group(Group::Code).label(label));
    } else {
        let schema = schema_of(cx, flow)?;
        let label = text::identifier(schema.schema.identifier_label());
        let hidden = hidden.required().label(label);
        ui.push(match flow.data.screen {
            LoginScreen::Methods => hidden,
            _ => hidden
                .group(Group::IdentifierFirst)
                .autocomplete(Autocomplete::UsernameWebauthn),
        });
    }
    form::wait_for_code(ui, text::login_code_label());
    // API clients have no use for it, and Kratos leaves it out on this screen.
    if flow.transport == Transport::Browser {
        ui.push(token);
    }
    Ok(())
}

/// A second factor that can only be a code is sent when the flow begins (docs/wire.md, W6.8). `via` names the
/// trait whose address it goes to.
async fn send_at_init(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    via: Option<&str>,
) -> Result<Option<Effects>, Error> {
    let (true, Some(session)) = (flow.data.requested_aal == Aal::Aal2, cx.session) else {
        return Ok(None);
    };
    if !cx.project.config::<CodeConfig>().mfa_enabled {
        return Ok(None);
    }
    if let Some(path) = via.filter(|path| !path.is_empty()) {
        flow.data.via = Some(address_in_trait(&session.identity, path)?);
    }
    let addresses = own_addresses(cx, flow).await?;
    if let (Some(via), true) = (via, addresses.is_empty() && flow.data.via.is_some()) {
        return Err(Error::BadRequest(format!(
            "The trait {via:?} holds no address that codes are sent to."
        )));
    }
    let [address] = addresses.as_slice() else {
        return Ok(None);
    };
    if session.identity.factors.has_second() {
        return Ok(None);
    }
    let id = session.identity.id;
    let sent = match limits::message_to_own(cx, &mut Attempt::default(), id, address).await {
        Ok(()) => send_to(cx, flow, Some(&session.identity), address),
        Err(halt) => Err(halt),
    };
    match sent {
        Ok(effects) => {
            flow.data.identifier.clone_from(&address.value);
            Ok(Some(effects))
        }
        Err(Halt::Stopped(error, _)) if !matches!(error, Error::TooMany { .. }) => Err(error),
        // The form with its button says it, when it is pressed.
        Err(_) => Ok(None),
    }
}

/// A code for that address, in the place of the flow's earlier ones; the flow waits for it. Without an
/// identity the work is the same, but nothing is sent.
fn send_to(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    identity: Option<&Identity>,
    address: &Address,
) -> Result<Effects, Halt> {
    let minted = send::mint(cx, flow, Purpose::Login, (identity, address));
    let template = Template::LoginCodeValid {
        code: minted.secret,
        expires_in: send::usable(cx, flow),
    };
    let message = send::message(cx, flow, template, (identity, address))?;
    flow.go_to(SENT);
    flow.active = Some(ID.to_owned());
    let mut effects = Effects::one(CodeWrite::DropOfFlow(flow.id));
    effects.push(CodeWrite::Store(Box::new(minted.code)));
    effects.push(if identity.is_some() {
        MessageWrite::Send(message)
    } else {
        MessageWrite::Pretend(message)
    });
    Ok(effects)
}

/// Send a code to the account that it was asked for.
async fn ask(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    attempt: &mut Attempt,
    typed: Option<String>,
) -> Result<Step<Login>, Halt> {
    flow.data.type_identifier(typed.unwrap_or_default());
    let to = addresses::read_typed(&flow.data.identifier);
    if !flow.data.identifier.is_empty() && !picks_address(cx, flow) {
        // Before an account is looked for, and where the flow stands: an earlier code stays good.
        limits::message(cx, attempt, &to).await?;
    }
    // Who is refused from here on may correct what was typed.
    flow.go_to(CHOOSE_METHOD);
    if flow.data.identifier.is_empty() {
        return Err(missing("identifier"));
    }
    if picks_address(cx, flow) {
        return ask_own(cx, flow, attempt, &to.value).await;
    }
    let found = find(cx, &flow.data.identifier).await?;
    let is_stranger = cx.session.is_none();
    let effects = match found {
        // Who is signed in proves that identity, and learns nothing about others.
        Some(found)
            if cx
                .session
                .is_none_or(|session| session.identity.id == found.identity.id) =>
        {
            send_to(cx, flow, Some(&found.identity), &found.address)?
        }
        None if is_stranger && cx.project.config::<Enumeration>().mitigate => {
            let pretended = pretended_recipient(&flow.data.identifier);
            send_to(cx, flow, None, &pretended)?
        }
        _ => return Err(no_code_account()),
    };
    Ok(Step::Ask(effects))
}

/// Send a code to an address that must be one of the session's identity.
async fn ask_own(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    attempt: &mut Attempt,
    chosen: &str,
) -> Result<Step<Login>, Halt> {
    let own = own_addresses(cx, flow).await?;
    let address = own.into_iter().find(|address| address.value == *chosen);
    let (Some(session), Some(address)) = (cx.session, address) else {
        return Err(no_code_account());
    };
    limits::message_to_own(cx, attempt, session.identity.id, &address).await?;
    let effects = send_to(cx, flow, Some(&session.identity), &address)?;
    Ok(Step::Ask(effects))
}

fn no_code_account() -> Halt {
    Halt::refused(Refusal::form(text::no_code_account()))
}

/// Judge the code that came back.
async fn check(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    attempt: &mut Attempt,
    mut tx: Tx,
    (typed, code): (Option<String>, Option<String>),
) -> Result<Step<Login>, Halt> {
    let code = code.ok_or_else(|| missing("code"))?;
    let is_stranger = !picks_address(cx, flow);
    if let Some(typed) = typed.filter(|_| is_stranger) {
        flow.data.type_identifier(typed);
    } else if is_stranger {
        return Err(missing("identifier"));
    }
    let tries = limits::code_try(attempt, &mut tx, flow.id).await?;
    let (tx, guess) = if let Some(session) = cx.session.filter(|_| !is_stranger) {
        limits::guess_second_factor(cx, attempt, tx, session.identity.id).await?
    } else {
        let identifier = normalize::identifier(&flow.data.identifier);
        limits::guess_code(cx, attempt, tx, &identifier).await?
    };
    tx.commit().await?;
    if tries > guess.tries_max(cx.project.config::<CodeConfig>().config.max_submissions) {
        return Err(too_many_tries());
    }
    let owner = if is_stranger {
        let found = find(cx, &flow.data.identifier).await?;
        let owner = found.map(|found| found.identity.id);
        if owner.is_none() && !cx.project.config::<Enumeration>().mitigate {
            return Err(no_code_account());
        }
        owner
    } else {
        cx.session.map(|session| session.identity.id)
    };
    let proved = prove(cx, flow, code.trim()).await?;
    if owner != Some(proved.identity.id) {
        return Err(wrong_code());
    }
    flow.go_to(PASSED);
    flow.active = Some(ID.to_owned());
    let mut decision = sign_in(cx, proved);
    decision.effects.push(guess.forgive);
    Ok(Step::Decided(decision))
}
