//! The server is killed, again and again, while people sign up: whoever got an answer is there, whoever got
//! none is there wholly or not at all, and can try again.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use private_postgres::{Options, Server, ensure_database};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const ROOT_KEY: &str = "ins_root_key_of_the_kill_test_0123456789";
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PASSWORD: &str = "correct-horse-battery";
const DATABASE: &str = "killed";
/// Two hundred in the long form (`INSULA_TEST_KILLS=200`).
const KILLS: u32 = 10;
const AT_ONCE: usize = 6;

/// One database and one address, whichever process serves them.
struct Place {
    postgres: Server,
    address: String,
}

impl Place {
    fn new() -> Self {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_insula"));
        let data = binary
            .ancestors()
            .nth(2)
            .unwrap()
            .join("test-postgres-kill");
        let options = Options {
            data,
            durable: false,
            max_connections: 60,
            settings: Vec::new(),
        };
        let postgres = private_postgres::start(&options).unwrap();
        let again = format!("drop database if exists {DATABASE} with (force)");
        postgres.sql("postgres", &again).unwrap();
        ensure_database(&postgres, DATABASE, "owner").unwrap();
        // Taken and given back: the port has to be the same after each kill.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Self {
            postgres,
            address: address.to_string(),
        }
    }

    fn insula(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_insula"));
        command
            .args(args)
            .env("DATABASE_URL", self.postgres.url("gate_killed", DATABASE))
            .env(
                "INSULA_OWNER_DATABASE_URL",
                self.postgres.url("owner", DATABASE),
            )
            .env("INSULA_SECRETS", MASTER_KEY)
            .env("INSULA_ROOT_KEY", ROOT_KEY)
            .env("INSULA_PUBLIC_URL", format!("http://{}", self.address))
            .env("INSULA_LISTEN", &self.address)
            .env("INSULA_METRICS_LISTEN", "127.0.0.1:0")
            .env("INSULA_ALLOW_DEVELOPMENT_PROJECTS", "true")
            .env("INSULA_SPARE_SLOTS", "1")
            .env("INSULA_LOG", "warn")
            .stdout(Stdio::null());
        command
    }

    fn sql(&self, sql: &str) -> String {
        self.postgres.sql(DATABASE, sql).unwrap()
    }
}

/// A person who signs up and in over HTTP.
#[derive(Clone)]
struct Visitor {
    http: reqwest::Client,
    origin: String,
}

