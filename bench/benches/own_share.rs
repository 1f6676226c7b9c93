//! What we add to a sign-in and a session check, beside what the hash costs in any case.
//!
//! `cargo bench -p bench`. Needs PostgreSQL's programs on this machine; starts a durable one of its own.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::{hint::black_box, path::PathBuf, sync::Arc, time::Duration};

use argon2::{Algorithm, Params, Version};
use chrono::TimeDelta;
use criterion::{Criterion, criterion_group};
use flows::{
    begin::{Init, begin},
    csrf,
    cx::{ClientInfo, CookieState, Cx},
    flow::{Flow, NewFlow, Transport},
    login::{Login, LoginData, LoginParams},
    methods::password::HasherConfig,
    run::{Arrival, Outcome, run},
    submission::Submission,
};
use identity::{
    People, Session, SessionCache,
    identities::create::{Extras, Prepared},
    schema::{IdentitySchema, preset},
    sessions::{Aal, AuthMethod, store, token},
};
use serde_json::{Value, json};
use tenants::{
    Actor, Clock, Environment, Installation, NewProject, Project, Settings, ids, migrate,
    secrets::MasterKeys,
};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const EMAIL: &str = "anne@bench.example";
const PASSWORD: &str = "nine-herons-over-Tideland-42";
const PRESET: &str = "preset://email";

/// A project with a person in it, and all that it stands on.
struct Stage {
    runtime: Runtime,
    project: Project,
    people: People,
    session: Session,
    token: String,
    /// Last, so that the pools close before their server stops.
    _server: private_postgres::Server,
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = private_postgres::start(&private_postgres::Options {
            data: data_folder(),
            durable: true,
            max_connections: 50,
            settings: Vec::new(),
        });
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let people = People::new();
        let (project, session, token) = runtime.block_on(furnish(&server, &people));
        Self {
            runtime,
            project,
            people,
            session,
            token,
            _server: server,
        }
    }
}

/// Beside what cargo builds: `target/bench-postgres`.
fn data_folder() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    binary.ancestors().nth(3).unwrap().join("bench-postgres")
}

async fn furnish(server: &private_postgres::Server, people: &People) -> (Project, Session, String) {
    let database = "own_share";
    // What an earlier run left has its age and its bloat.
    server
        .sql("postgres", "drop database if exists own_share with (force)")
        .unwrap();
    private_postgres::ensure_database(server, database, "owner").unwrap();
    let (gate_url, owner_url) = (
        server.url("gate_own_share", database),
        server.url("owner", database),
    );
    migrate::migrate(&owner_url, &gate_url, 2, &|_| {})
        .await
        .unwrap();
    let installation = Installation::connect(settings(gate_url, owner_url))
        .await
        .unwrap();
    installation.keep_slots().await.unwrap();
    // Hashing that costs next to nothing, so that what is left of a sign-in is ours.
    let config = json!({
        "hashers": {"argon2": {"memory": "64KB", "iterations": 1, "parallelism": 1}},
        "selfservice": {"methods": {"password": {"config": {"haveibeenpwned_enabled": false}}}},
    });
    let new = NewProject {
        slug: "own-share".to_owned(),
        name: "Own share".to_owned(),
        environment: Environment::Development,
        config,
    };
    let actor = Actor("bench".to_owned());
    let (project, _) = installation.create_project(&actor, new).await.unwrap();
    let (session, token) = settle(&project, people).await;
    (project, session, token)
}

fn settings(gate_url: String, owner_url: String) -> Settings {
    Settings {
        gate_url,
        owner_url: Some(owner_url),
        connections: 8,
        public_url: "http://127.0.0.1:4433".parse().unwrap(),
        master_keys: MasterKeys::parse(MASTER_KEY).unwrap(),
        root_key: None,
        allow_private: Vec::new(),
        allow_development: true,
        delete_grace: TimeDelta::days(7),
        spare_slots: 1,
        clock: Clock::machine(),
        config_rules: flows::config_rules(),
        lengths: tenants::Lengths::default(),
        sandbox: tenants::Program::this(),
        release_guard: true,
    }
}

