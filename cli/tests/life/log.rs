//! What an operator reads in the log of a running server, as text.

use std::{fs, path::PathBuf, process::Stdio};

use reqwest::Method;
use tests::{World, eventually};

use crate::server::{Life, WITHIN};

/// A log that is gone with the test.
struct Log(PathBuf);

impl Log {
    fn new(name: &str) -> Self {
        let file = format!("insula-log-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(file))
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }

    async fn begin(&self, world: &World, more: &[(&str, &str)]) -> Life {
        let mut environment = vec![("INSULA_LOG", "info"), ("INSULA_LOG_FORMAT", "text")];
        environment.extend(more);
        let file = fs::File::create(&self.0).unwrap();
        let life = Life::begin_and_log(world, &environment, Stdio::from(file)).await;
        eventually("the server is ready", WITHIN, async || {
            self.text().contains("ready in")
        })
        .await;
        life
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What a client calls its request cannot be taken for what the server says of it.
#[test]
fn what_clients_send_is_quoted() {
    tests::run(async {
        let world = World::own().await;
        let log = Log::new("quoted");
        let life = log.begin(&world, &[]).await;
        let client = life.client(world.neighbour(), tests::Kind::Api);
        let id = "x\"}:status=200,id=y";
        let headers = [("x-request-id", id)];
        let path = "/nowhere\"=x";
        let answer = client.send(Method::GET, path, None, &headers).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.headers["x-request-id"], id);
        eventually("the answer is logged", WITHIN, async || {
            log.text().contains("status=404")
        })
        .await;
        let text = log.text();
        let line = text.lines().find(|it| it.contains("status=404")).unwrap();
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
        for (name, given, times) in [
            ("with", &[("INSULA_ROOT_KEY", key)][..], 1),
            ("without", &[], 0),
        ] {
            let log = Log::new(name);
            let life = log.begin(&world, given).await;
            let text = log.text();
            assert_eq!(text.matches("INSULA_ROOT_KEY").count(), times, "{text}");
            assert!(times == 0 || text.contains("insula keys create"), "{text}");
            assert!(!text.contains(key), "{text}");
            drop(life);
        }
        world.finish().await;
    });
}
