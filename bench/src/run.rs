//! `bench run`: scenarios against any server.

use std::sync::Arc;

use crate::{
    Failure,
    args::RunArgs,
    client::Base,
    insula,
    load::{Pace, Plan},
    people::{Crowd, Size, run_id},
    report::Row,
    usage::Watched,
};

/// `bench run`.
pub(crate) async fn run(args: &RunArgs) -> Result<Vec<Row>, Failure> {
    let crowd = Arc::new(gather(args).await?);
    let pace = args.rate.map_or(Pace::Max, Pace::Rate);
    let mut rows = Vec::new();
    for &scenario in &args.scenarios {
        let plan = Plan {
            scenario,
            pace,
            warm_up: args.warm_up,
            time: args.seconds,
            connections: args.connections,
            watched: Watched {
                server: args.pid,
                postgres: args.postgres_pid,
            },
        };
        rows.push(Row::of(
            &plan,
            crowd.bases(),
            plan.clone().run(&crowd).await?,
        ));
    }
    Ok(rows)
}

async fn gather(args: &RunArgs) -> Result<Crowd, Failure> {
    if let Some(file) = args.people_file.as_deref().filter(|file| file.exists()) {
        return Crowd::load(file);
    }
    let bases = match (&args.insula, &args.key) {
        (Some(origin), Some(key)) => {
            insula::projects(origin, key, &run_id(), (args.projects, args.argon2)).await?
        }
        _ => args
            .bases
            .iter()
            .map(|base| Base::parse(base))
            .collect::<Result<_, _>>()?,
    };
    let size = Size {
        people: args.people,
        sessions: args.sessions,
        connections: args.connections,
    };
    let crowd = Crowd::make(bases, size).await?;
    if let Some(file) = &args.people_file {
        crowd.save(file)?;
    }
    Ok(crowd)
}
