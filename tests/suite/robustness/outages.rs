//! Postgres goes away and comes back; clients leave in the middle. Kills of the process itself are tested
//! beside the binary (`cli/tests/kill.rs`).
//!
//! Looks inside: `identity`.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use api::{ApiSettings, App};
use chrono::TimeDelta;
use futures_util::{FutureExt as _, future::join_all};
use identity::People;
use private_postgres::{Options, Server, ensure_database};
use reqwest::StatusCode;
use serde_json::json;
use tenants::{
    Actor, Clock, Environment, Fault, Installation, NewProject, Project, Settings, ids, migrate,
    secrets::MasterKeys,
};
use tests::{
    ADA, Answer, Client, Database, Kind, MASTER_KEY, PASSWORD, ROOT_KEY, Site, cheap, eventually,
    fresh_slug, story, text,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, spawn_blocking, yield_now},
};

/// A request looks at the database a few times and waits up to five seconds for a connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);

/// A PostgreSQL that this test may stop and start again.
fn postgres() -> Server {
    postgres_at("test-postgres-lost", &[])
}

pub(super) fn postgres_at(folder: &str, settings: &[(&str, &str)]) -> Server {
    let binary = std::env::current_exe().unwrap();
    let data: PathBuf = binary.ancestors().nth(3).unwrap().join(folder);
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let options = Options {
        data,
        durable: false,
        max_connections: 50,
        settings: settings.iter().map(owned).collect(),
    };
    private_postgres::start(&options).unwrap_or_else(|error| panic!("{error}"))
}

/// In every project, unheard.
const END_SESSIONS: &str = "do $$ declare s record; begin
    for s in select nspname from pg_namespace where nspname like 't!_%' escape '!' loop
      execute format('delete from %I.sessions', s.nspname);
    end loop; end $$";

/// A server with a database of its own.
pub(super) struct Lonely {
    pub(super) installation: Installation,
    project: Project,
    database: String,
    origin: String,
    server: JoinHandle<()>,
}

impl Lonely {
    async fn on(postgres: &Server) -> Self {
        Self::by_way_of(postgres, str::to_owned).await
    }

    /// The same, with another URL for the gate's login in the place of the one that is given.
    pub(super) async fn by_way_of(postgres: &Server, way: impl FnOnce(&str) -> String) -> Self {
        let name = format!("lost_{}", ids::alphanumeric(8).to_lowercase());
        ensure_database(postgres, &name, "owner").unwrap();
        let (owner, gate) = (
            postgres.url("owner", &name),
            postgres.url(&format!("gate_{name}"), &name),
        );
        migrate::migrate(&owner, &gate, 2, &|_| {}).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings {
            gate_url: way(&gate),
            owner_url: Some(owner),
            connections: 10,
            public_url: origin.parse().unwrap(),
            master_keys: MasterKeys::parse(MASTER_KEY).unwrap(),
            root_key: Some(ROOT_KEY.to_owned()),
            allow_private: Vec::new(),
            allow_development: true,
            delete_grace: TimeDelta::days(7),
            spare_slots: 1,
            clock: Clock::shiftable(),
            config_rules: api::config_rules(),
            lengths: tenants::Lengths::default(),
            sandbox: tenants::Program::this(),
            release_guard: true,
        };
        let installation = Installation::connect(settings).await.unwrap();
        installation.keep_slots().await.unwrap();
        let new = NewProject {
            slug: fresh_slug(),
            name: "Lost".to_owned(),
            environment: Environment::Development,
            config: cheap(json!({})),
        };
        let made = installation.create_project(&Actor::system(), new).await;
        let (project, _) = made.unwrap();
        let app = App::new(
            installation.clone(),
            Arc::new(People::new()),
            ApiSettings::default(),
            None,
        );
        let server = tokio::spawn(async move {
            api::serve(app, listener, std::future::pending())
                .await
                .unwrap();
        });
        Self {
            installation,
            project,
            database: name,
            origin,
            server,
        }
    }

    /// The server ends, and then its PostgreSQL.
    pub(super) async fn end(self, postgres: Server) {
        self.server.abort();
        self.installation.close().await;
        spawn_blocking(move || postgres.stop().unwrap())
            .await
            .unwrap();
    }

    pub(super) fn client(&self, kind: Kind) -> Client {
        Client::new(self.project.base_url(), kind)
    }

