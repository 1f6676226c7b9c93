//! The worst that visitors of one project can send, again and again, from a thread of its own that gives way to
//! what is measured: attackers have machines of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::setpriority_process;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use crate::{
    Failure,
    client::{Base, Call, Wire},
    kratos::PASSWORD,
};

/// No volley follows another sooner.
const BETWEEN: Duration = Duration::from_secs(1);
const LEAST_NICE: i32 = 19;

/// A request: the kind of flow, and what is submitted to it.
type Kind = (&'static str, Vec<u8>);

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Requests that were answered by a refusal.
    pub(crate) refused: AtomicU64,
    /// Those that there was no room for.
    pub(crate) turned_away: AtomicU64,
    /// Those that were answered otherwise, or not at all.
    pub(crate) other: AtomicU64,
}

/// An attack that goes on until it is ended.
pub(crate) struct Attack {
    lasts: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Attack {
    /// Begins with the first volley.
    pub(crate) fn begin(base: &Base, volley: u32, counts: &Arc<Counts>) -> Result<Self, Failure> {
        let lasts = Arc::new(AtomicBool::new(true));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::of("no runtime", error))?;
        let attacker = Attacker {
            base: base.clone(),
            volley,
            counts: Arc::clone(counts),
            kinds: kinds().into_iter().map(Arc::new).collect(),
        };
        let goes_on = Arc::clone(&lasts);
        let thread = std::thread::spawn(move || {
            // Of this thread alone, on Linux. Where it fails the attack is only the ruder.
            let _ = setpriority_process(None, LEAST_NICE);
            runtime.block_on(attacker.go_on(&goes_on));
        });
        Ok(Self { lasts, thread })
    }

    /// Once the last volley is answered.
    pub(crate) fn end(self) -> Result<(), Failure> {
        self.lasts.store(false, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| Failure("the attack ended badly".to_owned()))
    }
}

struct Attacker {
    base: Base,
    volley: u32,
    counts: Arc<Counts>,
    kinds: Vec<Arc<Kind>>,
}

impl Attacker {
    async fn go_on(&self, lasts: &AtomicBool) {
        while lasts.load(Ordering::Relaxed) {
            let began = Instant::now();
            self.volley().await;
            tokio::time::sleep(BETWEEN.saturating_sub(began.elapsed())).await;
        }
    }

    /// So many of each kind at once, while as many slow senders stand.
    async fn volley(&self) {
        let mut slow = Vec::new();
        for _ in 0..self.volley {
            slow.extend(stall(&self.base).await.ok());
        }
        let mut sent = JoinSet::new();
        for kind in &self.kinds {
            for _ in 0..self.volley {
                let (base, kind) = (self.base.clone(), Arc::clone(kind));
                let counts = Arc::clone(&self.counts);
                sent.spawn(async move {
                    let count = match submit(&base, &kind).await {
                        Some(400) => &counts.refused,
                        Some(503 | 431) => &counts.turned_away,
                        _ => &counts.other,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        }
        sent.join_all().await;
    }
}

/// The status of what was submitted, or of what came before it.
async fn submit(base: &Base, (kind, body): &Kind) -> Option<u16> {
    let mut wire = Wire::default();
    let begin = format!("/self-service/{kind}/api");
    let begun = wire.send(base, Call::get(&begin)).await.ok()?;
    let flow: Value = serde_json::from_slice(&begun.body).unwrap_or_default();
    let Some(id) = flow["id"].as_str() else {
        return Some(begun.status);
    };
    let path = format!("/self-service/{kind}?flow={id}");
    let call = Call {
        body: Some(body.clone()),
        ..Call::post(&path, &Value::Null)
    };
    Some(wire.send(base, call).await.ok()?.status)
}

/// A large body that is announced, begun, and not sent to its end.
async fn stall(base: &Base) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(&base.authority).await?;
    let head = format!(
        "POST {}/self-service/login?flow=00000000-0000-0000-0000-000000000000 HTTP/1.1\r\nhost: x\r\n\
         content-type: application/json\r\ncontent-length: 200000\r\n\r\n",
        base.prefix
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&b" ".repeat(70_000)).await?;
    Ok(stream)
}

/// What is folded, what is kept, what a schema multiplies, what is judged to the end of its budget.
fn kinds() -> Vec<Kind> {
    let folds = |count| "\u{FDFA}".repeat(count);
    let (long, half) = ("x".repeat(4_400_000), "x".repeat(200_000));
    let login =
        |identifier: &str| json!({"method": "password", "identifier": identifier, "password": "x"});
    let payload = |text: &str| json!({"method": "password", "identifier": "a", "password": "x", "transient_payload": {"a": text}});
    let sign_up =
        |traits: Value| json!({"method": "password", "password": PASSWORD, "traits": traits});
    let kinds = [
        ("login", login(&folds(200_000))),
        ("login", login(&folds(60_000))),
        ("login", login(&folds(340))),
        (
            "recovery",
            json!({"method": "code", "email": folds(60_000)}),
        ),
        ("login", login(&long)),
        ("login", payload(&long)),
        ("login", payload(&half)),
        ("registration", sign_up(json!({"name": "a", "note": long}))),
        ("registration", sign_up(json!({"name": "a", "note": half}))),
        (
            "registration",
            sign_up(json!({"name": "a", "bits": "01".repeat(10_000)})),
        ),
        (
            "registration",
            sign_up(json!({"name": "", "noise": noise(16_000)})),
        ),
        (
            "registration",
            sign_up(json!({"name": "a", "rows": vec![1; 2_000]})),
        ),
        (
            "registration",
            sign_up(json!({"name": "a", "lacking": vec![json!({}); 5_000]})),
        ),
    ];
    let written = kinds.map(|(kind, body)| (kind, body.to_string().into_bytes()));
    written.into()
}

/// Noughts and ones without a rhythm, so that no automaton of few states matches them.
fn noise(count: usize) -> String {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 31 == 0 { '0' } else { '1' }
    };
    (0..count).map(|_| next()).collect()
}
