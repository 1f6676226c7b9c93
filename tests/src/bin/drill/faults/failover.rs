//! The primary's host is gone, and a standby takes its place: one that has everything, and one that has not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Done,
    errands::Visitor,
    load::{PROMISED, Shared},
    proxy::{Ask, Trouble},
    stage::Stage,
};

/// Transaction ids that are given out twice, and more than those.
const LOST: usize = 300;
const FURTHER: usize = 420;
/// How long it is asked, and how long at most when something is still served.
const ASKED_FOR: Duration = Duration::from_secs(3);
const ASKED_FOR_MAX: Duration = Duration::from_secs(70);

/// Nothing that was acknowledged is missing, since each commit waited for the standby.
pub(crate) async fn synchronous(stage: &mut Stage) -> Done {
    stage.cluster.wait_for_standby(true).await?;
    sleep(Duration::from_secs(2)).await;
    stage.cluster.kill()?;
    let asked = tokio::spawn(refusals(Arc::clone(&stage.shared)));
    sleep(Duration::from_secs(3)).await;
    stage.cluster.promote()?;
    stage.cluster.lead_everybody()?;
    stage.is_mended();
    let longest = asked.await?.as_secs_f64();
    stage.note(format!("while it was away 503 came within {longest:.1} s"));
    sleep(Duration::from_secs(5)).await;
    Ok(())
}

/// Once the database has been away for a second: how long one waits to be told so.
async fn refusals(shared: Arc<Shared>) -> Duration {
    let path = format!("/p/{}/self-service/login/api", shared.slugs[0]);
    sleep(Duration::from_secs(1)).await;
    let asks = (0..8).map(|turn| {
        let (shared, path) = (&shared, &path);
        async move {
            sleep(Duration::from_millis(200) * turn).await;
            let began = Instant::now();
            let answer = shared.proxy.send_to(0, Ask::get(path)).await;
            answer.err().map(|_| began.elapsed())
        }
    });
    let told = join_all(asks).await;
    told.into_iter().flatten().max().unwrap_or_default()
}

/// Something that was served and is not to be any more.
struct Revoked {
    what: &'static str,
    /// The last moment in which it was served, from the moment in which the late replica heard again.
    last: Option<Duration>,
}

/// What the late replica has in its memory.
struct Remembered {
    project: usize,
    token: String,
    key: String,
    suspended: usize,
}

pub(crate) async fn lost_tail(stage: &mut Stage) -> Done {
    let (key_id, remembered) = prepare(stage).await?;
    stage.cluster.caught_up().await?;
    stage.cluster.cut_replication().await?;
    stage.cluster.use_up_ids(LOST).await?;
    // The late replica hears of them, and then of nothing.
    sleep(Duration::from_secs(1)).await;
    let before = served(stage, 1, &remembered).await?;
    if let Some((what, _)) = before.iter().find(|(_, is_served)| !is_served) {
        return Err(format!("{what} is not served before it comes to that").into());
    }
    stage.replicas[1].way.cut();
    stage.cluster.kill()?;
    stage.cluster.promote()?;
    let socket = stage.cluster.primary_socket()?;
    stage.replicas[0].way.lead_to(&socket);
    stage.worker.way.lead_to(&socket);
    stage.ready(0).await?;
    revoke(stage, &key_id, &remembered).await?;
    stage.cluster.use_up_ids(FURTHER).await?;
    stage.replicas[1].way.lead_to(&socket);
    let watched = watch(stage, &remembered).await?;
    for Revoked { what, last } in watched {
        match last {
            Some(last) if last > PROMISED => {
                let last = last.as_secs_f64();
                stage.break_promise(format!(
                    "{what} was served {last:.1} s after the replica heard again"
                ));
            }
            _ => stage
                .shared
                .tally
                .write(&format!("{what}: served until {last:?}")),
        }
    }
    stage.is_mended();
    stage.cluster.lead_everybody()?;
    let slug = json!({"input": {"slug": stage.shared.slugs[remembered.suspended]}});
    let resume =
        "mutation ($input: ProjectRefInput!) { resumeProject(input: $input) { project { slug } } }";
    graphql(stage, resume, slug).await.map(drop)
}

