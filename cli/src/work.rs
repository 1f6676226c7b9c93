//! `insula work`: the worker without the server.

use std::time::Duration;

use api::Metrics;
use tokio::time::Instant;

use crate::{
    Failure,
    args::installation::WorkArgs,
    connect,
    migrate::seconds,
    running::Running,
    serve, settings,
    shutdown::{self, requested},
    telemetry,
};

pub(crate) async fn work(args: WorkArgs) -> Result<(), Failure> {
    let known = settings::required(&args.installation)?;
    let stop = shutdown::listen()?;
    let starting = start(&args, &known);
    let running = tokio::select! {
        started = starting => started?,
        () = requested(stop.clone()) => return Ok(()),
    };
    running.until(stop).await
}

async fn start(args: &WorkArgs, known: &settings::Known) -> Result<Running, Failure> {
    let began = Instant::now();
    let collected = telemetry::metrics()?;
    let listener = connect::bind(&args.installation.metrics_listen, connect::METRICS).await?;
    let installation = connect::installation(&args.installation, known).await?;
    let metrics = Metrics::new(collected, installation.clone());
    let mut running = Running::new(installation.clone(), Duration::ZERO);
    serve::work(&mut running, &installation);
    serve::serve_metrics(&mut running, listener, metrics);
    tracing::info!(
        metrics = args.installation.metrics_listen,
        "working after {}",
        seconds(began.elapsed())
    );
    Ok(running)
}