    /// Keeps asking until told to stop; what was answered, and how long the slowest answer took.
    async fn hammer(&self, token: &str, stop: &AtomicBool) -> (Vec<Answer>, Duration) {
        let native = self.client(Kind::Api);
        let (mut answers, mut slowest) = (Vec::new(), Duration::ZERO);
        while !stop.load(Ordering::Relaxed) {
            for n in 0..3 {
                let began = Instant::now();
                let answer =
                    match n {
                        0 => native.whoami_by(token).await,
                        1 => native.begin("login", "").await,
                        _ => native
                            .get(
                                "/self-service/login/flows?id=00000000-0000-4000-8000-000000000000",
                            )
                            .await,
                    };
                slowest = slowest.max(began.elapsed());
                answers.push(answer);
            }
        }
        (answers, slowest)
    }
}

fn is_away(answer: &Answer) -> bool {
    let away = answer.status == StatusCode::SERVICE_UNAVAILABLE;
    if away {
        assert_eq!(answer.headers["retry-after"], "1", "{}", answer.text);
        assert_eq!(answer.body["error"]["code"], 503, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    away
}

#[story]
async fn without_postgres_nothing_is_served_and_with_it_everything_again() {
    let postgres = spawn_blocking(postgres).await.unwrap();
    let lonely = Lonely::on(&postgres).await;
    let native = lonely.client(Kind::Api);
    let made = native.sign_up(ADA, PASSWORD).await;
    let token = made.body["session_token"].as_str().unwrap().to_owned();
    let flow = native.begin("login", "").await;

    let stop = AtomicBool::new(false);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        spawn_blocking(move || postgres.stop().unwrap())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let hammers = join_all((0..6).map(|_| lonely.hammer(&token, &stop)));
    let (hammered, ()) = tokio::join!(hammers, stopping);
    let mut refused = 0;
    for (answers, slowest) in hammered {
        assert!(slowest < ANSWERED_WITHIN, "{slowest:?}");
        for answer in answers {
            let fine = matches!(answer.status.as_u16(), 200 | 404);
            refused += usize::from(is_away(&answer));
            assert!(
                fine || is_away(&answer),
                "{} {}",
                answer.status,
                answer.text
            );
        }
    }
    assert!(refused > 0, "some were asked while it was away");
    away(&lonely, (&native, &token, &flow)).await;
    nobody_waits(&lonely).await;

    let postgres = spawn_blocking(self::postgres).await.unwrap();
    let root = Client::new(&lonely.origin, Kind::Api);
    let ready = async || root.get("/health/ready").await.status == StatusCode::OK;
    eventually("ready again", Duration::from_secs(10), ready).await;
    assert!(!lonely.installation.is_away());
    assert_eq!(native.whoami_by(&token).await.status, StatusCode::OK);
    let signed_in = native.sign_in(ADA, PASSWORD).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    lonely.end(postgres).await;
}

/// Once it is known that Postgres is away, what needs it is refused before it waits for anything.
async fn nobody_waits(lonely: &Lonely) {
    let (installation, slug) = (&lonely.installation, lonely.project.slug());
    let known = async || installation.is_away();
    eventually("it is known", Duration::from_secs(20), known).await;
    for _ in 0..100 {
        // The runtime lets no task look at what is ready for ever.
        yield_now().await;
        let begun = lonely.project.begin().now_or_never();
        assert!(matches!(begun, Some(Err(Fault::Unavailable(_)))));
        let found = installation.project(slug).now_or_never();
        assert!(matches!(found, Some(Err(Fault::Unavailable(_)))));
        let depth = installation.queue_depth().now_or_never();
        assert!(matches!(depth, Some(Err(Fault::Unavailable(_)))));
    }
}

/// Each kind of request while Postgres is away.
async fn away(lonely: &Lonely, (native, token, flow): (&Client, &str, &Answer)) {
    let root = Client::new(&lonely.origin, Kind::Api);
    let unready = root.get("/health/ready").await;
    assert_eq!(unready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        unready.body["errors"]["database"].is_string(),
        "{}",
        unready.text
    );
    assert_eq!(
        root.get("/health/alive").await.status,
        StatusCode::OK,
        "a restart would not help"
    );
    let unknown = async || is_away(&native.whoami_by(token).await);
    // Memory is good for half a second after the last poll.
    eventually("no session is vouched for", Duration::from_secs(7), unknown).await;
    for _ in 0..3 {
        assert!(unknown().await, "and it stays so");
    }
    let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
    let began = Instant::now();
    let submitted = native.submit(flow, body.clone()).await;
    assert!(
        is_away(&submitted),
        "{} {}",
        submitted.status,
        submitted.text
    );
    for kind in [Kind::Html, Kind::Spa, Kind::Api] {
        let answer = lonely.client(kind).begin("registration", "").await;
        assert!(
            is_away(&answer),
            "{kind:?}: {} {}",
            answer.status,
            answer.text
        );
    }
    let mut admin = lonely.client(Kind::Api);
    admin.set_header("authorization", &format!("Bearer {ROOT_KEY}"));
    assert!(is_away(&admin.get("/admin/identities").await));
    let query = json!({"query": "query ($s: String!) { project(slug: $s) { slug } }", "variables": {"s": lonely.project.slug()}});
    let answer = admin
        .post(&format!("{}/graphql", lonely.origin), query)
        .await;
    assert_eq!(
        answer.body["errors"][0]["extensions"]["code"], "UNAVAILABLE",
        "{}",
        answer.text
    );
    assert!(
        began.elapsed() < 6 * ANSWERED_WITHIN,
        "{:?}",
        began.elapsed()
    );
}

/// Managed services make a primary whose disk is full read-only; so is one that became a standby.
#[story]
async fn a_read_only_database_is_away() {
    let postgres = spawn_blocking(|| postgres_at("test-postgres-read-only", &[]));
    let postgres = postgres.await.unwrap();
    let lonely = Lonely::on(&postgres).await;
    let native = lonely.client(Kind::Api);
    let made = native.sign_up(ADA, PASSWORD).await;
    let token = made.body["session_token"].as_str().unwrap().to_owned();
    let root = Client::new(&lonely.origin, Kind::Api);
    let status = async || root.get("/health/ready").await.status;

    let set = |postgres: Server, on: &'static str| {
        spawn_blocking(move || {
            let set = format!("alter system set default_transaction_read_only = {on}");
            postgres.sql("postgres", &set).unwrap();
            postgres.sql("postgres", "select pg_reload_conf()").unwrap();
            postgres
        })
    };
    let postgres = set(postgres, "on").await.unwrap();
    let unready = async || status().await == StatusCode::SERVICE_UNAVAILABLE;
    eventually("it is not ready", Duration::from_secs(5), unready).await;
    let why = root.get("/health/ready").await;
    let said = why.body["errors"]["database"].as_str().unwrap();
    assert!(said.contains("read-only"), "{said}");
    for n in 0..20 {
        let began = native.begin("login", "").await;
        assert!(is_away(&began), "{n}: {} {}", began.status, began.text);
    }
    let read = native.whoami_by(&token).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);

    let postgres = set(postgres, "off").await.unwrap();
    let ready = async || status().await == StatusCode::OK;
    eventually("ready again", Duration::from_secs(5), ready).await;
    for _ in 0..20 {
        let began = native.begin("login", "").await;
        assert_eq!(began.status, StatusCode::OK, "{}", began.text);
    }
    lonely.end(postgres).await;
}

