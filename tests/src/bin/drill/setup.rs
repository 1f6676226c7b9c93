//! From nothing to an installation with people, by the steps of `deploy/operations.md`.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::relay::{Offer, Relay};
use tokio::time::sleep;

use crate::{
    Args, Done,
    chance::Chance,
    cluster::Cluster,
    compare::MAILS_WITHIN,
    ledger::Ledger,
    load::Shared,
    mails::Mails,
    process::{Installation, Process, READY_WITHIN, ROOT_KEY, fresh_folder},
    proxy::{Ask, Proxy},
    stage::Stage,
    tally::Tally,
};

/// The first master key; any 32 bytes will do.
pub(crate) const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PROJECTS: usize = 8;
const PEOPLE: usize = 160;
const SIGN_UPS_AT_ONCE: usize = 4;

/// Everything runs and is ready, and people have signed up.
pub(crate) async fn set_up(args: &Args) -> Done<Stage> {
    let began = Instant::now();
    let folder = folder()?;
    fresh_folder(&folder)?;
    let binary = std::env::current_exe()?.with_file_name("insula");
    if !binary.is_file() {
        return Err(format!(
            "{} is missing: cargo build -p cli --bin insula",
            binary.display()
        )
        .into());
    }
    let mut chance = Chance::of(args.seed);
    let mut stage = stage(args, (binary, folder), chance.branch()).await?;
    stage.replicas[0].start()?;
    stage.replicas[1].start()?;
    stage.worker.start()?;
    for at in [0, 1] {
        stage.ready(at).await?;
    }
    make_projects(&stage.shared).await?;
    sign_people_up(&stage.shared, &mut chance).await?;
    let (took, seed) = (began.elapsed().as_secs_f64(), args.seed);
    eprintln!(
        "drill: {PROJECTS} projects and {PEOPLE} people are there after {took:.0} s; seed {seed}"
    );
    Ok(stage)
}

/// A migrated database, and processes that are not started yet.
async fn stage(args: &Args, (binary, folder): (PathBuf, PathBuf), chance: Chance) -> Done<Stage> {
    let mut cluster = Cluster::start(&folder)?;
    let installation = Installation::new(binary, folder.clone(), MASTER_KEY);
    let operator = cluster.way().await?;
    let (status, said) = installation.run(&["migrate"], &operator)?;
    if !status.success() {
        return Err(format!("insula migrate: {said}").into());
    }
    let mut processes = Vec::new();
    for name in ["replica-1", "replica-2", "worker-1", "worker-2"] {
        processes.push(Process::new(name, &installation, cluster.way().await?)?);
    }
    let [one, other, worker, second_worker] =
        <[Process; 4]>::try_from(processes).map_err(|_| "four processes")?;
    let slugs = (1..=PROJECTS).map(|number| format!("drill-{number}"));
    let shared = Shared {
        proxy: Proxy::new([&one.address, &other.address])?,
        ledger: Ledger::default(),
        mails: Mails::default(),
        tally: Tally::new(&folder.join("errors.log"))?,
        relay: Relay::start(Offer::Clear).await,
        slugs: slugs.collect(),
        newcomers: AtomicU64::new(1),
    };
    Ok(Stage {
        replicas: [one, other],
        worker,
        second_worker,
        cluster,
        shared: Arc::new(shared),
        folder,
        chance,
        rate: args.rate,
        wished: args.rate,
        seconds: args.seconds,
        mended: None,
        notes: Vec::new(),
        skipped: false,
        mails_within: MAILS_WITHIN,
    })
}

async fn sign_people_up(shared: &Shared, chance: &mut Chance) -> Done {
    let people = stream::iter((0..PEOPLE).map(|_| chance.branch()));
    let sign_ups = people.map(|mut chance| async move { shared.sign_up(&mut chance).await });
    let mut done = sign_ups.buffer_unordered(SIGN_UPS_AT_ONCE);
    while let Some(signed_up) = done.next().await {
        signed_up.map_err(|stop| format!("a sign-up: {stop}"))?;
    }
    Ok(())
}

/// Beside what cargo builds: `target/torture/drill`.
fn folder() -> Done<PathBuf> {
    let binary = std::env::current_exe()?;
    let target = binary.ancestors().nth(2).ok_or("the drill is nowhere")?;
    Ok(target.join("torture/drill"))
}

/// Mail by the relay, recovery by code, a session at sign-up, no call to anybody else.
fn config(relay: &Relay) -> Value {
    let smtp = json!({
        "connection_uri": relay.uri("?disable_starttls=true"),
        "from_address": "no-reply@mail.example.com",
    });
    let hooks = json!({"password": {"hooks": [{"hook": "session"}]}});
    json!({
        "courier": {"smtp": smtp},
        "feature_flags": {"use_continue_with_transitions": true},
        "selfservice": {
            "methods": {
                "password": {"config": {"haveibeenpwned_enabled": false}},
                "code": {"enabled": true},
            },
            "flows": {
                "registration": {"style": "unified", "after": hooks},
                "recovery": {"enabled": true},
            },
        },
    })
}

async fn make_projects(shared: &Shared) -> Done {
    const CREATE: &str = "mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }";
    let config = config(&shared.relay);
    for slug in &shared.slugs {
        let began = Instant::now();
        loop {
            let input =
                json!({"slug": slug, "name": slug, "environment": "PRODUCTION", "config": config});
            let made = shared
                .graphql(None, CREATE, json!({"input": input}))
                .await?;
            if made.pointer("/data/createProject/project/id").is_some() {
                break;
            }
            // A schema for it may have to be made first.
            let waits = made.pointer("/errors/0/extensions/code") == Some(&json!("UNAVAILABLE"));
            if !waits || began.elapsed() > READY_WITHIN {
                return Err(format!("createProject: {made}").into());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

impl Shared {
    /// One operation with the root key, at that replica or at any.
    pub(crate) async fn graphql(
        &self,
        at: Option<usize>,
        query: &str,
        variables: Value,
    ) -> Done<Value> {
        let ask = Ask {
            key: Some(ROOT_KEY),
            ..Ask::post("/graphql", json!({"query": query, "variables": variables}))
        };
        let answer = match at {
            Some(at) => self.proxy.send_to(at, ask).await,
            None => self.proxy.send(ask).await,
        };
        Ok(answer
            .map_err(|trouble| format!("GraphQL: {trouble}"))?
            .body)
    }
}
