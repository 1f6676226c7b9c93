//! What an operator reads in the log of a running server, as text.

use reqwest::Method;
use tests::{World, eventually};

use crate::server::{Life, WITHIN};

/// Ready, with a log to be read by people.
async fn begin(world: &World, more: &[(&str, &str)]) -> Life {
    let mut environment = vec![("INSULA_LOG", "info"), ("INSULA_LOG_FORMAT", "text")];
    environment.extend(more);
    let life = Life::begin(world, &environment).await;
    eventually("the server is ready", WITHIN, async || {
        life.said().contains("ready in")
    })
    .await;
    life
}

/// What a client calls its request cannot be taken for what the server says of it.
#[test]
fn what_clients_send_is_quoted() {
    tests::run(async {
        let world = World::own().await;
        let life = begin(&world, &[]).await;
        let client = life.client(world.neighbour(), tests::Kind::Api);
        let id = "x\"}:status=200,id=y";
        let headers = [("x-request-id", id)];
        let path = "/nowhere\"=x";
        let answer = client.send(Method::GET, path, None, &headers).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.headers["x-request-id"], id);
        eventually("the answer is logged", WITHIN, async || {
            !life.lines("status=404").is_empty()
        })
        .await;
        let line = life.lines("status=404").remove(0);
        assert!(line.contains("id=\"x\\\"}:status=200,id=y\""), "{line}");
        drop(life);
        world.finish().await;
    });
}

#[test]
fn a_root_key_in_use_is_mentioned_once_and_never_shown() {
    tests::run(async {
        let world = World::own().await;
        let key = "ins_root_key_of_this_test_0123456789abcdef";
        for (given, times) in [(&[("INSULA_ROOT_KEY", key)][..], 1), (&[], 0)] {
            let life = begin(&world, given).await;
            let text = life.said();
            assert_eq!(text.matches("INSULA_ROOT_KEY").count(), times, "{text}");
            assert!(times == 0 || text.contains("insula keys create"), "{text}");
            assert!(!text.contains(key), "{text}");
            drop(life);
        }
        world.finish().await;
    });
}
