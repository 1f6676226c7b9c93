//! Asking whether a password was seen in a breach: only the first five digits of its SHA-1 leave the
//! house (the range API of haveibeenpwned.com). A service that fails is left alone for a minute.

use std::{
    sync::{LazyLock, Mutex},
    time::{Duration, Instant},
};

use tenants::{Method, OutboundRequest, Project, ProjectId, outbound::OutboundError};

use super::{config::PolicyConfig, policy};
use crate::ui::{Message, text};

const TIMEOUT: Duration = Duration::from_secs(1);
const SKIPPED_FOR: Duration = Duration::from_mins(1);
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
/// About 30 kB each: with padding a range has some 1,000 rows.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// What was learnt: which services are failing, which ranges were asked for.
#[derive(Debug)]
struct BreachMemory {
    failing: Mutex<std::collections::HashMap<String, Instant>>,
    counts: moka::sync::Cache<(ProjectId, [u8; 20]), u64>,
}

static MEMORY: LazyLock<BreachMemory> = LazyLock::new(|| BreachMemory {
    failing: Mutex::default(),
    counts: moka::sync::Cache::builder()
        .max_capacity(50_000)
        .time_to_live(REMEMBERED_FOR)
        .build(),
});

/// Refuses what was seen more often than allowed (4000034). A failing service is no reason to refuse,
/// unless the configuration says so (4000005).
pub(super) async fn check(
    project: &Project,
    config: &PolicyConfig,
    password: &str,
) -> Result<(), Message> {
    if !config.haveibeenpwned_enabled {
        return Ok(());
    }
    match count(project, config, password).await {
        Some(count) => policy::breached(count, config.max_breaches),
        None if config.ignore_network_errors => Ok(()),
        None => Err(text::password_unchecked()),
    }
}

/// How often it was seen; `None` when the service does not answer.
async fn count(project: &Project, config: &PolicyConfig, password: &str) -> Option<u64> {
    let (prefix, suffix) = policy::range_prefix(password);
    let mut digest = [0; 20];
    hex::decode_to_slice(format!("{prefix}{suffix}"), &mut digest).ok()?;
    if let Some(count) = MEMORY.counts.get(&(project.id(), digest)) {
        return Some(count);
    }
    if MEMORY.is_failing(&config.haveibeenpwned_host) {
        return None;
    }
    match ask(project, config, &prefix).await {
        Ok(body) => {
            let count = policy::breaches(&body, &suffix);
            MEMORY.counts.insert((project.id(), digest), count);
            Some(count)
        }
        Err(why) => {
            tracing::warn!(
                host = config.haveibeenpwned_host,
                why,
                "breached passwords are not checked for a minute"
            );
            MEMORY.set_failing(&config.haveibeenpwned_host);
            None
        }
    }
}

async fn ask(project: &Project, config: &PolicyConfig, prefix: &str) -> Result<String, String> {
    // A scheme is accepted for services of one's own; the published ones are reached by HTTPS.
    let host = &config.haveibeenpwned_host;
    let base = if host.contains("://") {
        host.clone()
    } else {
        format!("https://{host}")
    };
    let mut request = OutboundRequest::new(Method::GET, format!("{base}/range/{prefix}"));
    request.timeout = TIMEOUT;
    request.body_bytes_max = ANSWER_BYTES_MAX;
    // So that the size of the answer tells nothing about the prefix.
    request.headers.insert(
        "Add-Padding",
        tenants::outbound::HeaderValue::from_static("true"),
    );
    let answer = project
        .http()
        .fetch(request)
        .await
        .map_err(|e: OutboundError| e.to_string())?;
    if answer.status.as_u16() != 200 {
        return Err(format!("answered {}", answer.status));
    }
    String::from_utf8(answer.body).map_err(|_| "answered no text".to_owned())
}

impl BreachMemory {
    fn is_failing(&self, host: &str) -> bool {
        let failing = self.failing.lock().ok();
        failing
            .and_then(|f| f.get(host).map(|at| at.elapsed() < SKIPPED_FOR))
            .unwrap_or(false)
    }

    fn set_failing(&self, host: &str) {
        if let Ok(mut failing) = self.failing.lock() {
            failing.retain(|_, at| at.elapsed() < SKIPPED_FOR);
            failing.insert(host.to_owned(), Instant::now());
        }
    }
}
