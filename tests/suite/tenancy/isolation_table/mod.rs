//! The promise of the product, row by row: what a project's own cookie, token, key or id opens, the
//! neighbour's does not, and the answer is exactly that of one which never existed.
//!
//! `rows.rs` names every REST route, `fields.rs` every GraphQL field; `routes_are_covered.rs` sees to it.
//!
//! Looks inside: the tables.

pub(crate) mod fields;
pub(crate) mod hand;
mod masked;
pub(crate) mod rows;

pub(crate) use hand::new_key;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tenants::{Project, Role};
use tests::{Answer, Client, Kind, ROOT_KEY, Site, World, fingerprint, story};

use self::{
    fields::Field,
    hand::{Dealer, Hand, Thing},
    masked::masked,
    rows::{ADMIN, Ask, INSTALLATION, PUBLIC, Row, Then},
};

type Rows = Vec<(String, String)>;

/// Two projects with people, sessions, flows and keys, side by side on one host.
struct Stage {
    site: Site,
    own: Dealer,
    neighbour: Dealer,
    /// The neighbour's, and what never existed.
    foreign: Hand,
    never: Hand,
    /// For rows that use nothing up.
    hand: Hand,
    /// The neighbour's rows when everything was set up.
    before: Rows,
    installation: Client,
}

impl Stage {
    async fn new(patch: Value) -> Self {
        let site = Site::new().await;
        let own = Dealer::new(&site, "our-people", patch.clone()).await;
        let neighbour = Dealer::new(&site, "their-people", patch).await;
        let mut foreign = neighbour.deal().await;
        // Whatever a project's own key may, on the installation it is a stranger's.
        foreign.installation_key.clone_from(&foreign.key);
        // A person whom the neighbour knows is new here.
        foreign.newcomer.clone_from(&foreign.email);
        let before = all_rows(&site.world, &neighbour.project).await;
        Self {
            hand: own.deal().await,
            never: Hand::never(),
            installation: Client::new(&site.origin, Kind::Api),
            site,
            own,
            neighbour,
            foreign,
            before,
        }
    }

    /// The last look: the neighbour's rows are as they were, and its people are still signed in.
    async fn finish(self) {
        let project = &self.neighbour.project;
        assert_eq!(
            self.before,
            all_rows(&self.site.world, project).await,
            "the neighbour's rows changed"
        );
        let wire = &self.neighbour.wire;
        for (name, value) in [
            (
                "cookie",
                format!("{}={}", self.foreign.cookie_name, self.foreign.cookie),
            ),
            ("x-session-token", self.foreign.token.clone()),
        ] {
            let headers = [(name, &*value)];
            let who = wire
                .send(reqwest::Method::GET, "/sessions/whoami", None, &headers)
                .await;
            assert_eq!(who.body["identity"]["id"], self.foreign.identity);
        }
        self.site.finish().await;
    }

    /// What a request uses up is dealt anew. One that is refused uses nothing up, and `swap` looks.
    async fn hand_for(&self, row: &Row, then: Option<Then>) -> Hand {
        if row.writes && !matches!(then, Some(Then::Refused(_))) {
            self.own.deal().await
        } else {
            self.hand.clone()
        }
    }

    async fn rows(&self) -> Rows {
        fingerprint(&self.own.project).await
    }

    /// Every row of one table, each first with the project's own.
    async fn play(&self, rows: &[Row], wire: &Client) {
        for row in rows {
            self.succeeds(row, wire).await;
            for (thing, then) in row.swaps {
                self.swap(row, wire, *thing, *then).await;
                if *thing == Thing::Cookie {
                    self.swap(row, wire, Thing::CookieByName, *then).await;
                }
            }
        }
    }

    async fn succeeds(&self, row: &Row, wire: &Client) {
        let hand = self.hand_for(row, None).await;
        let before = self.rows().await;
        let answer = send(wire, row, &hand).await;
        let name = row.route;
        assert_eq!(answer.status, row.own, "{name}: {}", answer.text);
        let changed = before != self.rows().await;
        assert_eq!(changed, row.writes, "{name}: does it change rows?");
    }

    /// The neighbour's thing, and one that never existed, in the place of the own one.
    async fn swap(&self, row: &Row, wire: &Client, thing: Thing, then: Then) {
        let mut seen = Vec::new();
        for other in [&self.foreign, &self.never] {
            let hand = self.hand_for(row, Some(then)).await.with(thing, other);
            let before = self.rows().await;
            let answer = send(wire, row, &hand).await;
            let what = format!("{} with another {thing:?}", row.route);
            if let Then::Refused(_) = then {
                assert_eq!(before, self.rows().await, "{what} changed rows");
            }
            self.tells_nothing(&what, &answer, hand.text(thing));
            seen.push((what, answer, hand));
        }
        let [(what, foreign, hand), (_, never, unknown)] = &seen[..] else {
            unreachable!("two were tried")
        };
        let (Then::Refused(status) | Then::Ignored(status)) = then;
        assert_eq!(foreign.status, status, "{what}: {}", foreign.text);
        if matches!(thing, Thing::Key | Thing::InstallationKey) && status == 403 {
            // A key is known wherever it is shown; what it does not open stays in the dark all the same.
            assert_eq!(never.status, 401, "{what}: {}", never.text);
            for (hand, answer) in [(hand, foreign), (unknown, never)] {
                let nowhere = Hand {
                    key: hand.key.clone(),
                    installation_key: hand.installation_key.clone(),
                    cookie_name: hand.cookie_name.clone(),
                    ..self.never.clone()
                };
                let of_nothing = send(wire, row, &nowhere).await;
                assert_eq!(masked(answer, &[]), masked(&of_nothing, &[]), "{what}");
            }
        } else {
            assert_eq!(
                masked(foreign, &hand.given(thing)),
                masked(never, &unknown.given(thing)),
                "{what}: the answer tells that it exists elsewhere"
            );
        }
    }

