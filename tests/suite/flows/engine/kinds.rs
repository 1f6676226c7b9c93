//! Two kinds of flow, a method and a hook that exist only in the tests.
//!
//! Looks inside: the tables, `flows`, `identity`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use flows::{
    after::HookConfig,
    attempt::Attempt,
    begin::Init,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal},
    flow::{CHOOSE_METHOD, Flow, NewFlow, PASSED},
    hook::{About, Hook, Next, Person, Subject},
    kind::{Ending, Kind, Listed},
    limits, store,
    strategy::{Become, Leave, Step, Strategy},
    submission::Submission,
    ui::{self, Message, Ui, text},
};
use identity::{
    identities::create::{Extras, Prepared},
    schema::{Address, Via},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenants::{Project, Tx};

/// Where a browser is sent to.
pub(super) const PROVIDER: &str = "https://provider.example/authorize";

/// Who gets the messages of [`Signs`].
fn recipient() -> Address {
    Address {
        via: Via::Email,
        value: "ada@example.org".to_owned(),
    }
}

/// What both kinds remember.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Notes {
    pub(super) said: String,
}

/// How a flow of either kind ended.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) said: String,
    pub(super) next: Next,
}

impl AsMut<Next> for Arrived {
    fn as_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

macro_rules! kind {
    ($kind:ident, $name:literal, $counterpart:ident) => {
        #[derive(Clone, Debug)]
        pub(super) struct $kind;

        impl Listed for $kind {
            type Counterpart = $counterpart;

            fn strategies() -> &'static [&'static dyn Strategy<Self>] {
                &[&Elsewhere]
            }

            fn hook(configured: &HookConfig) -> Option<Box<dyn Hook>> {
                let first = configured.hook == "first";
                (first || configured.hook == "second").then(|| Box::new(Signs { first }) as _)
            }
        }

        #[async_trait]
        impl Kind for $kind {
            const NAME: &'static str = $name;
            type Params = ();
            type Data = Notes;
            type Decision = String;
            type Rest = String;
            type Done = Arrived;

            fn ui_url(_project: &Project) -> Option<String> {
                None
            }

            fn lifespan(_cx: &Cx<'_>) -> std::time::Duration {
                std::time::Duration::from_hours(1)
            }

            fn open(_cx: &Cx<'_>, init: Init, (): &()) -> Result<NewFlow<Self>, Error> {
                Ok(new_flow(init))
            }

            fn renewed(_cx: &Cx<'_>, _former: &Flow<Self>) -> (Notes, &'static str) {
                (Notes::default(), CHOOSE_METHOD)
            }

            fn expired(at: DateTime<Utc>) -> Message {
                text::login_expired(at)
            }

            fn admit(cx: &Cx<'_>, flow: &mut Flow<Self>) -> Result<(), Halt> {
                if flow.is_expired(cx.project.now()) {
                    return Err(Halt::Expired(flow.expires_at));
                }
                Ok(())
            }

            fn no_strategy() -> Message {
                text::no_login_strategy()
            }

            fn hooks(_cx: &Cx<'_>, method: &str) -> Vec<HookConfig> {
                let hook = |name: &str| HookConfig {
                    hook: name.to_owned(),
                    config: json!({"of": method}),
                };
                vec![hook("second"), hook("unknown"), hook("first")]
            }

            fn hooks_before(_cx: &Cx<'_>) -> Vec<HookConfig> {
                vec![HookConfig {
                    hook: "second".to_owned(),
                    config: Value::Null,
                }]
            }

            async fn prepare(
                cx: &Cx<'_>,
                _flow: &mut Flow<Self>,
                said: String,
            ) -> Result<Ending<Self>, Halt> {
                let schemas = identity::schemas::Schemas::of(cx.project);
                let schema = schemas.get("").ok_or(Error::NotFound)?;
                let traits = json!({"email": "ada@example.org"});
                let derived = schema.schema.derive(&traits).map_err(|_| Error::NotFound)?;
                let person = Prepared::new(cx.project, &schema.id, derived, Extras::default());
                Ok(Ending {
                    rest: said,
                    subject: Subject::new("elsewhere", Person::New(Box::new(person))),
                    target: "https://app.example/".to_owned(),
                })
            }

            async fn finish(
                cx: &Cx<'_>,
                flow: &mut Flow<Self>,
                _attempt: &mut Attempt,
                ending: &mut Ending<Self>,
            ) -> Result<Arrived, Halt> {
                if ending.rest == "decide and lose" {
                    return Err(Halt::Outdated);
                }
                let signed = ending.subject.announced.len();
                let traits = ending.subject.traits().cloned().unwrap_or_default();
                flow.data.said = format!("{} {} {signed}", ending.rest, traits["email"]);
                flow.go_to(PASSED);
                let mut tx = cx.project.begin().await?;
                if !store::save(&mut tx, flow).await? {
                    return Err(Halt::Outdated);
                }
                let effects = &ending.subject.effects;
                effects.write(&mut tx, None).await.map_err(Halt::unwritten)?;
                tx.commit().await?;
                Ok(Arrived {
                    said: flow.data.said.clone(),
                    next: Next::to(ending.target.clone(), Vec::new(), Vec::new()),
                })
            }
        }
    };
}

