//! Ten thousand networks against one person: whoever comes from a browser or a network that the person signed in
//! from before does not notice, and whoever waits as told gets in, and gets their mail. What the limits let through,
//! and so the odds that docs/security.md publishes.
//!
//! The networks ask the limits without HTTP.
//!
//! Looks inside: `flows`, `identity`, the tables.

use chrono::TimeDelta;
use flows::{
    attempt::Attempt,
    cx::{ClientInfo, CookieState, Cx},
    decision::{Error, Halt},
    limits,
};
use futures_util::{StreamExt as _, stream};
use identity::{
    People,
    schema::{Address, Via},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, mailbox, story, text};

use super::floods::{behind_a_proxy, is_judged, visitor};
use crate::methods::code::{limits::wait, make, passwordless};

pub(super) const NETWORKS: u32 = 10_000;
const HOME: &str = "192.0.2.44";
const CAFE: &str = "203.0.113.9";
/// The longest that strangers wait for each other, in seconds.
const SHARED: i64 = 30;
const LONG: i64 = 900;

/// The networks, which try whatever they are let.
pub(super) struct Attackers {
    project: Project,
    people: People,
}

impl Attackers {
    pub(super) fn of(project: &Project) -> Self {
        let (project, people) = (project.clone(), People::new());
        Self { project, people }
    }

    /// A guess from that network: judged, and wrong; or how long it has to wait, in seconds.
    pub(super) async fn guess(&self, ip_address: String) -> Result<(), i64> {
        let client = client(ip_address);
        let cx = self.cx(&client);
        let tx = self.project.begin().await.unwrap();
        match limits::guess(&cx, &mut Attempt::default(), tx, ADA).await {
            Ok((tx, _)) => tx.commit().await.unwrap(),
            Err(halt) => return Err(told(halt)),
        }
        limits::wrong(&cx).await.unwrap();
        Ok(())
    }

    /// The same for a code that was sent to it.
    pub(super) async fn guess_code(&self, ip_address: String) -> Result<(), i64> {
        let client = client(ip_address);
        let cx = self.cx(&client);
        let tx = self.project.begin().await.unwrap();
        match limits::guess_code(&cx, &mut Attempt::default(), tx, ADA).await {
            Ok((tx, _)) => tx.commit().await.unwrap(),
            Err(halt) => return Err(told(halt)),
        }
        limits::wrong(&cx).await.unwrap();
        Ok(())
    }

    /// The same for a mail to the person.
    pub(super) async fn mail(&self, ip_address: String) -> Result<(), i64> {
        self.mail_to(ip_address, ADA.to_owned()).await
    }

    /// The same for a mail to that address.
    async fn mail_to(&self, ip_address: String, value: String) -> Result<(), i64> {
        let client = client(ip_address);
        let cx = self.cx(&client);
        let via = Via::Email;
        let to = Address { via, value };
        let asked = limits::message(&cx, &mut Attempt::default(), &to).await;
        asked.map_err(told)
    }

    fn cx<'r>(&'r self, client: &'r ClientInfo) -> Cx<'r> {
        Cx {
            project: &self.project,
            people: &self.people,
            session: None,
            session_token: None,
            client,
        }
    }
}

fn client(ip_address: String) -> ClientInfo {
    ClientInfo {
        json: true,
        csrf_secret: [1; 32],
        next_csrf_secret: [2; 32],
        cookies: CookieState::None,
        continuity: None,
        browser: None,
        browser_trace: None,
        by_script: false,
        ip_address,
        user_agent: String::new(),
        location: String::new(),
        accept_language: None,
        forwarded_headers: Value::Null,
    }
}