    /// Nothing of the neighbour's is in an answer to us, but what we sent ourselves.
    fn tells_nothing(&self, what: &str, answer: &Answer, given: &str) {
        let f = &self.foreign;
        let whole = format!("{} {:?}", answer.text, answer.headers);
        let project = self.neighbour.project.id().to_string();
        for secret in [
            &f.slug,
            &f.email,
            &f.identity,
            &f.session,
            &f.login_flow,
            &f.settings_flow,
            &project,
        ] {
            assert!(
                secret == given || !whole.contains(secret.as_str()),
                "{what} shows {secret}: {whole}"
            );
        }
    }

    /// One operation of the table, as it is written there.
    async fn operate(&self, field: &Field, key: Option<&str>, slug: &str, hand: &Hand) -> Answer {
        let variables = json!({"slug": slug, "fresh": tests::fresh_slug(), "key": hand.key_id, "search": hand.email});
        let body = json!({"query": field.document, "variables": variables}).to_string();
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<_> = bearer.iter().map(|it| ("authorization", &**it)).collect();
        let body = Some(("application/json", body.into_bytes()));
        let post = reqwest::Method::POST;
        self.installation
            .send(post, "/graphql", body, &headers)
            .await
    }
}

async fn send(wire: &Client, row: &Row, hand: &Hand) -> Answer {
    let Ask {
        method,
        path,
        headers,
        body,
    } = (row.ask)(hand);
    assert!(
        fits(row.route, &method, &path),
        "{}: {method} {path}",
        row.route
    );
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
    wire.send(method, &path, body, &headers).await
}

/// A row calls the route that it is named after.
fn fits(route: &str, method: &reqwest::Method, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (named, template) = route.split_once(' ').unwrap();
    let (template, path) = (template.split('/'), path.split('/'));
    named == method.as_str()
        && template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(t, p)| t == p || t.starts_with('{'))
}

/// Every row of a project: in its schema, and of it in the installation's tables.
async fn all_rows(world: &World, project: &Project) -> Rows {
    let mut rows = fingerprint(project).await;
    let mut all = world.database().superuser().await;
    for (table, whose) in [
        ("projects", "id = $1"),
        ("slots", "project = $1"),
        ("config_revisions", "project = $1"),
        ("api_keys", "project = $1"),
        ("events", "project = $1"),
        (
            "jobs",
            "db_role = (select db_role from control.slots where project = $1)",
        ),
    ] {
        let sql = format!(
            "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from control.{table} t where {whose}"
        );
        let digest: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(project.id().uuid())
            .fetch_one(&mut all)
            .await
            .unwrap();
        rows.push((format!("control.{table}"), digest));
    }
    rows
}

#[story(Stage::new(json!({})))]
async fn every_self_service_route_knows_its_own_project_alone(stage: Stage) {
    stage.play(PUBLIC, &stage.own.wire).await;
}

#[story(Stage::new(json!({})))]
async fn every_administrative_route_knows_its_own_project_alone(stage: Stage) {
    stage.play(ADMIN, &stage.own.wire).await;
}

/// Two projects made from one configuration file share the secrets in it. Their cookies still differ, and
/// one that is not opened is as none: session checks by strangers may be kept for a while, others not.
#[story]
async fn equal_secrets_open_no_foreign_cookie() {
    let secret = "one secret of both projects, from one file";
    let shared = json!({
        "secrets": {"cookie": [secret], "default": [secret]},
        "feature_flags": {"cacheable_sessions": true},
    });
    let stage = Stage::new(shared).await;
    for row in PUBLIC {
        if row.swaps.iter().any(|(thing, _)| *thing == Thing::Cookie) {
            stage.play(std::slice::from_ref(row), &stage.own.wire).await;
        }
    }
    stage.finish().await;
}

#[story(Stage::new(json!({})))]
async fn every_route_of_the_installation_knows_whose_key_it_is(stage: Stage) {
    stage.play(INSTALLATION, &stage.installation).await;
}

#[story(Stage::new(json!({})))]
async fn every_field_knows_its_own_project_alone(stage: Stage) {
    let (viewer, _) = new_key(&stage.own.installation, None, Role::Viewer).await;
    for field in fields::all() {
        stage.play_field(&field, &viewer).await;
    }
}
