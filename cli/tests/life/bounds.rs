//! The bounds of a server under the worst that one project's visitors can send. Nothing is timed: its own counters tell
//! that each of these requests was refused, or bounded, before what would have cost, and that a neighbour sees no error.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Answer, Kind, PASSWORD, World, eventually};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::server::{Life, WITHIN};

/// Of each kind.
const AT_ONCE: u16 = 50;
/// What one of them may leave in a flow: the typed part of a form twice, and the rest of it.
const FLOW_BYTES_MAX: i64 = 40_000;
/// Of one request, where a judgement's budget is ten times as much (`identity/src/schema/cost.rs`).
const STEPS_MAX: u64 = 1_100_000;
const FOLDED: &str = "insula_folded_bytes_total";
const STEPS: &str = "insula_traits_steps_total";
const SERVING: &str = "insula_traits_judged_total{thread=\"serving\"}";
const TOO_DEAR: &str = "insula_traits_too_dear_total";
const LARGE: &str = "insula_bodies_large{of=\"self_service\"}";
const COMING: &str = "insula_bodies_coming_kib{of=\"self_service\"}";

/// The project that is attacked: whatever method takes a name, and a schema that multiplies.
fn attacked() -> Value {
    let identifier = json!({"credentials": {"password": {"identifier": true}}});
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"many": {"allOf": vec![json!({"minimum": 0}); 300]}},
        "properties": {"traits": {"type": "object", "properties": {
            "name": {"type": "string", "ory.sh/kratos": identifier},
            "bits": {"type": "string", "pattern": "^[01]*1[01]{8000}$"},
            "names": {"propertyNames": {"pattern": "^[01]*1[01]{8000}$"}},
            "rows": {"items": {"allOf": vec![json!({"$ref": "#/$defs/many"}); 300]}},
            "lacking": {"items": {"required": (0..1_000).map(|n| format!("name {n}")).collect::<Vec<_>>()}},
            "note": {"type": "string"},
        }}},
    });
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    tests::cheap(json!({
        "identity": {"schemas": [{"id": "dear", "url": url}], "default_schema_id": "dear"},
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": true}},
            "flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}},
        },
    }))
}

/// A request of each kind, as a flow and what is submitted to it.
fn submissions() -> Vec<(&'static str, Value)> {
    let folds = "\u{FDFA}".repeat(200_000);
    // Within the length of a submission.
    let short = "\u{FDFA}".repeat(60_000);
    let long = "x".repeat(4_400_000);
    let with =
        |traits: Value| json!({"method": "password", "password": PASSWORD, "traits": traits});
    let login =
        |identifier: &str| json!({"method": "password", "identifier": identifier, "password": "x"});
    vec![
        // F1: what is folded.
        ("login", login(&folds)),
        ("login", login(&short)),
        ("login", json!({"method": "code", "identifier": short})),
        ("recovery", json!({"method": "code", "email": short})),
        ("verification", json!({"method": "code", "email": short})),
        // F2: what is kept.
        ("registration", with(json!({"name": "a", "note": long}))),
        (
            "registration",
            with(json!({"name": "a", "note": "x".repeat(200_000)})),
        ),
        (
            "registration",
            with(json!({"name": "a", "note": "x".repeat(60_000), "bits": "2"})),
        ),
        ("login", login(&long)),
        ("login", login(&"x".repeat(200_000))),
        (
            "login",
            json!({"method": "password", "identifier": ADA, "password": "x", "transient_payload": {"a": long}}),
        ),
        (
            "login",
            json!({"method": "password", "identifier": ADA, "password": "x", "transient_payload": {"a": "x".repeat(100_000)}}),
        ),
        // F4: what a project's schema multiplies.
        (
            "registration",
            with(json!({"name": "a", "bits": "01".repeat(10_000)})),
        ),
        (
            "registration",
            with(json!({"name": "a", "names": {"01".repeat(10_000): 1}})),
        ),
        (
            "registration",
            with(json!({"name": "a", "rows": vec![1; 2_000]})),
        ),
        (
            "registration",
            with(json!({"name": "a", "lacking": vec![json!({}); 1_000]})),
        ),
    ]
}

/// Those of them that are judged, and cost too much.
const DEAR: u64 = 3;

