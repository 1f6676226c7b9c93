use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{HashError, HashPool, Hasher, Scratch, Stored, Weight, needs_rehash};

const PASSWORD: &str = "correct horse battery staple";
const CHEAP: Hasher = Hasher::Argon2id {
    memory_kib: 64,
    iterations: 1,
    parallelism: 1,
    salt_length: 16,
    key_length: 32,
};

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn project(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn known_hashes_match_their_password_only() {
    let digest = "abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W";
    let mut hashes: Vec<String> = ["2a", "2b", "2y", "2z", "2"]
        .iter()
        .map(|v| format!("${v}$10${digest}"))
        .collect();
    hashes.push("$argon2id$v=19$m=1024,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$WHgvyW8Gptf87EcoCZ9qeI7pigT0zY+gonr224t6Rrg".into());
    hashes.push("$argon2i$v=19$m=1024,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$ir+E2NV7WMfUms6RE4xtxkrWtk8NDSJvruQaY/wgIW4".into());
    for hash in hashes {
        let stored = Stored::parse(&hash).expect(&hash);
        assert_eq!(
            stored.matches(PASSWORD, &mut Scratch::default()),
            Ok(true),
            "{hash}"
        );
        // Bcrypt is slow unoptimised: one refusal of it will do.
        if !hash.starts_with("$2") || hash.starts_with("$2b$") {
            assert_eq!(
                stored.matches(&format!("{PASSWORD}x"), &mut Scratch::default()),
                Ok(false),
                "{hash}"
            );
        }
    }
}

/// W13.12.
#[test]
fn malformed_or_greedy_hashes_are_refused() {
    let tail = "AAECAwQFBgcICQoLDA0ODw$WHgvyW8Gptf87EcoCZ9qeI7pigT0zY+gonr224t6Rrg";
    for hash in [
        String::new(),
        "plain".into(),
        "$2x$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W".into(),
        "$2a$16$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W".into(),
        "$2a$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77é".into(),
        "$2a$10$short".into(),
        format!("$argon2d$v=19$m=1024,t=2,p=1${tail}"),
        format!("$argon2id$v=16$m=1024,t=2,p=1${tail}"),
        format!("$argon2id$v=19$t=2,m=1024,p=1${tail}"),
        format!("$argon2id$v=19$m=1048577,t=2,p=1${tail}"),
        format!("$argon2id$v=19$m=1024,t=11,p=1${tail}"),
        format!("$argon2id$v=19$m=1024,t=2,p=17${tail}"),
        format!("$argon2id$v=19$m=1024,t=2,p=1${tail}$"),
        format!("$argon2id$v=19$m=1024,t=2,p=1$AAECAw${}", &tail[23..]),
        format!("$argon2id$v=19$m=1024,t=2,p=1,x=1${tail}"),
    ] {
        assert!(Stored::parse(&hash).is_none(), "{hash}");
    }
}

#[tokio::test]
async fn what_a_hasher_writes_verifies() {
    let pool = HashPool::new(1, 8, 8);
    for (hasher, prefix) in [
        (CHEAP, "$argon2id$v=19$m=64,t=1,p=1$"),
        (Hasher::Bcrypt { cost: 4 }, "$2a$04$"),
    ] {
        let hash = pool
            .hash(project(1), hasher, secret(PASSWORD))
            .await
            .unwrap();
        assert!(hash.starts_with(prefix), "{hash}");
        assert_ne!(
            hash,
            pool.hash(project(1), hasher, secret(PASSWORD))
                .await
                .unwrap(),
            "a salt of its own"
        );
        assert_eq!(
            pool.verify(project(1), secret(PASSWORD), hash.clone())
                .await,
            Ok(true)
        );
        assert_eq!(
            pool.verify(project(1), secret("Correct horse"), hash).await,
            Ok(false)
        );
        assert_eq!(
            pool.verify_nothing(project(1), hasher, secret(PASSWORD))
                .await,
            Ok(false)
        );
    }
    let unknown = pool
        .verify(
            project(1),
            secret(PASSWORD),
            "$1$saltsalt$BsXyQbZiQujHkdhwPwdol.".into(),
        )
        .await;
    assert_eq!(unknown, Err(HashError::Unsupported));
}

#[tokio::test]
async fn bcrypt_takes_72_bytes_and_not_one_more() {
    let pool = HashPool::new(1, 8, 8);
    let hasher = Hasher::Bcrypt { cost: 4 };
    let hash = pool
        .hash(project(1), hasher, secret(&"x".repeat(72)))
        .await
        .unwrap();
    assert_eq!(
        pool.verify(project(1), secret(&"x".repeat(72)), hash.clone())
            .await,
        Ok(true)
    );
    assert_eq!(
        pool.verify(project(1), secret(&"x".repeat(73)), hash).await,
        Ok(false)
    );
    assert_eq!(
        pool.hash(project(1), hasher, secret(&"x".repeat(73))).await,
        Err(HashError::TooLong)
    );
    assert_eq!(
        pool.verify_nothing(project(1), hasher, secret(&"x".repeat(73)))
            .await,
        Ok(false)
    );
}

#[tokio::test]
async fn a_hasher_out_of_range_fails_and_kills_nothing() {
    let pool = HashPool::new(1, 8, 8);
    let greedy = Hasher::Argon2id {
        memory_kib: 1 << 21,
        iterations: 1,
        parallelism: 1,
        salt_length: 16,
        key_length: 32,
    };
    for hasher in [
        greedy,
        Hasher::Bcrypt { cost: 16 },
        Hasher::Bcrypt { cost: 3 },
    ] {
        assert!(
            matches!(
                pool.hash(project(1), hasher, secret("x")).await,
                Err(HashError::Failed(_))
            ),
            "{hasher:?}"
        );
        assert!(matches!(
            pool.verify_nothing(project(1), hasher, secret("x")).await,
            Err(HashError::Failed(_))
        ));
    }
    let burst = pool
        .run::<(), _>((project(1), Weight::Usual), |_| panic!("on purpose"))
        .await;
    assert!(matches!(burst, Err(HashError::Failed(_))));
    assert!(pool.hash(project(1), CHEAP, secret("x")).await.is_ok());
}

#[test]
fn only_another_family_is_hashed_again() {
    let bcrypt = Hasher::Bcrypt { cost: 12 };
    let argon2 = Hasher::default();
    for (hash, under_argon2, under_bcrypt) in [
        ("$argon2id$v=19$m=8,t=1,p=1$", false, true),
        ("$argon2i$v=19$", true, true),
        ("$2b$04$", true, false),
        ("$pbkdf2-sha256$", true, true),
    ] {
        assert_eq!(
            (needs_rehash(hash, &argon2), needs_rehash(hash, &bcrypt)),
            (under_argon2, under_bcrypt),
            "{hash}"
        );
    }
}

/// One thread, held at a gate while the callers queue up; the order in which they then run is recorded.
struct Held {
    pool: Arc<HashPool>,
    gate: mpsc::Sender<()>,
    order: Arc<Mutex<Vec<u128>>>,
}

impl Held {
    fn new(waiting_max: usize, waiting_per_project_max: usize) -> (Self, thread::JoinHandle<()>) {
        Self::of(Weight::Usual, waiting_max, waiting_per_project_max)
    }

    /// The thread for work of that weight is the one that is held.
    fn of(
        weight: Weight,
        waiting_max: usize,
        waiting_per_project_max: usize,
    ) -> (Self, thread::JoinHandle<()>) {
        let pool = Arc::new(HashPool::new(1, waiting_max, waiting_per_project_max));
        let (gate, opened) = mpsc::channel::<()>();
        let (entered, started) = mpsc::channel();
        let holder = Arc::clone(&pool);
        let held = thread::spawn(move || {
            let job = move |_: &mut Scratch| {
                entered.send(()).ok();
                opened.recv().ok();
                Ok(())
            };
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(holder.run((project(0), weight), job))
                .unwrap();
        });
        started.recv().unwrap();
        (
            Self {
                pool,
                gate,
                order: Arc::default(),
            },
            held,
        )
    }

    fn call(&self, number: u128) -> impl Future<Output = Result<(), HashError>> {
        let order = Arc::clone(&self.order);
        self.pool.run((project(number), Weight::Usual), move |_| {
            order.lock().unwrap().push(number);
            Ok(())
        })
    }
}

fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_crowd_delays_another_project_by_one_turn() {
    let (held, thread) = Held::new(1000, 500);
    let mut crowd: Vec<_> = (0..500).map(|_| Box::pin(held.call(1))).collect();
    for caller in &mut crowd {
        assert!(poll_once(caller.as_mut()).is_pending());
    }
    let mut lone = pin!(held.call(2));
    assert!(poll_once(lone.as_mut()).is_pending());
    assert_eq!(
        poll_once(pin!(held.call(1))),
        Poll::Ready(Err(HashError::Overloaded {
            retry_after: super::pool::RETRY_AFTER
        }))
    );

    held.gate.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(lone.await, Ok(()));
    for caller in crowd {
        assert_eq!(caller.await, Ok(()));
    }
    let order = held.order.lock().unwrap();
    assert_eq!((order.len(), &order[..3]), (501, &[1, 2, 1][..]));
}

/// Imported hashes may be a thousand times as dear as those that projects configure.
#[test]
fn what_takes_a_second_is_heavy() {
    let argon2 = |m, t| {
        let tail = "AAECAwQFBgcICQoLDA0ODw$WHgvyW8Gptf87EcoCZ9qeI7pigT0zY+gonr224t6Rrg";
        format!("$argon2id$v=19$m={m},t={t},p=1${tail}")
    };
    let bcrypt = |cost| format!("$2b${cost}$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W");
    for (hash, weight) in [
        (argon2(19_456, 2), Weight::Usual),
        (argon2(262_144, 4), Weight::Usual),
        (argon2(262_145, 1), Weight::Heavy),
        (argon2(262_144, 5), Weight::Heavy),
        (argon2(1_048_576, 10), Weight::Heavy),
        (bcrypt(14), Weight::Usual),
        (bcrypt(15), Weight::Heavy),
    ] {
        assert_eq!(Stored::parse(&hash).unwrap().weight(), weight, "{hash}");
    }
    assert_eq!(Hasher::default().weight(), Weight::Usual);
    assert_eq!(Hasher::Bcrypt { cost: 15 }.weight(), Weight::Heavy);
}

#[tokio::test]
async fn heavy_work_holds_up_only_heavy_work() {
    let (held, thread) = Held::of(Weight::Heavy, 8, 8);
    let heavy = Hasher::Argon2id {
        memory_kib: 262_145,
        iterations: 1,
        parallelism: 1,
        salt_length: 16,
        key_length: 32,
    };
    {
        // Beside an ordinary pool of one thread: not one of these is begun.
        let mut lines = Vec::new();
        for number in 0..8 {
            let work = held.pool.verify_nothing(project(1), heavy, secret("x"));
            lines.push(Box::pin(work));
            assert!(poll_once(lines[number].as_mut()).is_pending());
        }
        assert_eq!(held.pool.waiting(Weight::Heavy), 8);
        let mut one_more = pin!(held.pool.hash(project(1), heavy, secret("x")));
        assert!(matches!(
            poll_once(one_more.as_mut()),
            Poll::Ready(Err(HashError::Overloaded { .. }))
        ));
        let mut other = pin!(held.pool.hash(project(2), heavy, secret("x")));
        assert!(poll_once(other.as_mut()).is_pending());
        for number in 0..3 {
            let quick = held.pool.hash(project(number), CHEAP, secret("x"));
            assert!(quick.await.is_ok());
        }
    }
    assert_eq!(held.pool.waiting(Weight::Heavy), 0);
    held.gate.send(()).unwrap();
    thread.join().unwrap();
}

#[tokio::test]
async fn who_leaves_gives_the_place_back() {
    let (held, thread) = Held::new(2, 2);
    let mut stays = pin!(held.call(1));
    assert!(poll_once(stays.as_mut()).is_pending());
    {
        let mut leaves = pin!(held.call(2));
        assert!(poll_once(leaves.as_mut()).is_pending());
        assert_eq!(held.pool.waiting(Weight::Usual), 2);
        assert!(matches!(
            poll_once(pin!(held.call(3))),
            Poll::Ready(Err(HashError::Overloaded { .. }))
        ));
    }
    assert_eq!(held.pool.waiting(Weight::Usual), 1);
    let mut comes = pin!(held.call(3));
    assert!(poll_once(comes.as_mut()).is_pending());

    held.gate.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!((stays.await, comes.await), (Ok(()), Ok(())));
    assert_eq!(*held.order.lock().unwrap(), [1, 3]);
}

#[test]
fn memory_is_used_again_and_what_is_too_large_is_not_kept() {
    let mut scratch = Scratch::default();
    assert!(scratch.is_empty());
    // What the last hash left behind changes nothing.
    let first = CHEAP.hash("x", &mut scratch).unwrap();
    let again = Stored::parse(&first).unwrap();
    assert_eq!(again.matches("x", &mut scratch), Ok(true));
    assert_eq!(again.matches("y", &mut scratch), Ok(false));
    assert!(!scratch.is_empty());
    scratch.blocks((64 << 10) + 1).unwrap();
    scratch.settle();
    assert!(scratch.is_empty());
}
