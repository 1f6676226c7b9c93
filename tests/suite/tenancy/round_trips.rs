//! What a transaction costs on the way to PostgreSQL, counted on the way: each flush of the client that waits
//! for an answer is a round trip. What the pool asks of a returned connection comes after the answer to the
//! request, so only the begin, the statements and the commit are waited for.
//!
//! Looks inside: the tables.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use api::ApiSettings;
use serde_json::json;
use tenants::Project;
use tests::{
    Database, Kind, Site, World,
    people::{ADA, PASSWORD},
    story,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixStream, tcp::OwnedReadHalf, unix},
};
use url::Url;

/// What the client sent, by connection.
type Tallies = Arc<Mutex<HashMap<usize, Tally>>>;

/// What one connection carried.
#[derive(Clone, Copy, Default)]
struct Tally {
    flushes: usize,
    /// Begun for a project.
    transactions: usize,
    /// Of the extended protocol: all but begin, commit and the pool's own looks.
    statements: usize,
}

/// A way to a database that counts what passes.
struct CountedWay {
    gate_url: String,
    tallies: Tallies,
}

impl CountedWay {
    async fn to(gate_url: &str) -> Self {
        let direct: Url = gate_url.parse().unwrap();
        let (_, folder) = direct.query_pairs().find(|(key, _)| key == "host").unwrap();
        let socket = PathBuf::from(&*folder).join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut counted = direct.clone();
        counted.set_host(Some("127.0.0.1")).unwrap();
        let port = listener.local_addr().unwrap().port();
        counted.set_port(Some(port)).unwrap();
        counted.set_query(Some("sslmode=disable"));
        let tallies = Tallies::default();
        let seen = Arc::clone(&tallies);
        tokio::spawn(async move {
            for number in 0.. {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&socket).await.unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(count(number, from_client, to_server, Arc::clone(&seen)));
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                });
            }
        });
        Self {
            gate_url: counted.into(),
            tallies,
        }
    }

    /// Of connections that have ever carried a project's transaction, up to now.
    fn tally(&self) -> Tally {
        let all = self.tallies.lock().unwrap();
        let of_projects = all.values().filter(|tally| tally.transactions > 0);
        of_projects.fold(Tally::default(), |sum, tally| Tally {
            flushes: sum.flushes + tally.flushes,
            transactions: sum.transactions + tally.transactions,
            statements: sum.statements + tally.statements,
        })
    }

    fn flushes(&self) -> usize {
        self.tally().flushes
    }
}

async fn count(
    number: usize,
    mut from: OwnedReadHalf,
    mut to: unix::OwnedWriteHalf,
    tallies: Tallies,
) {
    let (mut buffer, mut messages) = (vec![0; 1 << 16], Messages::default());
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let chunk = &buffer[..length];
        {
            let mut all = tallies.lock().unwrap();
            let tally = all.entry(number).or_default();
            tally.flushes += 1;
            messages.read(chunk, tally);
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

/// The client's messages, as their framing has them: a type, a length, a body. The first has no type.
#[derive(Default)]
struct Messages {
    unread: Vec<u8>,
    has_started: bool,
}

impl Messages {
    fn read(&mut self, chunk: &[u8], tally: &mut Tally) {
        self.unread.extend_from_slice(chunk);
        loop {
            let typed = usize::from(self.has_started);
            let Some(length) = self.unread.get(typed..typed + 4) else {
                return;
            };
            let length = u32::from_be_bytes(length.try_into().unwrap());
            let end = typed + usize::try_from(length).unwrap();
            if self.unread.len() < end {
                return;
            }
            let message: Vec<u8> = self.unread.drain(..end).collect();
            let begins = message.windows(14).any(|it| it == b"SET LOCAL ROLE");
            match message[0] {
                b'Q' if self.has_started && begins => tally.transactions += 1,
                b'E' if self.has_started => tally.statements += 1,
                _ => {}
            }
            self.has_started = true;
        }
    }
}

/// From one begin to the next: the statement, and all from its answer to the next begin.
async fn once(way: &CountedWay, project: &Project) -> [usize; 2] {
    let mut tx = project.begin().await.unwrap();
    let begun = way.flushes();
    sqlx::query("select count(*) from identities")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    let asked = way.flushes();
    tx.commit().await.unwrap();
    // There is one connection, so it was returned before this can begin. Where between the two its release is
    // counted is chance, and so is when a transaction is rolled back that was let go.
    let next = project.begin().await.unwrap();
    let begun_again = way.flushes();
    drop(next);
    [asked - begun, begun_again - asked]
}

#[story]
async fn a_transaction_is_begun_in_one_round_trip() {
    let database = Database::shared().await;
    let way = CountedWay::to(database.gate_url()).await;
    let w = World::on(database, |settings| {
        settings.connections = 4;
        settings.gate_url.clone_from(&way.gate_url);
    })
    .await;
    let project = w.project().await;
    // The connection learns the statement.
    once(&way, &project).await;
    let mut rounds = Vec::new();
    for _ in 0..20 {
        rounds.push(once(&way, &project).await);
    }
    // A connection that was idle for more than a second is asked whether it lives, so a busy machine may
    // count more.
    let [statement, next] = *rounds.iter().min().unwrap();
    assert_eq!(statement, 1, "{rounds:?}");
    assert_eq!(
        next, 4,
        "commit, release guard, the pool's own look, begin: {rounds:?}"
    );
    w.finish().await;
}

/// Begin the flow; load it, count the guess and read the credential; write. No connection is held while the
/// password is hashed.
#[story]
async fn a_password_sign_in_is_three_transactions() {
    let database = Database::shared().await;
    let way = CountedWay::to(database.gate_url()).await;
    let site = Site::on(
        database,
        |settings| settings.gate_url.clone_from(&way.gate_url),
        ApiSettings::default(),
    )
    .await;
    let project = site.project().await;
    site.signed_up(&project, Kind::Spa, ADA).await;
    let app = site.client(&project, Kind::Api);
    let mut tallies = Vec::new();
    for _ in 0..3 {
        let before = way.tally();
        let flow = app.begin("login", "").await;
        let begun = way.tally();
        let fields = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        let signed_in = app.submit(&flow, fields).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.text);
        let after = way.tally();
        tallies.push((
            begun.transactions - before.transactions,
            begun.statements - before.statements,
            after.transactions - begun.transactions,
            after.statements - begun.statements,
        ));
    }
    // The first flow of an hour asks for that hour's sweep besides. Then: store the flow; load it, find the password
    // with its owner, look who guesses and how full it is, count the guess; save the flow, look whether all is as it
    // was judged, store the session, forgive the guess.
    assert_eq!(tallies[2], (1, 1, 2, 8), "{tallies:?}");
    site.finish().await;
}