/// A promoted standby, and a copy restored to a point in time, give out transaction ids anew, so changes under those
/// that were lost are not heard of. Here a session was ended unheard before PostgreSQL came back on another timeline,
/// with higher transaction ids.
#[story]
async fn another_timeline_empties_memory() {
    const FOLDER: &str = "test-postgres-promoted";
    let postgres = spawn_blocking(|| postgres_at(FOLDER, &[]));
    let postgres = postgres.await.unwrap();
    let lonely = Lonely::on(&postgres).await;
    let native = lonely.client(Kind::Api);
    let made = native.sign_up(ADA, PASSWORD).await;
    let token = made.body["session_token"].as_str().unwrap().to_owned();
    let whoami = async || native.whoami_by(&token).await.status;
    assert_eq!(whoami().await, StatusCode::OK);
    let database = lonely.database.clone();
    let postgres = spawn_blocking(move || {
        postgres.sql(&database, END_SESSIONS).unwrap();
        postgres
    });
    let postgres = postgres.await.unwrap();
    assert_eq!(whoami().await, StatusCode::OK, "from memory");

    let postgres = spawn_blocking(move || {
        let signal = postgres.data_dir().join("cluster/recovery.signal");
        postgres.stop().unwrap();
        std::fs::write(&signal, "").unwrap();
        std::fs::set_permissions(&signal, Permissions::from_mode(0o666)).unwrap();
        postgres_at(FOLDER, &[("restore_command", "false")])
    });
    let postgres = postgres.await.unwrap();
    let root = Client::new(&lonely.origin, Kind::Api);
    let ready = async || root.get("/health/ready").await.status == StatusCode::OK;
    eventually("ready again", Duration::from_secs(10), ready).await;
    // Until memory counts again, if it does: a poll was good, within the last half second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(whoami().await, StatusCode::UNAUTHORIZED);
    lonely.end(postgres).await;
}