async fn graphql(stage: &Stage, query: &str, variables: Value) -> Done<Value> {
    let answer = stage.shared.graphql(Some(0), query, variables).await?;
    if answer.get("errors").is_some() {
        return Err(format!("GraphQL: {answer}").into());
    }
    Ok(answer)
}

/// A session and a key of one project, and another project, each known to both replicas.
async fn prepare(stage: &mut Stage) -> Done<(String, Remembered)> {
    let (project, suspended) = (0, 1);
    let fits = |person: &crate::ledger::Person| person.project == project && person.maybe.is_none();
    let person = stage.shared.ledger.for_reading(&mut stage.chance, fits);
    let person = person.ok_or("nobody is free")?.clone();
    let visitor = Visitor {
        at: Some(0),
        ..stage.shared.visitor(project, &person.from)
    };
    let entered = visitor.sign_in(&person.email, &person.password).await;
    let create = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id token } } }";
    let input = json!({"slug": stage.shared.slugs[project], "name": "drill", "role": "ADMIN"});
    let made = graphql(stage, create, json!({"input": input})).await?;
    let text = |pointer: &str| {
        let found = made.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let remembered = Remembered {
        project,
        token: entered.map_err(|stop| stop.to_string())?.token,
        key: text("/data/createApiKey/apiKey/token"),
        suspended,
    };
    Ok((text("/data/createApiKey/apiKey/id"), remembered))
}

/// Session, key and project: whether that replica serves them. An error in 503 serves nothing.
async fn served(
    stage: &Stage,
    at: usize,
    remembered: &Remembered,
) -> Done<[(&'static str, bool); 3]> {
    let slug = |project: usize| &stage.shared.slugs[project];
    let whoami = format!("/p/{}/sessions/whoami", slug(remembered.project));
    let people = format!(
        "/p/{}/admin/identities?page_size=1",
        slug(remembered.project)
    );
    let other = format!("/p/{}/sessions/whoami", slug(remembered.suspended));
    let asks = [
        Ask::get(&whoami).by(Some(&remembered.token)),
        Ask {
            key: Some(&remembered.key),
            ..Ask::get(&people)
        },
        Ask::get(&other),
    ];
    // 200, 200, and 401 of a project that serves and knows nobody without a token.
    let good = [200, 200, 401];
    let names = [
        "a session that was signed out",
        "a revoked key",
        "a suspended project",
    ];
    let mut found = [("", false); 3];
    for (place, ask) in asks.into_iter().enumerate() {
        let is_served = match stage.shared.proxy.send_to(at, ask).await {
            Ok(answer) => answer.status == good[place],
            Err(Trouble::Status(503, _)) => false,
            Err(trouble) => return Err(trouble.to_string().into()),
        };
        found[place] = (names[place], is_served);
    }
    Ok(found)
}

async fn revoke(stage: &Stage, key_id: &str, remembered: &Remembered) -> Done {
    let visitor = Visitor {
        at: Some(0),
        ..stage.shared.visitor(remembered.project, "192.0.2.3")
    };
    visitor
        .sign_out(&remembered.token)
        .await
        .map_err(|stop| stop.to_string())?;
    let revoke =
        "mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { __typename } }";
    graphql(stage, revoke, json!({"input": {"id": key_id}})).await?;
    let suspend =
        "mutation ($input: ProjectRefInput!) { suspendProject(input: $input) { __typename } }";
    let slug = &stage.shared.slugs[remembered.suspended];
    graphql(stage, suspend, json!({"input": {"slug": slug}})).await?;
    Ok(())
}

/// Ask the late replica again and again, longer while something is still served.
async fn watch(stage: &Stage, remembered: &Remembered) -> Done<[Revoked; 3]> {
    let began = Instant::now();
    let mut watched = served(stage, 0, remembered)
        .await?
        .map(|(what, _)| Revoked { what, last: None });
    loop {
        let asked = began.elapsed();
        for (place, (_, is_served)) in served(stage, 1, remembered).await?.into_iter().enumerate() {
            if is_served {
                watched[place].last = Some(asked);
            }
        }
        let is_served = watched
            .iter()
            .any(|one| one.last.is_some_and(|last| last + ASKED_FOR > asked));
        if asked > ASKED_FOR_MAX || (asked > ASKED_FOR && !is_served) {
            return Ok(watched);
        }
        sleep(Duration::from_millis(20)).await;
    }
}