impl Visitor {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test client on loopback; the ban is on calls that projects cause"
    )]
    fn new(address: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            http,
            origin: format!("http://{address}"),
        }
    }

    async fn wait_until_ready(&self) {
        let began = Instant::now();
        let url = format!("{}/health/ready", self.origin);
        while !self
            .http
            .get(&url)
            .send()
            .await
            .is_ok_and(|a| a.status() == StatusCode::OK)
        {
            assert!(began.elapsed() < Duration::from_secs(20), "not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn make_project(&self) {
        let config = json!({
            "hashers": {"argon2": {"memory": "64KB", "iterations": 1}},
            "selfservice": {
                "methods": {"password": {"config": {"haveibeenpwned_enabled": false}}},
                "flows": {"registration": {"style": "unified", "after": {"password": {"hooks": [{"hook": "session"}]}}}},
            },
        });
        let query =
            "mutation ($i: CreateProjectInput!) { createProject(input: $i) { project { slug } } }";
        let input = json!({"slug": "killed", "name": "Killed", "environment": "DEVELOPMENT", "config": config});
        let body = json!({"query": query, "variables": {"i": input}}).to_string();
        let request = self
            .http
            .post(format!("{}/graphql", self.origin))
            .bearer_auth(ROOT_KEY);
        let answer = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(
            answer["data"]["createProject"]["project"]["slug"], "killed",
            "{answer}"
        );
    }

    /// Begin and submit a flow. `None`: no answer, or only half of one.
    async fn submit(&self, flow: &str, fields: &Value) -> Option<(StatusCode, Value)> {
        let begin = format!("{}/p/killed/self-service/{flow}/api", self.origin);
        let begun = self.http.get(begin).send().await.ok()?.text().await.ok()?;
        let begun: Value = serde_json::from_str(&begun).ok()?;
        let action = begun["ui"]["action"].as_str();
        let action = action.unwrap_or_else(|| panic!("no flow: {begun}"));
        let request = self
            .http
            .post(action)
            .header("content-type", "application/json");
        let answer = request.body(fields.to_string()).send().await.ok()?;
        let status = answer.status();
        Some((
            status,
            serde_json::from_str(&answer.text().await.ok()?).ok()?,
        ))
    }

    async fn sign_up(&self, email: &str) -> Option<(StatusCode, Value)> {
        let fields =
            json!({"method": "password", "password": PASSWORD, "traits": {"email": email}});
        self.submit("registration", &fields).await
    }

    async fn sign_in(&self, email: &str) -> (StatusCode, Value) {
        let fields = json!({"method": "password", "password": PASSWORD, "identifier": email});
        self.submit("login", &fields).await.unwrap()
    }
}

/// Signs people up until no server answers. Who was told that they are in, and who was told nothing.
async fn sign_ups(visitor: Visitor, next: &AtomicUsize) -> (Vec<(String, Value)>, String) {
    let mut told = Vec::new();
    loop {
        let email = format!("p{}@example.org", next.fetch_add(1, Ordering::Relaxed));
        match visitor.sign_up(&email).await {
            Some((StatusCode::OK, body)) => told.push((email, body["identity"]["id"].clone())),
            Some((status, body)) => panic!("{email}: {status} {body}"),
            None => return (told, email),
        }
    }
}

/// One life of a server: killed `life` after the first answers, while [`AT_ONCE`] people sign up.
async fn live(
    place: &Place,
    next: &AtomicUsize,
    life: Duration,
) -> (Vec<(String, Value)>, Vec<String>) {
    // Connections of its own: those of the last life are dead.
    let visitor = Visitor::new(&place.address);
    let mut server = Killed(place.insula(&["serve"]).spawn().unwrap());
    visitor.wait_until_ready().await;
    let visitors = join_all((0..AT_ONCE).map(|_| sign_ups(visitor.clone(), next)));
    let first = next.load(Ordering::Relaxed);
    let kill = async {
        // Not before some were told that they are in, however slow the machine is.
        let began = Instant::now();
        while next.load(Ordering::Relaxed) < first + AT_ONCE + 3 {
            assert!(began.elapsed() < Duration::from_secs(20), "nobody gets in");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(life).await;
        server.0.kill().unwrap();
        server.0.wait().unwrap();
    };
    let (ended, ()) = tokio::join!(visitors, kill);
    let (told, untold): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
    (told.concat(), untold)
}

/// Never left behind, whatever the test does.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nothing is there by half, and nothing twice.
fn check_rows(place: &Place) {
    let schema = place.sql(
        "select 't_' || lpad(slot::text, 6, '0') from control.slots where project is not null",
    );
    assert!(
        schema.starts_with("t_") && !schema.contains('\n'),
        "{schema:?}"
    );
    let none = [
        (
            "an identity without its hash",
            "select count(*) from identities i where not exists (select 1 from credentials c where c.identity_id = i.id and c.kind = 'password' and c.config->>'hashed_password' like '$argon2id$%')",
        ),
        (
            "an identity without its identifier",
            "select count(*) from identities i where not exists (select 1 from identifiers d where d.identity_id = i.id and d.kind = 'password' and d.value = i.traits->>'email')",
        ),
        (
            "an identity without its addresses",
            "select count(*) from identities i where (select count(*) from addresses a where a.identity_id = i.id) <> 2",
        ),
        (
            "an identifier twice",
            "select count(*) from (select 1 from identifiers group by kind, value having count(*) > 1) twice",
        ),
        (
            "a person twice",
            "select count(*) from (select 1 from identities group by traits->>'email' having count(*) > 1) twice",
        ),
        (
            "a credential of nobody",
            "select count(*) from credentials c where not exists (select 1 from identities i where i.id = c.identity_id)",
        ),
        (
            "a session of nobody",
            "select count(*) from sessions s where not exists (select 1 from identities i where i.id = s.identity_id)",
        ),
        (
            "a person without the session of the sign-up",
            "select count(*) from identities i where not exists (select 1 from sessions s where s.identity_id = i.id)",
        ),
    ];
    for (what, sql) in none {
        let found = place.sql(&format!("set search_path = {schema}; {sql}"));
        assert_eq!(found, "0", "{what}");
    }
}

#[test]
fn a_kill_leaves_nobody_half_registered() {
    let kills = std::env::var("INSULA_TEST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(KILLS);
    let place = Place::new();
    assert!(place.insula(&["migrate"]).status().unwrap().success());
    Runtime::new().unwrap().block_on(async {
        let visitor = Visitor::new(&place.address);
        let mut first = Killed(place.insula(&["serve"]).spawn().unwrap());
        visitor.wait_until_ready().await;
        visitor.make_project().await;
        first.0.kill().unwrap();
        first.0.wait().unwrap();

        let next = AtomicUsize::new(0);
        let (mut told, mut untold) = (Vec::new(), Vec::new());
        for _ in 0..kills {
            // Uneven on purpose, so that kills meet registrations at any point.
            let chance = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() % 300;
            let life = Duration::from_millis(u64::from(chance));
            let (in_this, left) = live(&place, &next, life).await;
            told.extend(in_this);
            untold.extend(left);
            check_rows(&place);
        }
        assert!(
            told.len() >= 3 * kills as usize && untold.len() == kills as usize * AT_ONCE,
            "{} told",
            told.len()
        );

        let _last = Killed(place.insula(&["serve"]).spawn().unwrap());
        let visitor = Visitor::new(&place.address);
        visitor.wait_until_ready().await;
        for (email, id) in &told {
            let (status, body) = visitor.sign_in(email).await;
            assert_eq!(
                (status, &body["session"]["identity"]["id"]),
                (StatusCode::OK, id),
                "{email}: {body}"
            );
        }
        let mut whole = 0;
        for email in &untold {
            let (before, body) = visitor.sign_in(email).await;
            let (again, _) = visitor.sign_up(email).await.unwrap();
            let unknown = body["ui"]["messages"][0]["id"] == 4_000_006;
            assert!(before == StatusCode::OK || unknown, "{email}: {body}");
            assert_eq!(
                again == StatusCode::OK,
                unknown,
                "{email}: there or not, and nothing between"
            );
            assert_eq!(visitor.sign_in(email).await.0, StatusCode::OK, "{email}");
            whole += usize::from(!unknown);
        }
        check_rows(&place);
        println!(
            "{} told, {} of {} others were there",
            told.len(),
            whole,
            untold.len()
        );
    });
}
