//! A hostile neighbour: what a project is sent at worst is bounded before its costly step, and costs the people of
//! another project nothing. Counted, not timed, on the server as it is run.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::{join, join_all};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tenants::Project;
use tests::{Answer, Client, Kind, World};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::server::Life;

const PASSWORD: &str = "correct-horse-battery";
/// Of each kind, at once.
const AT_ONCE: usize = 50;
/// Becomes eighteen letters.
const DEAR: &str = "\u{FDFA}";
/// Within the 256 KiB of a submission.
const LONG: usize = 240_000;

/// Traits that are dear to judge: a pattern of thousands of states, and products of lists.
fn dear_schema() -> Value {
    let schema = json!({
        "definitions": {"many": {"allOf": vec![json!({"minLength": 0}); 300]}},
        "type": "object", "properties": {"traits": {"type": "object", "properties": {
            "email": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
            "bits": {"type": "string", "pattern": "^[01]*1[01]{8000}$"},
            "list": {"type": "array", "items": {"allOf": vec![json!({"$ref": "#/definitions/many"}); 300]}},
            "free": {"type": "string"},
        }}},
    });
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "dear", "schemas": [{"id": "dear", "url": url}]}})
}

/// The people of the other project, who sign in and whose sessions are checked until the attack is over.
async fn live(client: &Client, number: usize, is_over: &AtomicBool) -> usize {
    let email = format!("p{number}@example.org");
    let made = client.sign_up(&email, PASSWORD).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let token = made.body["session_token"].as_str().unwrap().to_owned();
    let mut answers = 0;
    while !is_over.load(Ordering::Relaxed) {
        let signed_in = client.sign_in(&email, PASSWORD).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
        for _ in 0..10 {
            let whoami = client.whoami_by(&token).await;
            assert_eq!(whoami.status, StatusCode::OK, "{}", whoami.text);
        }
        answers += 12;
    }
    answers
}

/// One kind of request at its worst, many at once. Refused or answered: never a fault of ours.
async fn worst(
    client: &Client,
    kind: &str,
    fields: &(impl Fn(usize) -> Value + Sync),
) -> Vec<Answer> {
    let one = async |number: usize| {
        let flow = client.begin(kind, "").await;
        if flow.status == StatusCode::SERVICE_UNAVAILABLE {
            return flow;
        }
        client.submit(&flow, fields(number)).await
    };
    let answers = join_all((0..AT_ONCE).map(one)).await;
    for answer in &answers {
        let refused = matches!(answer.status.as_u16(), 400 | 429 | 503);
        assert!(refused, "{kind}: {} {}", answer.status, answer.text);
    }
    answers
}

async fn long_texts(client: &Client) {
    let dear = |bytes: usize| DEAR.repeat(bytes / DEAR.len());
    for bytes in [1_020, LONG] {
        let guess = |_| json!({"method": "password", "identifier": dear(bytes), "password": "x"});
        worst(client, "login", &guess).await;
    }
    let traits = |number: usize| {
        json!({"method": "password", "password": "x",
            "traits": {"email": format!("a{number}@example.org"), "free": "x".repeat(LONG)}})
    };
    worst(client, "registration", &traits).await;
    let payload = |_| json!({"method": "password", "identifier": "a", "password": "x", "transient_payload": {"x": "x".repeat(LONG)}});
    worst(client, "login", &payload).await;
    let query = format!("?x={}", "x".repeat(60_000));
    let begun = join_all((0..AT_ONCE).map(|_| client.begin("login", &query))).await;
    assert!(
        begun
            .iter()
            .all(|answer| answer.status != StatusCode::INTERNAL_SERVER_ERROR)
    );
}

async fn dear_traits(client: &Client) {
    let sign_up = |number: usize, more: Value| {
        let mut traits = json!({"email": format!("a{number}@example.org")});
        traits
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"method": "password", "password": PASSWORD, "traits": traits})
    };
    let bits = |number| sign_up(number, json!({"bits": "01".repeat(30_000)}));
    worst(client, "registration", &bits).await;
    let list = |number| sign_up(number, json!({"list": vec![""; 20_000]}));
    worst(client, "registration", &list).await;
}

/// Connections that announce a large body, send most of it and stop.
async fn slow_bodies(life: &Life, project: &Project) -> Vec<TcpStream> {
    let head = format!(
        "POST /p/{}/self-service/login?flow={} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: 200000\r\n\r\n{{{}",
        project.slug(),
        uuid::Uuid::nil(),
        life.address,
        " ".repeat(150_000)
    );
    let slow = join_all((0..AT_ONCE).map(|_| async {
        let mut stream = TcpStream::connect(&life.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }));
    slow.await
}

/// What the flows of a project hold: rows, and bytes of all of them.
async fn stored(world: &World, project: &Project) -> (i64, i64) {
    let mut all = world.database().superuser().await;
    let slot = sqlx::query_scalar("select slot from control.projects where slug = $1");
    let slot: i32 = slot.bind(project.slug()).fetch_one(&mut all).await.unwrap();
    let sums = format!(
        "select count(*), coalesce(sum(octet_length(state::text)), 0)::bigint from t_{slot:06}.flows"
    );
    let stored = sqlx::query_as(sqlx::AssertSqlSafe(sums));
    let stored = stored.fetch_one(&mut all).await.unwrap();
    all.close().await.unwrap();
    stored
}

#[test]
fn the_worst_of_one_project_costs_another_nothing() {
    tests::run(async {
        let world = World::own().await;
        let hostile = world.project_with(tests::cheap(dear_schema())).await;
        let quiet = world.project_with(tests::cheap(json!({}))).await;
        let life = Life::begin(&world, &[("INSULA_DB_CONNECTIONS", "26")]).await;
        let (attacker, people) = (
            life.client(&hostile, Kind::Api),
            life.client(&quiet, Kind::Api),
        );
        let is_over = AtomicBool::new(false);
        let attack = async {
            long_texts(&attacker).await;
            dear_traits(&attacker).await;
            let slow = slow_bodies(&life, &hostile).await;
            let large =
                json!({"method": "password", "identifier": "p", "password": "x".repeat(70_000)});
            for _ in 0..5 {
                let flow = people.begin("login", "").await;
                let answer = people.submit(&flow, large.clone()).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
            }
            drop(slow);
            is_over.store(true, Ordering::Relaxed);
        };
        let lives = join_all((0..3).map(|number| live(&people, number, &is_over)));
        let (seen, ()) = join(lives, attack).await;
        let seen: usize = seen.into_iter().sum();
        assert!(seen > 50, "the others lived meanwhile: {seen}");

        // Of 250 requests with long texts, those of 1,020 bytes alone were folded: in two rounds, the second of what
        // they grew to.
        let folded = life
            .metric("insula_folded_bytes_total")
            .await
            .unwrap_or_default();
        assert!(
            folded > 0.0 && folded < 50.0 * 40_000.0,
            "{folded} bytes folded"
        );
        // Each may take ten million steps; a refusal takes none of them.
        let steps = life
            .metric("insula_traits_steps_total")
            .await
            .unwrap_or_default();
        assert!(steps <= 2.0 * 50.0 * 1e7, "{steps} steps");
        let (rows, bytes) = stored(&world, &hostile).await;
        assert!(rows <= 6 * 50 + 50, "{rows} flows");
        assert!(bytes < rows * 24_000, "{bytes} bytes in {rows} flows");
        world.finish().await;
    });
}
