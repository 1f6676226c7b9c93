//! Logs on standard error, traces by OTLP when an endpoint is set, metrics for Prometheus.

use std::{io::IsTerminal as _, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{
    Failure,
    args::log::{LogArgs, LogFormat},
};

/// PostgreSQL's own remarks, such as "does not exist, skipping", are no news. Statements are told only
/// when slow, or when they are asked for by name: one that makes a login holds its password. The pool says of each
/// connection that it was lost, and the library for TLS that a certificate is refused; both are told by us, once.
const QUIET: &str = "sqlx::postgres::notice=warn,sqlx::query=warn,sqlx_core::pool::connection=error,\
                     rustls_platform_verifier=off";
/// Bounds of what is measured in seconds.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What must be flushed at the end.
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

/// Log from now on. Outside the runtime, because the trace exporter makes threads of its own.
pub(crate) fn start(args: &LogArgs) -> Result<Telemetry, Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", args.filter))
        .map_err(|error| Failure::Usage(format!("INSULA_LOG: {error}")))?;
    let terminal = std::io::stderr().is_terminal();
    let format = args.format.unwrap_or(if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(terminal).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let endpoint = args.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
    let provider = endpoint.map(traces).transpose()?;
    let spans = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("insula")));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(spans)
        .try_init()
        .map_err(|error| Failure::of(&error))?;
    Ok(Telemetry(provider))
}

fn traces(endpoint: &str) -> Result<SdkTracerProvider, Failure> {
    // With this exporter the whole path is ours to give.
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| Failure::Usage(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}")))?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("insula").build())
        .with_batch_exporter(exporter)
        .build())
}

impl Telemetry {
    /// Send what is not sent yet. Outside the runtime.
    pub(crate) fn flush(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            eprintln!("insula: the last traces were not sent: {error}");
        }
    }
}

/// Collect metrics from now on; once in a process. Inside the runtime.
pub(crate) fn metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::of(&error))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
