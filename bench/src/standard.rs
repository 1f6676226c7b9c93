//! The standard set: an Insula with a PostgreSQL of its own, durable as in production, on this machine.
//!
//! Ceilings are found first; the set rates are shares of them, so that the set fits any machine.

use std::{sync::Arc, time::Duration};

use crate::{
    Failure, argon2,
    args::{Argon2, Argon2Args, Scenario, StandardArgs},
    load::{Pace, Plan},
    people::{Crowd, Size},
    report::Row,
    server::Server,
    usage::Watched,
};

const PEOPLE: u32 = 20;
const PROJECTS_FIRST: u32 = 4;
const PEOPLE_FIRST: u32 = 50;
/// Per person; as each is checked once, they are all used up in the end.
const SESSIONS_FIRST: u32 = 20;

/// `bench standard`.
pub(crate) async fn run(args: &StandardArgs) -> Result<Vec<Row>, Failure> {
    let hashing = Argon2Args {
        argon2: Argon2::DEFAULT,
        at_once: None,
        seconds: args.seconds,
    };
    let mut rows = vec![argon2::measure(&hashing)];
    let server = Server::start(&args.binary, &args.data)?;
    let crowd = server
        .crowd((args.projects, Argon2::DEFAULT), size(args, PEOPLE, 1))
        .await?;
    let set = Set {
        args,
        watched: server.watched,
        crowd,
    };
    let whoami = set.measure(&mut rows, Scenario::Whoami, Pace::Max).await?;
    let login = set.measure(&mut rows, Scenario::Login, Pace::Max).await?;
    for (scenario, rate) in [
        (Scenario::Whoami, whoami * 0.6),
        (Scenario::Login, login * 0.6),
        // One hash and more writes.
        (Scenario::Registration, login * 0.5),
        // One operation in twenty hashes.
        (Scenario::Mixed, (login * 10.0).min(whoami * 0.5)),
    ] {
        set.measure(&mut rows, scenario, Pace::Rate(rate.max(1.0)))
            .await?;
    }
    let crowd = server
        .crowd(
            (PROJECTS_FIRST, Argon2::CHEAP),
            size(args, PEOPLE_FIRST, SESSIONS_FIRST),
        )
        .await?;
    let set = Set { crowd, ..set };
    set.measure(&mut rows, Scenario::WhoamiFirst, Pace::Max)
        .await?;
    Ok(rows)
}

fn size(args: &StandardArgs, people: u32, sessions: u32) -> Size {
    Size {
        people,
        sessions,
        connections: args.connections,
    }
}

struct Set<'a> {
    args: &'a StandardArgs,
    watched: Watched,
    crowd: Arc<Crowd>,
}

impl Set<'_> {
    /// Answers operations a second.
    async fn measure(
        &self,
        rows: &mut Vec<Row>,
        scenario: Scenario,
        pace: Pace,
    ) -> Result<f64, Failure> {
        let is_first = scenario == Scenario::WhoamiFirst;
        let plan = Plan {
            scenario,
            pace,
            warm_up: if is_first {
                Duration::ZERO
            } else {
                Duration::from_secs(2)
            },
            time: self.args.seconds,
            connections: self.args.connections,
            watched: self.watched,
        };
        eprintln!("bench: {}", scenario.name());
        let row = Row::of(
            &plan,
            self.crowd.bases(),
            plan.clone().run(&self.crowd).await?,
        );
        let per_second = row.per_second();
        rows.push(row);
        Ok(per_second)
    }
}