/// Again until there was room for it: all of them are to be looked at.
async fn insistent(ask: impl AsyncFn() -> Answer) -> Answer {
    loop {
        let answer = ask().await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            return answer;
        }
        assert!(
            answer.headers.contains_key("retry-after"),
            "{}",
            answer.text
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Each kind at once.
async fn attack(life: &Life, project: &Project) {
    for (kind, fields) in submissions() {
        // Connections that nothing was sent on for a while are closed.
        let native = life.client(project, Kind::Api);
        let submitted = (0..AT_ONCE).map(async |_| {
            let flow = insistent(async || native.begin(kind, "").await).await;
            let refused = insistent(async || native.submit(&flow, fields.clone()).await).await;
            let (status, text) = (refused.status, refused.text);
            // The eleventh guess at one identifier has to wait.
            let refused = [StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS];
            assert!(refused.contains(&status), "{kind}: {status} {text}");
            assert!(text.len() < 60_000, "{kind}: {} bytes", text.len());
        });
        join_all(submitted).await;
    }
    let native = life.client(project, Kind::Api);
    let query = format!("?x={}", "y".repeat(60_000));
    let begun = (0..AT_ONCE).map(async |_| {
        let begun = insistent(async || native.begin("login", &query).await).await;
        let status = begun.status;
        let fine = status.is_success() || status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert!(fine, "{status}");
    });
    join_all(begun).await;
}

/// A body that is announced, begun, and not sent to its end.
async fn stall(life: &Life, project: &Project) -> TcpStream {
    let mut stream = TcpStream::connect(&life.address).await.unwrap();
    let flow = uuid::Uuid::nil();
    let head = format!(
        "POST /p/{}/self-service/login?flow={flow} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n",
        project.slug()
    );
    let sent = [head.as_bytes(), &b" ".repeat(70_000)].concat();
    stream.write_all(&sent).await.unwrap();
    stream
}

/// People of the neighbour, who sign in and are asked who they are, for as long as the attack lasts.
async fn live(life: &Life, project: &Project, lasts: &AtomicBool) -> usize {
    let mut rounds = 0;
    while lasts.load(Ordering::Relaxed) || rounds < 3 {
        let mut native = life.client(project, Kind::Api);
        let signed_in = native.sign_in(ADA, PASSWORD).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
        native.keep_token(&signed_in);
        for _ in 0..5 {
            let whoami = native.whoami().await;
            assert_eq!(whoami.status, StatusCode::OK, "{}", whoami.text);
        }
        rounds += 1;
    }
    rounds
}

/// Rows, the bytes of the longest and of all, and people.
async fn stored(project: &Project) -> (i64, i64, i64, i64) {
    let mut tx = project.begin().await.unwrap();
    let all = "select count(*), coalesce(max(length(state::text)), 0)::bigint, coalesce(sum(length(state::text)), 0)::bigint,
                      (select count(*) from identities) from flows";
    sqlx::query_as(all).fetch_one(tx.conn()).await.unwrap()
}

/// A count, as it stands.
async fn told(life: &Life, name: &str) -> u64 {
    let told = life.metric(name).await.unwrap_or_default();
    format!("{told:.0}").parse().unwrap()
}

#[test]
fn each_of_the_worst_requests_is_bounded_before_its_cost() {
    tests::run(async {
        let world = World::own().await;
        let hostile = world.project_with(attacked()).await;
        let session = json!({"hooks": [{"hook": "session"}]});
        let signs_in = json!({"selfservice": {"flows": {"registration": {"style": "unified", "after": {"password": session}}}}});
        let project = world.project_with(tests::cheap(signs_in)).await;
        let life = Life::begin(&world, &[("INSULA_DB_CONNECTIONS", "26")]).await;
        let ada = life
            .client(&project, Kind::Api)
            .sign_up(ADA, PASSWORD)
            .await;
        assert_eq!(ada.status, StatusCode::OK, "{}", ada.text);
        let before = [told(&life, FOLDED).await, told(&life, STEPS).await];

        let lasts = AtomicBool::new(true);
        let ends = async {
            attack(&life, &hostile).await;
            lasts.store(false, Ordering::Relaxed);
        };
        let ((), rounds) = tokio::join!(ends, live(&life, &project, &lasts));
        assert!(rounds > 3, "{rounds}");

        let (rows, longest, bytes, people) = stored(&hostile).await;
        let kinds = i64::try_from(submissions().len() + 1).unwrap() * i64::from(AT_ONCE);
        assert_eq!(people, 0);
        assert!(rows <= kinds, "{rows} flows");
        assert!(
            longest <= FLOW_BYTES_MAX && bytes <= rows * FLOW_BYTES_MAX,
            "{longest} and {bytes} bytes"
        );
        assert_eq!(told(&life, FOLDED).await, before[0], "bytes were folded");
        assert_eq!(told(&life, SERVING).await, 0, "judged on serving threads");
        let judged = told(&life, STEPS).await - before[1];
        assert!(
            judged < u64::from(AT_ONCE) * STEPS_MAX,
            "{judged} steps for what is refused"
        );
        assert_eq!(told(&life, TOO_DEAR).await, DEAR * u64::from(AT_ONCE));

        large_bodies_that_do_not_come(&life, &hostile).await;
        drop(life);
        world.finish().await;
    });
}

/// They hold what came of them, and no place.
async fn large_bodies_that_do_not_come(life: &Life, hostile: &Project) {
    let slow = join_all((0..AT_ONCE).map(|_| stall(life, hostile))).await;
    let coming = async || told(life, COMING).await >= u64::from(AT_ONCE) * 68;
    eventually("the beginnings have come", WITHIN, coming).await;
    assert_eq!(told(life, LARGE).await, 0);
    assert!(told(life, COMING).await <= u64::from(AT_ONCE) * 80);
    let native = life.client(hostile, Kind::Api);
    let flow = native.begin("login", "").await;
    let large = json!({"method": "password", "identifier": "x".repeat(100_000), "password": "x"});
    let refused = native.submit(&flow, large).await;
    assert_eq!(
        refused.status,
        StatusCode::BAD_REQUEST,
        "there is room: {}",
        refused.text
    );
    drop(slow);
    let gone = async || told(life, COMING).await == 0;
    eventually("what they held is given back", WITHIN, gone).await;
}