kind!(Asking, "login", Joining);
kind!(Joining, "registration", Asking);

fn new_flow<K: Kind<Data = Notes>>(init: Init) -> NewFlow<K> {
    NewFlow {
        transport: init.transport,
        request_url: init.request_url,
        return_to: init.return_to,
        identity_schema: None,
        lifespan: std::time::Duration::from_hours(1),
        data: Notes::default(),
        state: CHOOSE_METHOD,
    }
}

/// Does what its submissions say.
struct Elsewhere;

#[async_trait]
impl<K> Strategy<K> for Elsewhere
where
    K: Kind<Data = Notes, Decision = String>,
    K::Counterpart: Kind<Data = Notes>,
{
    fn id(&self) -> &'static str {
        "elsewhere"
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<K>, ui: &mut Ui) -> Result<(), Halt> {
        ui.push(ui::hidden("said", flow.data.said.as_str()));
        Ok(())
    }

    fn claims(&self, _flow: &Flow<K>, submission: &Submission) -> bool {
        submission.method() == Some("elsewhere")
    }

    async fn judge(
        &self,
        _cx: &Cx<'_>,
        flow: &mut Flow<K>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<K>, Halt> {
        drop(tx);
        let said = attempt.submission.text("do").unwrap_or_default();
        flow.data.said.clone_from(&said);
        match said.as_str() {
            "decide" | "decide and lose" => Ok(Step::Decided(said)),
            "ask" => Ok(Step::Ask(Effects::default())),
            "leave" => Ok(Step::Leave(Leave {
                to: format!("{PROVIDER}?state={}", flow.id),
                effects: Effects::default(),
            })),
            "become" | "become and back" | "become for ever" => Ok(become_other(flow, &said)),
            "again" => Err(Halt::Outdated),
            _ => Err(Halt::refused(Refusal::form(text::nothing_submitted()))),
        }
    }

    async fn come_back(
        &self,
        _cx: &Cx<'_>,
        flow: &mut Flow<K>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<K>, Halt> {
        drop(tx);
        match attempt
            .handed_over
            .as_ref()
            .and_then(|it| it["said"].as_str())
        {
            Some("become") => Ok(Step::Decided(format!("became {}", K::NAME))),
            Some("become and back") => Ok(become_other(flow, "become")),
            Some(said) => Ok(become_other(flow, said)),
            None => match attempt.submission.text("code") {
                Some(code) => Ok(Step::Decided(format!("{} {code}", flow.data.said))),
                None => Err(Halt::refused(Refusal::form(text::code_used()))),
            },
        }
    }
}

fn become_other<K>(flow: &Flow<K>, said: &str) -> Step<K>
where
    K: Kind<Data = Notes>,
    K::Counterpart: Kind<Data = Notes>,
{
    Step::Become(Box::new(Become {
        flow: new_flow(Init {
            transport: flow.transport,
            request_url: flow.request_url.clone(),
            return_to: flow.return_to.clone(),
            identity_schema: None,
        }),
        method: "elsewhere",
        handed_over: json!({"said": said}),
        effects: Effects::default(),
    }))
}

/// Refuses flows that begin at `/closed`, changes the traits of who arrives, and shapes the answer. Counts a message
/// for a submission that will lose.
struct Signs {
    first: bool,
}

#[async_trait]
impl Hook for Signs {
    fn goes_first(&self) -> bool {
        self.first
    }

    async fn before_flow(&self, _cx: &Cx<'_>, about: &About<'_>) -> Result<(), Halt> {
        if about.request_url.ends_with("/closed") {
            return Err(Error::FlowDisabled.into());
        }
        Ok(())
    }

    async fn before_commit(
        &self,
        cx: &Cx<'_>,
        _about: &About<'_>,
        attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        if attempt.submission.text("do").as_deref() == Some("decide and lose") {
            limits::message(cx, attempt, &recipient()).await?;
        }
        let before = subject.traits().cloned().unwrap_or_default();
        let email = before["email"].as_str().unwrap_or_default();
        let name = if self.first { "first" } else { "second" };
        let traits = json!({"email": format!("{name}-{email}")});
        subject.amend_traits(cx, &traits).await
    }

    async fn after_commit(
        &self,
        _cx: &Cx<'_>,
        about: &About<'_>,
        _subject: &Subject,
        next: &mut Next,
    ) -> Result<(), Error> {
        next.detour = Some(format!("https://app.example/{}", about.kind));
        Ok(())
    }
}
