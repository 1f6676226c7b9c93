//! `insula serve`: listens, opens the installation, runs the worker inside, ends in good order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use api::{ApiSettings, App, Limits, Metrics};
use identity::People;
use tenants::Installation;
use tokio::{net::TcpListener, time::Instant};
use worker::Worker;

use crate::{
    Failure,
    args::installation::ServeArgs,
    connect,
    dev::{self, Dev},
    migrate::seconds,
    running::Running,
    settings::{self, Known},
    shutdown::{self, requested},
    telemetry,
};

/// Longer than most proxies need to ask twice for readiness.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let began = Instant::now();
    if args.base_domain.is_some() {
        return Err(Failure::Usage(
            "--base-domain (INSULA_BASE_DOMAIN) is not served yet: projects are reached at {origin}/p/{slug}"
                .to_owned(),
        ));
    }
    // What is missing is told before anything is touched.
    let known = if args.dev {
        None
    } else {
        Some(settings::required(&args.installation)?)
    };
    let stop = shutdown::listen()?;
    let starting = start(&args, known, began);
    let (running, dev) = tokio::select! {
        started = starting => started?,
        () = requested(stop.clone()) => return Ok(()),
    };
    let ended = running.until(stop).await;
    if let Some(dev) = dev {
        dev.stop().await?;
    }
    ended
}

async fn start(
    args: &ServeArgs,
    known: Option<Known>,
    began: Instant,
) -> Result<(Running, Option<Dev>), Failure> {
    let collected = telemetry::metrics()?;
    if known.is_none() {
        dev::check_free(args).await?;
    }
    let of_metrics = connect::bind(&args.installation.metrics_listen, connect::METRICS).await?;
    let listener = connect::bind(&args.listen, "--listen").await?;
    let at = Addresses::of(&listener, &of_metrics)?;
    let (known, dev) = match known {
        Some(known) => {
            mention_root_key(&known);
            (known, None)
        }
        None => dev::prepare(args, &listener)
            .await
            .map(|(known, dev)| (known, Some(dev)))?,
    };
    let installation = connect::installation(&args.installation, &known).await?;
    let metrics = Metrics::new(collected, installation.clone());
    let mut running = Running::new(installation.clone(), drain(args));
    if !args.no_worker {
        work(&mut running, &installation);
    }
    serve_metrics(&mut running, of_metrics, metrics.clone());
    serve_people(&mut running, args, &installation, (listener, metrics));
    if let Some(dev) = &dev {
        let demo = dev::make_demo(&installation, args.no_worker).await?;
        dev.greet(args, &installation, demo, (at.metrics, began.elapsed()));
    }
    tracing::info!(
        listen = %at.http,
        public_url = installation.origin(),
        metrics = %at.metrics,
        worker = !args.no_worker,
        "ready in {}",
        seconds(began.elapsed())
    );
    Ok((running, dev))
}

/// In development mode nobody asks for readiness, and somebody waits for the prompt.
fn drain(args: &ServeArgs) -> Duration {
    let usual = if args.dev { Duration::ZERO } else { DRAIN };
    args.drain.unwrap_or(usual)
}

/// It is meant for the first minutes, and is easily forgotten there. Development mode shows its own.
fn mention_root_key(known: &Known) {
    if known.root_key.is_some() {
        tracing::warn!(
            "a root key is in use (INSULA_ROOT_KEY): it is an OWNER of every project, stands in no list and cannot be \
             revoked. Make a key in its place with `insula keys create --name operator --role owner`, take it out of \
             the environment and start again"
        );
    }
}

/// Where we listen in truth: port 0 asks for any.
struct Addresses {
    http: SocketAddr,
    metrics: SocketAddr,
}

impl Addresses {
    fn of(http: &TcpListener, metrics: &TcpListener) -> Result<Self, Failure> {
        let of =
            |listener: &TcpListener| listener.local_addr().map_err(|error| Failure::of(&error));
        Ok(Self {
            http: of(http)?,
            metrics: of(metrics)?,
        })
    }
}

fn serve_people(
    running: &mut Running,
    args: &ServeArgs,
    installation: &Installation,
    (listener, metrics): (TcpListener, Metrics),
) {
    let settings = ApiSettings {
        dev: args.dev,
        trusted_proxies: args.trusted_proxies.clone(),
        client_ip_header: args.client_ip_header.clone(),
        limits: Limits {
            visits_per_minute: args.visits_per_minute,
            ..Limits::default()
        },
        drain: drain(args),
    };
    let session_bytes_max = u64::from(args.session_cache_mib) << 20;
    let people = Arc::new(People::remembering(session_bytes_max));
    let app = App::new(installation.clone(), people, settings, Some(metrics));
    running.add(
        "server",
        api::serve(app, listener, requested(running.end())),
    );
}

/// Also what `insula work` runs.
pub(crate) fn serve_metrics(running: &mut Running, listener: TcpListener, metrics: Metrics) {
    let (end, over) = (running.end(), requested(running.over()));
    running.add_last(
        "metrics server",
        api::serve_metrics(metrics, end, listener, over),
    );
}

/// Also what `insula work` runs.
pub(crate) fn work(running: &mut Running, installation: &Installation) {
    let (worker, end) = (Worker::new(installation.clone()), running.end());
    running.add("worker", async move {
        Box::pin(worker.run(end)).await;
        Ok(())
    });
}
