//! What a server takes on and what it turns away, and what every answer carries.
//!
//! Looks inside: `identity`.

mod connections;
mod proxies;

use std::{sync::Arc, time::Duration};

use api::{ApiSettings, App, Limits};
use futures_util::future::join_all;
use identity::{HashPool, People, SessionCache, TraitsPool};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tenants::Project;
use tests::{
    ADA, Answer, Client, Database, Kind, PASSWORD, ROOT_KEY, Site, eventually, story, text,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

fn limits(change: impl FnOnce(&mut Limits)) -> ApiSettings {
    let mut settings = ApiSettings::default();
    change(&mut settings.limits);
    settings
}

async fn site(settings: ApiSettings) -> Site {
    Site::on(Database::shared().await, |_| {}, settings).await
}

/// A second server over the site's installation; its origin.
async fn beside(site: &Site, people: People, settings: ApiSettings) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let installation = site.world.installation().clone();
    let app = App::new(installation, Arc::new(people), settings, None);
    let server = tokio::spawn(async move {
        api::serve(app, listener, std::future::pending())
            .await
            .unwrap();
    });
    (origin, server)
}

fn at(origin: &str, project: &Project, kind: Kind) -> Client {
    Client::new(&format!("{origin}/p/{}", project.slug()), kind)
}

