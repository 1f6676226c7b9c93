//! What the visitors of one network, one person or one page may take of what all share: rows, memory, places.
//!
//! Looks inside: `identity`, the tables.

use std::time::Duration;

use api::{ApiSettings, Limits};
use chrono::TimeDelta;
use identity::SessionCache;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Actor, ChangeError, ConfigUpdate, Fault, Project, Role, UpdateMode};
use tests::{ADA, Client, Database, Kind, PASSWORD, ROOT_KEY, Site, World, eventually, story};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use super::floods::visitor;
use crate::{admin::open_schema, methods::code::limits::wait, tenancy::isolation_table::new_key};

const HERE: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

/// A site behind a proxy, with these limits.
async fn with(limits: Limits) -> Site {
    let api = ApiSettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        limits,
        ..ApiSettings::default()
    };
    Site::on(Database::shared().await, |_| {}, api).await
}

async fn rows(project: &Project) -> i64 {
    let mut tx = project.begin().await.unwrap();
    let rows = sqlx::query_scalar("select count(*) from flows");
    rows.fetch_one(tx.conn()).await.unwrap()
}

/// Flows begun, submissions refused and errors kept are rows that a visitor makes the project store.
#[story]
async fn a_network_stores_only_so_much_unless_it_is_let_in() {
    let limits = Limits {
        visits_per_minute: 1,
        ..Limits::default()
    };
    let site = with(limits).await;
    let project = site.project().await;
    let here = visitor(&site, &project, Kind::Api, HERE);
    let page = visitor(&site, &project, Kind::Html, HERE);
    let flow = here.begin("login", "").await;
    let wrong = json!({"method": "password", "identifier": ADA, "password": "wrong-horse"});
    for _ in 0..4 {
        let refused = here.submit(&flow, wrong.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    }
    let forbidden = "/self-service/login/browser?return_to=https://evil.example";
    // Two each: one begins, and its error is kept.
    for _ in 0..2 {
        assert_eq!(page.get(forbidden).await.status, StatusCode::SEE_OTHER);
    }
    here.begin("registration", "").await;
    let stored = rows(&project).await;
    wait(&here.begin("login", "").await);
    wait(&here.submit(&flow, wrong.clone()).await);
    wait(&page.get("/self-service/login/browser").await);
    assert_eq!(
        page.get(forbidden).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(rows(&project).await, stored);

    // Neither other networks, nor other projects, nor those who are let in.
    let elsewhere = visitor(&site, &project, Kind::Api, ELSEWHERE);
    assert_eq!(
        elsewhere.sign_up(ADA, PASSWORD).await.status,
        StatusCode::OK
    );
    let neighbour = site.project().await;
    let there = visitor(&site, &neighbour, Kind::Api, HERE);
    assert_eq!(there.begin("login", "").await.status, StatusCode::OK);
    let seconds = wait(&here.begin("login", "").await);
    site.world.clock.advance(TimeDelta::seconds(seconds));
    assert_eq!(here.begin("login", "").await.status, StatusCode::OK);
    wait(&here.begin("login", "").await);
    site.finish().await;
}

/// To go on to another screen is a new version of a row, and no sign-up.
#[story]
async fn going_on_is_counted_too() {
    let limits = Limits {
        visits_per_minute: 1,
        ..Limits::default()
    };
    let site = with(limits).await;
    let project = site
        .project_with(
            json!({"selfservice": {"flows": {"registration": {"style": "profile_first"}}}}),
        )
        .await;
    let here = visitor(&site, &project, Kind::Api, HERE);
    let flow = here.begin("registration", "").await;
    let on =
        json!({"method": "profile", "screen": "credential-selection", "traits": {"email": ADA}});
    for _ in 0..9 {
        let asked = here.submit(&flow, on.clone()).await;
        assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{}", asked.text);
    }
    wait(&here.submit(&flow, on).await);
    site.finish().await;
}

/// A body without a good key is short; the holders of a project's keys have half of what administration may hold.
#[story]
async fn no_administrator_is_kept_out_by_large_bodies() {
    let limits = Limits {
        coming_bytes_max: 400 << 10,
        body_within: Duration::from_secs(5),
        ..Limits::default()
    };
    let site = with(limits).await;
    let project = site.project().await;
    let (key, _) = new_key(site.world.installation(), Some(&project), Role::Viewer).await;
    let asked = async |key: Option<&str>| {
        let mut client = Client::new(&site.origin, Kind::Api);
        if let Some(key) = key {
            client.set_header("authorization", &format!("Bearer {key}"));
        }
        let query = format!("query {{ viewer {{ name }} }} #{}", "x".repeat(100_000));
        client.post("/graphql", json!({"query": query})).await
    };
    let stranger = asked(None).await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST);
    assert!(
        stranger.text.contains("longer than 65536"),
        "{}",
        stranger.text
    );
    let stall = async |authorization: &str| {
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {HERE}\r\n{authorization}content-type: application/json\r\n\
             content-length: 200000\r\n\r\n{{{}",
            " ".repeat(150_000)
        );
        let origin = site.origin.trim_start_matches("http://");
        let mut stream = TcpStream::connect(origin).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let mut slow = Vec::new();
    for _ in 0..5 {
        slow.push(stall("").await);
        slow.push(stall(&format!("authorization: Bearer {key}\r\n")).await);
    }
    let full = async || asked(Some(&key)).await.status == StatusCode::SERVICE_UNAVAILABLE;
    eventually("the project's part is taken", Duration::from_secs(4), full).await;
    let root = asked(Some(ROOT_KEY)).await;
    assert_eq!(root.status, StatusCode::OK, "{}", root.text);
    drop(slow);
    site.finish().await;
}

/// A change that waits for servers of others holds a request meanwhile: few of one project do.
#[story]
async fn few_changes_of_a_configuration_wait_for_others(w: World) {
    let (project, neighbour) = (w.project().await, w.project().await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/schema.json", silent.local_addr().unwrap());
    let schemas = json!([{"id": "s", "url": url}]);
    let change = ConfigUpdate {
        config: json!({"identity": {"default_schema_id": "s", "schemas": schemas}}),
        mode: UpdateMode::Merge,
        expected_revision: None,
        dry_run: true,
    };
    let changed = async |project: &Project| {
        let system = Actor::system();
        let changed = w.installation().update_config(&system, project, &change);
        changed.await.map(|_| ())
    };
    let asks = async {
        let waiting = [
            silent.accept().await.unwrap(),
            silent.accept().await.unwrap(),
        ];
        let refused = changed(&project).await;
        let overloaded = matches!(&refused, Err(ChangeError::Fault(Fault::Overloaded { .. })));
        assert!(overloaded, "{refused:?}");
        let accepted = async { silent.accept().await.map(drop) };
        let (others, accepted) = tokio::join!(changed(&neighbour), accepted);
        accepted.unwrap();
        assert!(
            matches!(others, Err(ChangeError::Violations(_))),
            "{others:?}"
        );
        drop(waiting);
    };
    let (one, two, ()) = tokio::join!(changed(&project), changed(&project), asks);
    for ended in [one, two] {
        assert!(
            matches!(ended, Err(ChangeError::Violations(_))),
            "{ended:?}"
        );
    }
    w.sweep().await;
}

/// More than fit on a page.
const PEOPLE: usize = 150;

fn heavy(length: usize) -> Value {
    json!({"schema_id": "open", "traits": {"free": "x".repeat(length)}})
}

/// What is remembered of sessions is weighed, and does not grow with what their people have.
#[story]
async fn sessions_in_memory_are_weighed(site: Site) {
    const ROOM: u64 = 1 << 20;
    let project = site.project_with(open_schema()).await;
    let native = site.client(&project, Kind::Api);
    let cache = SessionCache::new(ROOM);
    for number in 0..40 {
        let flow = native.begin("registration", "").await;
        let traits = json!({"name": format!("p{number}"), "free": "x".repeat(60_000)});
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let made = native.submit(&flow, fields).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        let token = made.body["session_token"].as_str().unwrap();
        let session = cache.authenticate(&project, token).await.unwrap();
        assert!(session.is_some());
        if number == 9 {
            assert!(cache.bytes() > 9 * 60_000, "{}", cache.bytes());
        }
    }
    assert!(cache.bytes() <= ROOM, "{}", cache.bytes());
    site.world.sweep().await;
}

/// A page that would hold more is shorter, and says where the next one begins; one by number is refused.
#[story]
async fn pages_of_heavy_people_are_shorter(site: Site) {
    let project = site.project_with(open_schema()).await;
    let admin = site.admin(&project);
    for _ in 0..PEOPLE {
        let made = admin.post("/admin/identities", heavy(60_000)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let first = admin.get("/admin/identities?page_size=250").await;
    let on_first = first.body.as_array().unwrap().len();
    assert!((100..PEOPLE).contains(&on_first), "{on_first}");
    let link = first.headers["link"].to_str().unwrap();
    let next = link
        .split(',')
        .find(|link| link.contains("rel=\"next\""))
        .unwrap();
    let next = next.trim_start_matches('<').split('>').next().unwrap();
    let next = &next[next.find("/admin/").unwrap()..];
    let second = admin.get(next).await;
    assert_eq!(on_first + second.body.as_array().unwrap().len(), PEOPLE);
    let by_number = admin.get("/admin/identities?page=0&per_page=250").await;
    assert_eq!(
        by_number.status,
        StatusCode::BAD_REQUEST,
        "{}",
        by_number.text
    );
    site.world.sweep().await;
}

/// Those of one network have half of the places for large bodies that are there, and of the room for those that come.
#[story]
async fn a_network_has_half_of_the_places_for_large_bodies() {
    let limits = Limits {
        coming_bytes_max: 256 << 10,
        body_within: Duration::from_secs(5),
        ..Limits::default()
    };
    let site = with(limits).await;
    let project = site.project().await;
    let path = format!(
        "/p/{}/self-service/login?flow={}",
        project.slug(),
        uuid::Uuid::nil()
    );
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {HERE}\r\ncontent-type: application/json\r\n\
         content-length: 200000\r\n\r\n{{{}",
        " ".repeat(100_000)
    );
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(site.origin.trim_start_matches("http://"))
            .await
            .unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let large = json!({"method": "password", "password": " ".repeat(70_000)});
    let asked = async |client: &Client| {
        let path = format!("/self-service/login?flow={}", uuid::Uuid::nil());
        client.post(&path, large.clone()).await.status
    };
    let here = visitor(&site, &project, Kind::Api, HERE);
    let full = async || asked(&here).await == StatusCode::SERVICE_UNAVAILABLE;
    eventually("the network's part is taken", Duration::from_secs(4), full).await;
    let elsewhere = visitor(&site, &project, Kind::Api, ELSEWHERE);
    assert_eq!(asked(&elsewhere).await, StatusCode::NOT_FOUND);
    drop(slow);
    site.finish().await;
}
