//! The submission machine, tried by kinds of flow, a method and a hook that exist only here: what the built-in
//! ones do not do yet. The machine itself is driven, without HTTP.
//!
//! Looks inside: `flows`, `identity`.

mod kinds;
mod writes;

use flows::{
    begin::{Init, begin},
    cx::{ClientInfo, CookieState, Cx},
    decision::Error,
    flow::{Flow, Transport},
    run::{Arrival, Outcome, run},
    store,
    submission::Submission,
};
use identity::People;
use serde_json::{Value, json};
use tenants::{Fault, Project};
use tests::{World, story};

use kinds::{Arrived, Asking, Joining, PROVIDER};

/// A visitor, as the machine sees one.
struct Visitor {
    project: Project,
    people: People,
    client: ClientInfo,
}

impl Visitor {
    fn of(project: Project) -> Self {
        let client = ClientInfo {
            json: false,
            csrf_secret: [1; 32],
            next_csrf_secret: [2; 32],
            cookies: CookieState::Csrf,
            continuity: None,
            browser: None,
            browser_trace: None,
            by_script: false,
            ip_address: "192.0.2.1".to_owned(),
            user_agent: String::new(),
            location: String::new(),
            accept_language: None,
            forwarded_headers: Value::Null,
        };
        Self {
            project,
            people: People::new(),
            client,
        }
    }

    fn cx(&self) -> Cx<'_> {
        Cx {
            project: &self.project,
            people: &self.people,
            session: None,
            session_token: None,
            client: &self.client,
        }
    }

    async fn begin(&self, path: &str) -> Result<Flow<Asking>, Error> {
        let init = Init {
            transport: Transport::Browser,
            request_url: format!("{}{path}", self.project.base_url()),
            return_to: None,
            identity_schema: None,
        };
        begin(&self.cx(), init, &()).await
    }

    async fn submit(&self, flow: &Flow<Asking>, what: &str) -> Result<Outcome<Asking>, Error> {
        let body = json!({"method": "elsewhere", "do": what});
        let sent = Arrival::Submission(Ok(submission(&body)));
        run(&self.cx(), flow.id, sent).await
    }

    async fn come_back(
        &self,
        flow: &Flow<Asking>,
        brings: Value,
    ) -> Result<Outcome<Asking>, Error> {
        let method = "elsewhere";
        let brings = submission(&brings);
        run(&self.cx(), flow.id, Arrival::Return { method, brings }).await
    }

    async fn stored(&self, flow: &Flow<Asking>) -> Flow<Asking> {
        let stored = store::load(&self.project, flow.id).await.unwrap();
        stored.unwrap()
    }
}

fn submission(body: &Value) -> Submission {
    Submission::from_json(body.as_object().unwrap().clone())
}

fn arrived(outcome: &Outcome<Asking>) -> &Arrived {
    match outcome {
        Outcome::Done { done, .. } => done,
        other => panic!("{other:?}"),
    }
}