async fn connect(origin: &str, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(origin.trim_start_matches("http://"))
        .await
        .unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// What the server says until it closes the connection, which it must do within five seconds.
async fn last_words(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .expect("the server closes the connection")
        .unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

fn is_shed(answer: &Answer) -> bool {
    let shed = answer.status == StatusCode::SERVICE_UNAVAILABLE;
    if shed {
        let after: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=60).contains(&after), "{after}");
        assert_eq!(answer.body["error"]["code"], 503, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    shed
}

#[story]
async fn fifty_at_once_with_one_address_make_one_identity(site: Site) {
    let project = site.project().await;
    let kinds = [Kind::Html, Kind::Spa, Kind::Api];
    let clients: Vec<Client> = (0..50)
        .map(|n| site.client(&project, kinds[n % 3]))
        .collect();
    let flows = join_all(clients.iter().map(|c| c.begin("registration", ""))).await;
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
    let submits = clients
        .iter()
        .zip(&flows)
        .map(|(c, flow)| c.submit(flow, body.clone()));
    let mut made = 0;
    for (n, answer) in join_all(submits).await.into_iter().enumerate() {
        let session = format!("ory_session_{}", project.slug());
        if answer.status == StatusCode::OK || answer.set_cookies().contains(&session) {
            made += 1;
            continue;
        }
        let refused = if answer.status.is_redirection() {
            clients[n].reread(&flows[n]).await
        } else {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
            answer
        };
        assert_eq!(
            refused.messages(),
            [text::IDENTIFIER_TAKEN],
            "{}",
            refused.text
        );
    }
    assert_eq!(made, 1);
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.body.as_array().unwrap().len(), 1);
}

#[story]
async fn beyond_the_room_requests_are_turned_away_and_health_checks_are_not(site: Site) {
    let dear = json!({"hashers": {"argon2": {"memory": "64MB", "iterations": 10}}});
    let project = site.project_with(dear).await;
    let few = limits(|l| l.requests_at_once_max = 2);
    let (origin, server) = beside(&site, People::new(), few).await;
    let native = site.client(&project, Kind::Api);
    let flows = join_all((0..2).map(|_| native.begin("registration", ""))).await;
    let sign_up = async |flow: &Answer| {
        let id = flow.body["id"].as_str().unwrap();
        let body = json!({"method": "password", "password": PASSWORD,
            "traits": {"email": format!("{id}@example.org")}});
        at(&origin, &project, Kind::Api)
            .post(&format!("/self-service/registration?flow={id}"), body)
            .await
    };
    let client = Client::new(&origin, Kind::Spa);
    let full = async || is_shed(&client.get("/version").await);
    let meanwhile = async {
        eventually("both places are taken", Duration::from_secs(5), full).await;
        for path in ["/health/alive", "/health/ready"] {
            assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
        }
    };
    let (made, ()) = tokio::join!(join_all(flows.iter().map(sign_up)), meanwhile);
    for answer in made {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    assert_eq!(client.get("/version").await.status, StatusCode::OK);
    server.abort();
}

#[story]
async fn slow_bodies_take_no_place_and_are_not_waited_for() {
    let settings = limits(|l| {
        l.requests_at_once_max = 2;
        l.body_within = Duration::from_secs(1);
    });
    let site = site(settings).await;
    let slow = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(connect(&site.origin, slow).await);
    }
    let client = Client::new(&site.origin, Kind::Spa);
    for _ in 0..20 {
        assert_eq!(client.get("/version").await.status, StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for stream in held {
        let said = last_words(stream).await;
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
        assert!(said.contains(r#""code":408"#), "{said}");
    }
    site.finish().await;
}

/// Bodies are held in memory: what still comes has room for so much, and costs small ones nothing. Visitors and
/// administrators have a share each.
#[story]
async fn large_bodies_that_come_have_little_room(site: Site) {
    let few = limits(|l| {
        l.coming_bytes_max = 160 << 10;
        l.body_within = Duration::from_secs(2);
    });
    let project = site.project().await;
    let (origin, server) = beside(&site, People::new(), few).await;
    let head = format!(
        "POST /p/{}/self-service/login?flow={} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 300000\r\n\r\n{{",
        project.slug(),
        uuid::Uuid::nil()
    );
    let first = connect(&origin, &format!("{head}{}", " ".repeat(100_000))).await;
    let visitor = at(&origin, &project, Kind::Api);
    let path = format!("/self-service/login?flow={}", uuid::Uuid::nil());
    let body = |length| json!({"method": "password", "password": " ".repeat(length)});
    let full = async || is_shed(&visitor.post(&path, body(70_000)).await);
    eventually("the room is taken", Duration::from_secs(30), full).await;
    let small = visitor.post(&path, body(10)).await;
    assert_eq!(small.status, StatusCode::NOT_FOUND, "{}", small.text);
    let large = json!({"query": format!("{{ __typename }}{}", " ".repeat(70_000))});
    let client = administrator(&origin);
    let answer = client.json(Method::POST, "/graphql", &large).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(last_words(first).await.starts_with("HTTP/1.1 408"));
    assert!(!full().await, "the room was not given back");
    server.abort();
}

/// Whose bodies are those of administration.
fn administrator(origin: &str) -> Client {
    let mut client = Client::new(origin, Kind::Api);
    client.set_header("authorization", &format!("Bearer {ROOT_KEY}"));
    client
}

/// Whoever sends slowly takes no place from those whose bodies are there.
#[story]
async fn slow_senders_take_no_place(site: Site) {
    let few = limits(|l| {
        l.large_bodies_at_once_max = 1;
        l.body_within = Duration::from_secs(5);
    });
    let (origin, server) = beside(&site, People::new(), few).await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ROOT_KEY}\r\ncontent-type: application/json\r\n\
         content-length: 300000\r\n\r\n{{"
    );
    let mut slow = Vec::new();
    for _ in 0..8 {
        slow.push(connect(&origin, &format!("{head}{}", " ".repeat(100_000))).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let client = administrator(&origin);
    let large = json!({"query": format!("{{ __typename }}{}", " ".repeat(70_000))});
    let answer = client.json(Method::POST, "/graphql", &large).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    drop(slow);
    server.abort();
}

/// What was decoded from a body takes its memory until the request is answered, and so its place.
#[story]
async fn large_bodies_keep_their_place_while_they_wait(site: Site) {
    // About a second of hashing, during which everything is decoded.
    let dear = json!({"hashers": {"argon2": {"memory": "256MB", "iterations": 10}}});
    let project = site.project_with(dear).await;
    let few = limits(|l| l.large_bodies_at_once_max = 1);
    let (origin, server) = beside(&site, People::new(), few).await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("registration", "").await;
    let path = format!(
        "/self-service/registration?flow={}",
        flow.body["id"].as_str().unwrap()
    );
    // It is short, yet holds many values.
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA},
        "transient_payload": {"numbers": vec![0; 5_000]}});
    let native = at(&origin, &project, Kind::Api);
    // A look whether the place is taken takes it for a moment.
    let waiting = async {
        loop {
            let answer = native.post(&path, body.clone()).await;
            if !is_shed(&answer) {
                break answer;
            }
        }
    };
    let client = administrator(&origin);
    let large = json!({"query": format!("{{ __typename }}{}", " ".repeat(70_000))});
    let other = format!("/self-service/login?flow={}", uuid::Uuid::nil());
    let visitor = at(&origin, &project, Kind::Api);
    let full = async || is_shed(&visitor.post(&other, body.clone()).await);
    let others = async {
        eventually("the place is taken", Duration::from_secs(30), full).await;
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(full().await, "the place was given back too early");
        }
        // Administration has places of its own.
        let answer = client.json(Method::POST, "/graphql", &large).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    };
    let (waited, ()) = tokio::join!(waiting, others);
    assert_eq!(waited.status, StatusCode::OK, "{}", waited.text);
    assert!(!full().await, "the place was not given back");
    server.abort();
}

#[story]
async fn a_timeout_stops_the_waiting_and_not_the_work(site: Site) {
    let project = site.project().await;
    let hasty = limits(|l| l.answer_within = Duration::from_millis(1));
    let (origin, server) = beside(&site, People::new(), hasty).await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("registration", "").await;
    let id = flow.body["id"].as_str().unwrap();
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
    let answer = at(&origin, &project, Kind::Api)
        .post(&format!("/self-service/registration?flow={id}"), body)
        .await;
    assert_eq!(
        answer.status,
        StatusCode::GATEWAY_TIMEOUT,
        "{}",
        answer.text
    );
    assert_eq!(answer.body["error"]["code"], 504);
    let done = async || native.sign_in(ADA, PASSWORD).await.status == StatusCode::OK;
    eventually(
        "the registration is done all the same",
        Duration::from_secs(10),
        done,
    )
    .await;
    server.abort();
}

#[story]
async fn a_flood_of_passwords_is_shed_and_the_next_project_is_served(site: Site) {
    // It is the queue for hashing that sheds here, not the limit on guesses.
    let dear = json!({
        "hashers": {"argon2": {"memory": "32MB", "iterations": 3}},
        "insula": {"limits": {"guesses": {"per_identifier": 100}}},
    });
    let (flooded, other) = (site.project_with(dear).await, site.project().await);
    let neighbour = site.client(&other, Kind::Api);
    assert_eq!(
        neighbour.sign_up(ADA, PASSWORD).await.status,
        StatusCode::OK
    );
    let people = People {
        sessions: SessionCache::new(100),
        hashing: HashPool::new(1, 30, 4),
        judging: TraitsPool::new(1, 30, 30),
    };
    let (origin, server) = beside(&site, people, ApiSettings::default()).await;
    let submit = async |project: &Project| {
        let flow = site.client(project, Kind::Api).begin("login", "").await;
        let path = format!(
            "/self-service/login?flow={}",
            flow.body["id"].as_str().unwrap()
        );
        let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        at(&origin, project, Kind::Api).post(&path, body).await
    };
    let flood = join_all((0..30).map(|_| submit(&flooded)));
    let (answers, served) = tokio::join!(flood, submit(&other));
    assert_eq!(served.status, StatusCode::OK, "{}", served.text);
    let shed = answers.iter().filter(|a| is_shed(a)).count();
    let judged = answers
        .iter()
        .filter(|a| a.messages() == [text::WRONG_CREDENTIALS])
        .count();
    assert!(shed > 0 && judged >= 5, "{shed} shed, {judged} judged");
    assert_eq!(shed + judged, 30);
    server.abort();
}