/// What a standby says may be old: it is asked for nothing, and its sessions are not believed.
#[story]
async fn a_standby_is_away() {
    const FOLDER: &str = "test-postgres-standby";
    let postgres = spawn_blocking(|| postgres_at(FOLDER, &[]));
    let postgres = postgres.await.unwrap();
    let lonely = Lonely::on(&postgres).await;
    let native = lonely.client(Kind::Api);
    let made = native.sign_up(ADA, PASSWORD).await;
    let token = made.body["session_token"].as_str().unwrap().to_owned();
    let signal = postgres.data_dir().join("cluster/standby.signal");

    let restart = |postgres: Server, as_standby: bool| {
        let signal = signal.clone();
        spawn_blocking(move || {
            postgres.stop().unwrap();
            if as_standby {
                std::fs::write(&signal, "").unwrap();
                std::fs::set_permissions(&signal, Permissions::from_mode(0o666)).unwrap();
            } else {
                std::fs::remove_file(&signal).unwrap();
            }
            postgres_at(FOLDER, &[])
        })
    };
    let postgres = restart(postgres, true).await.unwrap();
    let root = Client::new(&lonely.origin, Kind::Api);
    let said = async || {
        let ready = root.get("/health/ready").await;
        let said = ready.body["errors"]["database"]
            .as_str()
            .unwrap_or_default();
        said.contains("is a standby")
    };
    eventually("it says why", Duration::from_secs(10), said).await;
    for _ in 0..20 {
        let whoami = native.whoami_by(&token).await;
        assert!(is_away(&whoami), "{} {}", whoami.status, whoami.text);
    }

    let postgres = restart(postgres, false).await.unwrap();
    let ready = async || root.get("/health/ready").await.status == StatusCode::OK;
    eventually("ready again", Duration::from_secs(10), ready).await;
    assert_eq!(native.whoami_by(&token).await.status, StatusCode::OK);
    lonely.end(postgres).await;
}

/// Sends a registration and leaves after a moment, without reading the answer.
async fn register_and_leave(site: &Site, project: &Project, email: &str) {
    let flow = site
        .client(project, Kind::Api)
        .begin("registration", "")
        .await;
    assert_eq!(flow.status, StatusCode::OK, "{}", flow.text);
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let body =
        json!({"method": "password", "password": PASSWORD, "traits": {"email": email}}).to_string();
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        action.strip_prefix(&site.origin).unwrap(),
        body.len()
    );
    let mut stream = TcpStream::connect(site.origin.trim_start_matches("http://"))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let [chance]: [u8; 1] = ids::bytes();
    tokio::time::sleep(Duration::from_micros(u64::from(chance) * 40)).await;
}

#[story]
async fn clients_that_leave_poison_nothing() {
    const TIMES: usize = 200;
    // One connection for all projects: what is left behind must be met.
    let one = |settings: &mut Settings| settings.connections = 4;
    let site = Site::on(Database::shared().await, one, ApiSettings::default()).await;
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let email = |n: usize| format!("p{n}@example.org");
    for n in 0..TIMES {
        register_and_leave(&site, &project, &email(n)).await;
        let state = project.probe_connection().await.unwrap();
        assert_eq!(state.user, state.session_user, "{n}: {state:?}");
        assert!(
            !state.in_transaction && state.search_path == "pg_catalog, pg_temp",
            "{n}: {state:?}"
        );
    }
    for n in 0..TIMES {
        // Not there: it can be made. There, or made meanwhile: it is whole.
        let again = native.sign_up(&email(n), PASSWORD).await;
        let taken =
            again.status == StatusCode::BAD_REQUEST && again.messages() == [text::IDENTIFIER_TAKEN];
        assert!(again.status == StatusCode::OK || taken, "{}", again.text);
        let signed_in = native.sign_in(&email(n), PASSWORD).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    }
    let listed = site
        .admin(&project)
        .get("/admin/identities?page_size=500")
        .await;
    assert_eq!(listed.body.as_array().unwrap().len(), TIMES);
    site.finish().await;
}