fn told(halt: Halt) -> i64 {
    match halt {
        Halt::Stopped(Error::TooMany { retry_after }, _) => retry_after.as_secs().cast_signed(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn network(number: u32) -> String {
    let [_, b, c, d] = number.to_be_bytes();
    format!("10.{b}.{c}.{d}")
}

/// All at once, as far as the connections reach; how many were let through.
async fn wave<F: Future<Output = Result<(), i64>>>(each: impl Iterator<Item = F>) -> usize {
    let all = stream::iter(each).buffer_unordered(16);
    all.filter(|asked| std::future::ready(asked.is_ok()))
        .count()
        .await
}

fn pass(site: &Site, seconds: i64) {
    site.world.clock.advance(TimeDelta::seconds(seconds));
}

/// What is left is the cookie that knows the browser.
fn sign_out(browser: &Client) {
    let cookies = browser.cookies();
    browser.forget_cookies();
    for (name, value) in cookies {
        if name.starts_with("insula_browser_") {
            browser.set_cookie(&name, &value);
        }
    }
}

async fn is_in(client: &Client) {
    let done = client.sign_in(ADA, PASSWORD).await;
    let done = if client.kind() == Kind::Html {
        client.whoami_after(&done).await
    } else {
        done
    };
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

fn is_wrong(answer: &Answer) {
    assert_eq!(
        answer.messages(),
        [text::WRONG_CREDENTIALS],
        "{}",
        answer.text
    );
}

#[story(behind_a_proxy())]
async fn ten_thousand_networks_keep_nobody_out(site: Site) {
    let limits = json!({"insula": {"limits": {"guesses": {"wrong_per_project": 1_000}}}});
    let project = site.project_with(tests::cheap(limits)).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let at_home = visitor(&site, &project, Kind::Api, HOME);
    is_in(&at_home).await;
    let mut browser = visitor(&site, &project, Kind::Html, "192.0.2.45");
    is_in(&browser).await;
    browser.set_header("x-forwarded-for", "192.0.2.46");
    let attackers = Attackers::of(&project);

    let judged = wave((0..NETWORKS).map(|n| attackers.guess(network(n)))).await;
    // Some more than the thirty, because levels are read without waiting for each other.
    assert!((30..100).contains(&judged), "{judged}");
    let cafe = visitor(&site, &project, Kind::Api, CAFE);
    let seconds = wait(&cafe.sign_in(ADA, PASSWORD).await);
    assert!(seconds <= SHARED, "{seconds}");
    pass(&site, seconds);
    // All of them were told the same, come back first, and go on hammering.
    let places = wave((0..1_500).map(|n| attackers.guess(network(n)))).await;
    assert!(places > 1_400, "{places}");
    let again = wave((1_000..1_200).map(|n| attackers.guess(network(n)))).await;
    assert_eq!(again, 0, "one try each, and then a long pause");
    is_in(&cafe).await;

    // By now the project's budget of wrong guesses is spent as well. A mistake costs a stranger a long pause, and
    // who is known nothing.
    let hotel = visitor(&site, &project, Kind::Api, "203.0.113.10");
    let seconds = wait(&hotel.sign_in(ADA, PASSWORD).await);
    assert!(seconds <= SHARED, "{seconds}");
    pass(&site, seconds);
    is_wrong(&hotel.sign_in(ADA, "wrong-horse-battery").await);
    let seconds = wait(&hotel.sign_in(ADA, PASSWORD).await);
    assert_eq!(seconds, LONG);
    wave((4_000..4_200).map(|n| attackers.guess(network(n)))).await;
    sign_out(&browser);
    for _ in 0..3 {
        is_wrong(&at_home.sign_in(ADA, "wrong-horse-battery").await);
        browser.sign_in(ADA, "wrong-horse-battery").await;
    }
    is_in(&at_home).await;
    is_in(&browser).await;
    is_in(&cafe).await;
    pass(&site, seconds);
    wave((4_200..4_400).map(|n| attackers.guess(network(n)))).await;
    is_in(&hotel).await;
    site.world.sweep().await;
}

/// The budget alone, before anybody else tries at the person: strangers have one try, also at a code.
#[story(behind_a_proxy())]
async fn a_spent_budget_is_for_strangers_alone(site: Site) {
    let limits = json!({"insula": {"limits": {"guesses": {"wrong_per_project": 10}}}});
    let project = site.project_with(passwordless(&tests::cheap(limits))).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let at_home = visitor(&site, &project, Kind::Api, HOME);
    is_in(&at_home).await;
    for number in 0..12 {
        let somebody = visitor(&site, &project, Kind::Api, &network(number));
        is_wrong(
            &somebody
                .sign_in(&format!("p{number}@example.org"), PASSWORD)
                .await,
        );
    }
    let asks = async |from: &str| {
        let client = visitor(&site, &project, Kind::Api, from);
        let flow = client.begin("login", "").await;
        let code = json!({"method": "code", "identifier": ADA});
        (client.submit(&flow, code).await, client)
    };
    let brings = async |(sent, client): &(Answer, Client), code: &str| {
        let code = json!({"method": "code", "identifier": ADA, "code": code});
        client.submit(sent, code).await
    };
    let cafe = asks(CAFE).await;
    assert_eq!(cafe.0.body["state"], "sent_email", "{}", cafe.0.text);
    let code = mailbox::code_to(&project, ADA).await;
    let wrong = brings(&cafe, "000000").await;
    assert_eq!(wrong.messages(), [text::WRONG_LOGIN_CODE], "{}", wrong.text);
    assert_eq!(wait(&brings(&cafe, &code).await), LONG);
    assert_eq!(wait(&asks(CAFE).await.0), LONG);
    pass(&site, LONG);
    let cafe = asks(CAFE).await;
    let code = mailbox::code_to(&project, ADA).await;
    let done = brings(&cafe, &code).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);

    let home = asks(HOME).await;
    for _ in 0..2 {
        let wrong = brings(&home, "000000").await;
        assert_eq!(wrong.messages(), [text::WRONG_LOGIN_CODE], "{}", wrong.text);
    }
    let code = mailbox::code_to(&project, ADA).await;
    let done = brings(&home, &code).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

#[story(behind_a_proxy())]
async fn ten_thousand_networks_keep_no_mail_from_its_owner(site: Site) {
    let patch = json!({"insula": {"limits": null}});
    let project = site
        .project_with(merged(&passwordless(&json!({})), &patch))
        .await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let attackers = Attackers::of(&project);
    let caused = wave((0..NETWORKS).map(|n| attackers.mail(network(n)))).await;
    assert!((30..100).contains(&caused), "{caused}");
    let asked = async |from: &str| {
        let client = visitor(&site, &project, Kind::Api, from);
        let flow = client.begin("login", "").await;
        let code = json!({"method": "code", "identifier": ADA});
        (client.submit(&flow, code).await, client)
    };
    let (refused, _) = asked(CAFE).await;
    let seconds = wait(&refused);
    assert!(seconds <= SHARED, "{seconds}");
    pass(&site, seconds);
    wave((0..500).map(|n| attackers.mail(network(n)))).await;
    let (sent, client) = asked(CAFE).await;
    assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
    let code = mailbox::code_to(&project, ADA).await;
    let code = json!({"method": "code", "identifier": ADA, "code": code});
    let done = client.submit(&sent, code).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    // Known from there now: the next mail comes at once.
    let (sent, _) = asked(CAFE).await;
    assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
    site.world.sweep().await;
}

/// A place that is told is taken from all who share, so one network is told no more of them than it may take.
#[story(behind_a_proxy())]
async fn one_network_makes_nobody_wait_for_long(site: Site) {
    let limits = json!({"insula": {"limits": {"mails": {"per_project": 10, "per_network": 5}}}});
    let project = site
        .project_with(merged(&passwordless(&json!({})), &limits))
        .await;
    let attackers = Attackers::of(&project);
    let to = |n: u32| format!("p{n}@example.org");
    for n in 0..10 {
        attackers.mail_to(network(n % 2), to(n)).await.unwrap();
    }
    let cafe = attackers
        .mail_to(CAFE.to_owned(), to(100))
        .await
        .unwrap_err();
    assert!(cafe <= 360, "one leaves in six minutes: {cafe}");
    for n in 200..300 {
        attackers.mail_to(network(9), to(n)).await.unwrap_err();
    }
    let hotel = attackers
        .mail_to(HOME.to_owned(), to(400))
        .await
        .unwrap_err();
    assert!(hotel <= 360 * 7, "behind the café and five others: {hotel}");
    pass(&site, cafe);
    attackers.mail_to(CAFE.to_owned(), to(100)).await.unwrap();
    site.world.sweep().await;
}

/// 65,536 networks of one customer are not taken for so many strangers.
#[story(behind_a_proxy())]
async fn a_wide_network_is_counted_as_well(site: Site) {
    let project = site.project_with(tests::cheap(json!({}))).await;
    let attackers = Attackers::of(&project);
    let from = |n: u32| format!("2001:db8:7:{n:x}::1");
    let judged = wave((0..200).map(|n| attackers.guess(from(n))));
    assert_eq!(judged.await, 30, "three times what one network has");
    is_judged(&site, &project, "2001:db8:8:1::1", "p@example.org").await;
}
