//! A peer that vanishes without a word: its connections stay open, and nothing is answered on them any more.

use std::{path::PathBuf, time::Duration};

use private_postgres::Server;
use reqwest::{StatusCode, Url};
use tests::{Client, Kind, eventually, story};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
    sync::watch,
    task::spawn_blocking,
};

use super::outages::{Lonely, postgres_at};

const WITHIN: Duration = Duration::from_secs(20);

/// The way to PostgreSQL as it is now.
#[derive(Clone, Copy, Default)]
struct Way {
    /// Nothing comes through.
    down: bool,
    /// Connections of former times are dead, whatever becomes of the way.
    time: u32,
}

/// One direction of one connection.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut way: watch::Receiver<Way>,
) {
    let time = way.borrow().time;
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let open = way.wait_for(|way| !way.down && way.time == time);
        if open.await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

/// A way to that socket. It ends with the sender.
async fn way_to(socket: PathBuf) -> (u16, watch::Sender<Way>) {
    let (sender, way) = watch::channel(Way::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (near, far) = stream.into_split();
            let Ok(server) = UnixStream::connect(&socket).await else {
                continue;
            };
            let (back, there) = server.into_split();
            tokio::spawn(carry(near, there, way.clone()));
            tokio::spawn(carry(back, far, way.clone()));
        }
    });
    (port, sender)
}

fn socket_of(postgres: &Server) -> PathBuf {
    let url: Url = postgres.url("owner", "postgres").parse().unwrap();
    let folder = url.query_pairs().find(|(name, _)| name == "host");
    PathBuf::from(&*folder.unwrap().1).join(".s.PGSQL.5432")
}

/// For a flow that is not there: one look at the database.
async fn asks(client: &Client) -> StatusCode {
    let flow = format!("/self-service/login/flows?id={}", uuid::Uuid::nil());
    client.get(&flow).await.status
}

#[story]
async fn connections_to_a_peer_that_vanished_are_forgotten() {
    let postgres = spawn_blocking(|| postgres_at("test-postgres-vanished", &[]));
    let postgres = postgres.await.unwrap();
    let (port, way) = way_to(socket_of(&postgres)).await;
    let lonely = Lonely::by_way_of(&postgres, |gate| {
        let url: Url = gate.parse().unwrap();
        let (user, database) = (url.username(), url.path());
        format!("postgres://{user}@127.0.0.1:{port}{database}")
    })
    .await;
    // So many that each connection has a statement on its way when nothing is answered any more.
    let askers: Vec<_> = (0..40)
        .map(|_| {
            let client = lonely.client(Kind::Api);
            tokio::spawn(async move {
                loop {
                    asks(&client).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    way.send_modify(|way| {
        *way = Way {
            down: true,
            time: 1,
        }
    });
    let known = async || lonely.installation.is_away();
    eventually("it is known to be away", WITHIN, known).await;
    askers.iter().for_each(tokio::task::JoinHandle::abort);

    way.send_modify(|way| way.down = false);
    let back = async || !lonely.installation.is_away();
    eventually("it is known to be back", WITHIN, back).await;
    let client = lonely.client(Kind::Api);
    for n in 0..40 {
        assert_eq!(asks(&client).await, StatusCode::NOT_FOUND, "{n}");
    }
    lonely.end(postgres).await;
    drop(way);
}
