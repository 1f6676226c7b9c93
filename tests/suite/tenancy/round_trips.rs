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

use tenants::Project;
use tests::{Database, World, story};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixStream, tcp::OwnedReadHalf, unix},
};
use url::Url;

/// Flushes of the client by connection, and whether it has ever carried a project's transaction.
type Flushes = Arc<Mutex<HashMap<usize, (usize, bool)>>>;

/// A way to a database that counts what passes.
struct CountedWay {
    gate_url: String,
    flushes: Flushes,
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
        let flushes = Flushes::default();
        let seen = Arc::clone(&flushes);
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
            flushes,
        }
    }

    /// Of connections for projects, up to now.
    fn flushes(&self) -> usize {
        let all = self.flushes.lock().unwrap();
        let of_projects = all.values().filter(|(_, of_project)| *of_project);
        of_projects.map(|(count, _)| count).sum()
    }
}

async fn count(
    number: usize,
    mut from: OwnedReadHalf,
    mut to: unix::OwnedWriteHalf,
    flushes: Flushes,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let chunk = &buffer[..length];
        {
            let mut all = flushes.lock().unwrap();
            let (count, of_project) = all.entry(number).or_default();
            *count += 1;
            *of_project |= chunk.windows(14).any(|window| window == b"SET LOCAL ROLE");
        }
        if to.write_all(chunk).await.is_err() {
            return;
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
        settings.connections = 3;
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