#[story]
async fn hooks_are_called_before_a_flow_before_its_commit_and_after_it(world: World) {
    let visitor = Visitor::of(world.project().await);
    let refused = visitor.begin("/closed").await;
    assert!(matches!(refused, Err(Error::FlowDisabled)), "{refused:?}");

    let flow = visitor.begin("/open").await.unwrap();
    let outcome = visitor.submit(&flow, "decide").await.unwrap();
    let done = arrived(&outcome);
    // The one that goes first was configured last; the one in between is none of this kind's.
    assert_eq!(done.said, r#"decide "second-first-ada@example.org" 0"#);
    assert_eq!(
        done.next.detour.as_deref(),
        Some("https://app.example/login")
    );
    let stored = visitor.stored(&flow).await;
    assert_eq!(
        (stored.state.as_str(), stored.version),
        ("passed_challenge", 2)
    );
}

#[story]
async fn a_browser_leaves_for_elsewhere_and_comes_back(world: World) {
    let visitor = Visitor::of(world.project().await);
    let flow = visitor.begin("/open").await.unwrap();
    let Outcome::Leave { to, .. } = visitor.submit(&flow, "leave").await.unwrap() else {
        panic!("it stayed");
    };
    assert_eq!(to, format!("{PROVIDER}?state={}", flow.id));
    assert_eq!(visitor.stored(&flow).await.data.said, "leave");

    // Refused there: the form says so, and the flow is where it was.
    let refused = visitor.come_back(&flow, json!({"error": "denied"})).await;
    let Outcome::Form {
        flow: form,
        complains,
    } = refused.unwrap()
    else {
        panic!("there is no form");
    };
    assert!(
        complains && form.ui.messages[0].id == 4_000_001,
        "{:?}",
        form.ui
    );

    let outcome = visitor.come_back(&flow, json!({"code": "c0de"})).await;
    let outcome = outcome.unwrap();
    assert!(arrived(&outcome).said.starts_with("leave c0de"));
    let method = "nowhere";
    let brings = Submission::default();
    let cx = visitor.cx();
    let unknown = run::<Asking>(&cx, flow.id, Arrival::Return { method, brings }).await;
    assert!(matches!(unknown, Err(Error::NotFound)), "{unknown:?}");
}

#[story]
async fn a_login_goes_on_as_a_registration_and_back(world: World) {
    let visitor = Visitor::of(world.project().await);
    let flow = visitor.begin("/open").await.unwrap();
    let outcome = visitor.submit(&flow, "become").await.unwrap();
    let Outcome::Became(other) = outcome else {
        panic!("{outcome:?}");
    };
    let Outcome::Done { flow: joined, done } = *other else {
        panic!("{other:?}");
    };
    assert!(
        done.said.starts_with("became registration"),
        "{}",
        done.said
    );
    assert_eq!(
        done.next.detour.as_deref(),
        Some("https://app.example/registration")
    );
    let stored = store::load::<Joining>(&visitor.project, joined.id)
        .await
        .unwrap();
    assert_eq!(stored.unwrap().data.said, done.said);
    // The login itself is where it was.
    assert_eq!(visitor.stored(&flow).await.version, 1);

    let outcome = visitor.submit(&flow, "become and back").await.unwrap();
    let Outcome::Became(other) = outcome else {
        panic!("{outcome:?}");
    };
    let Outcome::Became(back) = *other else {
        panic!("{other:?}");
    };
    assert!(arrived(&back).said.starts_with("became login"), "{back:?}");
}

#[story]
async fn a_flow_does_not_change_its_kind_for_ever(world: World) {
    let visitor = Visitor::of(world.project().await);
    let flow = visitor.begin("/open").await.unwrap();
    let ended = visitor.submit(&flow, "become for ever").await;
    assert!(
        matches!(ended, Err(Error::Fault(Fault::Broken(_)))),
        "{ended:?}"
    );
}

#[story]
async fn what_is_never_true_is_not_judged_for_ever(world: World) {
    let visitor = Visitor::of(world.project().await);
    let flow = visitor.begin("/open").await.unwrap();
    let ended = visitor.submit(&flow, "again").await;
    let Err(Error::Fault(Fault::Overloaded { what, .. })) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(what, "one flow");
    // Nothing of it was stored.
    assert_eq!(visitor.stored(&flow).await.data.said, "");
}

#[story]
async fn messages_of_a_submission_that_is_judged_again_are_counted_once(world: World) {
    let visitor = Visitor::of(world.project().await);
    let flow = visitor.begin("/open").await.unwrap();
    // Each of the two hooks counts one at every judgement; ten an hour may go to one address.
    for submission in 1..=5 {
        let ended = visitor.submit(&flow, "decide and lose").await;
        assert!(
            matches!(ended, Err(Error::Fault(Fault::Overloaded { .. }))),
            "{submission}: {ended:?}"
        );
    }
    let outcome = visitor.submit(&flow, "decide and lose").await.unwrap();
    let Outcome::Form { flow, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let said = flow.ui.messages.iter().map(|message| message.id);
    assert_eq!(said.collect::<Vec<_>>(), [4_000_001]);
}