/// A person with a password and a session.
async fn settle(project: &Project, people: &People) -> (Session, String) {
    let derived = email_schema().derive(&json!({"email": EMAIL})).unwrap();
    let mut person = Prepared::new(project, PRESET, derived, Extras::default());
    let hasher = project.config::<HasherConfig>().hasher();
    let clear = Zeroizing::new(PASSWORD.to_owned());
    let hash = people
        .hashing
        .hash(project.id().uuid(), hasher, clear)
        .await;
    assert!(person.set_password(&hash.unwrap()));
    let client = client();
    let method = AuthMethod {
        method: "password".to_owned(),
        aal: Aal::Aal1,
        completed_at: project.now(),
        provider: None,
    };
    let identity = Arc::new(person.identity.clone());
    let session = Session::begin(identity, method, client.device(), Duration::from_hours(24));
    let token = token::mint();
    let mut tx = project.begin().await.unwrap();
    person.insert(&mut tx).await.unwrap();
    store::insert(&mut tx, &session, &token).await.unwrap();
    tx.commit().await.unwrap();
    (session, token)
}

fn email_schema() -> IdentitySchema {
    let document: Value = serde_json::from_str(preset(PRESET).unwrap()).unwrap();
    IdentitySchema::compile(PRESET, &document).unwrap()
}

/// A pattern and a text just within the budget of a judgement: what costs most for each step of it.
fn dear() -> (IdentitySchema, Value) {
    let bits = json!({"type": "string", "pattern": "^[01]*1[01]{300}$"});
    let traits = json!({"type": "object", "properties": {"bits": bits}});
    let document = json!({"properties": {"traits": traits}});
    let schema = IdentitySchema::compile("dear", &document).unwrap();
    // Without a rhythm, so that no automaton of few states matches it.
    let mut state = 1_u32;
    let mut bits: String = (0..32_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { '0' } else { '1' }
        })
        .collect();
    bits.replace_range(bits.len() - 301..=bits.len() - 301, "1");
    (schema, json!({ "bits": bits }))
}

fn client() -> ClientInfo {
    ClientInfo {
        json: true,
        next_csrf_secret: [8; 32],
        csrf_secret: ids::bytes(),
        cookies: CookieState::None,
        continuity: None,
        browser: None,
        browser_trace: None,
        by_script: false,
        ip_address: "127.0.0.1".to_owned(),
        user_agent: "bench".to_owned(),
        location: String::new(),
        accept_language: None,
        forwarded_headers: serde_json::Value::Null,
    }
}

fn init(transport: Transport) -> Init {
    Init {
        transport,
        request_url: "http://127.0.0.1:4433/p/own-share/self-service/login".to_owned(),
        return_to: None,
        identity_schema: None,
    }
}

async fn sign_in(cx: &Cx<'_>) {
    let flow = begin::<Login>(cx, init(Transport::Api), &LoginParams::default())
        .await
        .unwrap();
    let body = json!({"method": "password", "identifier": EMAIL, "password": PASSWORD});
    let submission = Submission::from_json(body.as_object().unwrap().clone());
    let outcome: Outcome<Login> = run(cx, flow.id, Arrival::Submission(Ok(submission)))
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Done { .. }));
}

fn hashing(c: &mut Criterion) {
    let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
    let context = argon2::Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut group = c.benchmark_group("hash");
    group.sample_size(20);
    group.bench_function("bare argon2id m=19456 t=2 p=1", |b| {
        b.iter(|| {
            let mut out = [0; 32];
            let hashed = context.hash_password_into(PASSWORD.as_bytes(), &[7; 16], &mut out);
            hashed.unwrap();
            black_box(out)
        });
    });
    group.finish();
}

