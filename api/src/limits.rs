//! What connections and requests may take of the server, each limit with its unit.

use std::time::Duration;

/// Request line and headers together. The address of an init is stored with its flow, so it must be short.
pub(crate) const HEADERS_BYTES_MAX: usize = 64 << 10;

/// What a request may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more are closed at once.
    pub connections_max: usize,
    /// Of those, from one IPv4 address or the first 64 bits of an IPv6 address that is no trusted proxy.
    pub connections_per_network_max: usize,
    /// Requests served at once, without those whose bodies are still to come; more get 503 with `Retry-After`.
    pub requests_at_once_max: usize,
    /// Of those, with a body over 64 KiB or 2,000 values, because bodies are held in memory, decoded ones until
    /// they are answered; more get 503 with `Retry-After`. So many of self-service, of which one network has half,
    /// and so many of administration.
    pub large_bodies_at_once_max: usize,
    /// What such bodies hold while they come, of either kind; what comes beyond it gets 503 with `Retry-After`.
    pub coming_bytes_max: usize,
    /// Flows begun, submissions refused and errors kept for visitors of one network, a minute and project; ten
    /// minutes' worth may come at once. More get 429.
    pub visits_per_minute: u32,
    /// A client has so long to send its headers, from the moment that it is connected or was answered; then the
    /// connection is closed.
    pub headers_within: Duration,
    /// And so long to send the body; then it gets 408.
    pub body_within: Duration,
    /// Longer than any request of ours; the work itself is never cut off, only the waiting for it.
    pub answer_within: Duration,
    /// A client that takes nothing of its answer for so long loses its connection.
    pub taken_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_network_max: 1_000,
            requests_at_once_max: 2_000,
            large_bodies_at_once_max: 8,
            coming_bytes_max: 64 << 20,
            visits_per_minute: 300,
            headers_within: Duration::from_secs(10),
            body_within: Duration::from_secs(20),
            answer_within: Duration::from_secs(30),
            taken_within: Duration::from_secs(30),
        }
    }
}