fn with_postgres(c: &mut Criterion) {
    let stage = Stage::new();
    let client = client();
    let cx = Cx {
        project: &stage.project,
        people: &stage.people,
        session: None,
        session_token: None,
        client: &client,
    };
    let (runtime, sessions) = (&stage.runtime, &stage.people.sessions);
    let mut group = c.benchmark_group("sign-in");
    group.sample_size(50);
    group.bench_function("begin a login flow and store it", |b| {
        b.to_async(runtime).iter(|| async {
            begin::<Login>(&cx, init(Transport::Api), &LoginParams::default())
                .await
                .unwrap()
        });
    });
    group.bench_function("whole, hashing 64 KiB once", |b| {
        b.to_async(runtime).iter(|| sign_in(&cx));
    });
    group.finish();
    let mut group = c.benchmark_group("session check");
    group.bench_function("from memory", |b| {
        b.to_async(runtime).iter(|| async {
            let session = sessions.authenticate(&stage.project, &stage.token).await;
            assert!(black_box(session.unwrap()).is_some());
        });
    });
    group.bench_function("from Postgres", |b| {
        // A memory that holds nothing: each check is a miss.
        let forgetful = SessionCache::new(0);
        b.to_async(runtime).iter(|| async {
            let session = forgetful.authenticate(&stage.project, &stage.token).await;
            assert!(black_box(session.unwrap()).is_some());
        });
    });
    group.bench_function("its answer", |b| {
        let now = stage.project.now();
        b.iter(|| {
            let identity = stage.session.identity.public_view(stage.project.base_url());
            serde_json::to_vec(&stage.session.view(now, Some(identity))).unwrap()
        });
    });
    group.finish();
    c.bench_function("jsonnet: the body of a message, in a warm sandbox", |b| {
        let ctx = json!({"recipient": EMAIL, "subject": "Your code", "body": "x".repeat(500),
            "template_data": {"login_code": "314159"}});
        let body =
            "function(ctx) {to: ctx.recipient, text: ctx.body, code: ctx.template_data.login_code}";
        b.to_async(runtime).iter(|| async {
            let made = stage.project.jsonnet(body.to_owned(), ctx.clone()).await;
            made.unwrap()
        });
    });
    c.bench_function("form: draw a login flow, sort and serialise it", |b| {
        b.to_async(runtime).iter(|| async { drawn(&cx).await });
    });
}

/// A browser's login flow as it is sent, without Postgres.
async fn drawn(cx: &Cx<'_>) -> Vec<u8> {
    let mut flow = Flow::<Login>::new(
        cx,
        NewFlow {
            transport: Transport::Browser,
            request_url: "http://127.0.0.1:4433/".to_owned(),
            return_to: None,
            identity_schema: None,
            lifespan: Duration::from_hours(1),
            data: LoginData::default(),
            state: flows::flow::CHOOSE_METHOD,
        },
    );
    flows::form::draw(cx, &mut flow).await.unwrap();
    serde_json::to_vec(&flow.view()).unwrap()
}

fn pure(c: &mut Criterion) {
    let schema = email_schema();
    let traits = json!({"email": EMAIL});
    c.bench_function("schema: derive identifiers and addresses", |b| {
        b.iter(|| schema.derive(black_box(&traits)).unwrap());
    });
    let (dear, traits) = dear();
    c.bench_function("schema: the most that one judgement may cost", |b| {
        b.iter(|| dear.derive(black_box(&traits)).unwrap());
    });
    let secret: [u8; 32] = ids::bytes();
    c.bench_function("csrf: mask, with its pad", |b| {
        b.iter(|| csrf::mask(black_box(&secret), ids::bytes()));
    });
    let masked = csrf::mask(&secret, ids::bytes());
    c.bench_function("csrf: match", |b| {
        b.iter(|| csrf::matches(&secret, black_box(&masked)));
    });
}

criterion_group!(own_share, hashing, pure, with_postgres);

fn main() -> std::process::ExitCode {
    // This program is its own sandbox.
    if std::env::args().nth(1).as_deref() == Some("sandbox") {
        return tenants::serve_sandbox();
    }
    own_share();
    Criterion::default().configure_from_args().final_summary();
    std::process::ExitCode::SUCCESS
}
