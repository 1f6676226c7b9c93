//! The one way out: every HTTP call that a project can cause goes through [`Outbound`].
//!
//! Names are resolved once, by our own resolver, which hands the connector only addresses that passed
//! the guard; a host written as an address is judged before anything is sent, and so is each hop of a
//! redirect. No proxy, cookie or credential of the process is ever used.
//! This file knows neither projects nor what is being fetched: the caller brings the limits.

mod address;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
use url::{Host, Url};

pub use address::{Class, OutboundPolicy, classify};

/// Time to resolve and connect; the request's own limit covers this and everything after.
const CONNECT_SECONDS_MAX: u64 = 5;
/// How many redirects are followed unless the request says otherwise.
pub const REDIRECTS_MAX: u8 = 3;
/// How much of an answer is read unless the request says otherwise: 1 MiB.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Headers that the client makes: where a request goes, and where it ends, is not said twice.
pub const CLIENT_HEADERS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// What a redirect to another origin may still be told. All else may hold a secret.
const CROSS_ORIGIN_HEADERS: [HeaderName; 4] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::USER_AGENT,
];

/// A call to make. No `Debug`: headers and body may hold secrets.
#[derive(Clone)]
pub struct OutboundRequest {
    /// Verb; redirects 301 to 303 turn everything but HEAD into GET.
    pub method: Method,
    /// Absolute `http` or `https` URL without user information.
    pub url: String,
    /// Headers; those of [`CLIENT_HEADERS`] are left out.
    pub headers: HeaderMap,
    /// Body, possibly empty.
    pub body: Vec<u8>,
    /// Limit on the whole exchange, redirects and body included. Connecting ends after 5 s in any case.
    pub timeout: Duration,
    /// An answer longer than this (decompressed) is an error.
    pub body_bytes_max: usize,
    /// Redirects to follow; with 0 the redirect itself is the answer.
    pub redirects_max: u8,
}

impl OutboundRequest {
    /// A GET with the default limits.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// Read no more than this of the answer's body.
    #[must_use]
    pub fn body_bytes_max(self, body_bytes_max: usize) -> Self {
        Self {
            body_bytes_max,
            ..self
        }
    }

    /// A request with ten seconds in all and the default limits.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            body_bytes_max: BODY_BYTES_MAX,
            redirects_max: REDIRECTS_MAX,
        }
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct OutboundResponse {
    /// Status of the last hop.
    pub status: StatusCode,
    /// Headers of the last hop.
    pub headers: HeaderMap,
    /// Body, decompressed, within `body_bytes_max`.
    pub body: Vec<u8>,
    /// Where the answer came from after redirects.
    pub url: Url,
}

/// Why there is no answer. The texts may be shown to the project's administrators: they hold no
/// header, body, path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The guard said no; nothing was sent to that address.
    #[error("the call was refused: {why}")]
    Refused {
        /// What forbids it, for the person who configured it.
        why: String,
    },
    /// A limit of time was reached.
    #[error("no answer in time")]
    Timeout,
    /// The name does not resolve, or the connection failed or broke.
    #[error("the target cannot be reached: {why}")]
    Unreachable {
        /// The innermost cause.
        why: String,
    },
    /// The answer exceeds `body_bytes_max`.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not a URL that can be called at all.
    #[error("the URL cannot be called: {why}")]
    BadUrl {
        /// What is wrong with it.
        why: String,
    },
}

/// The guarded client. Cloning is cheap and shares connections: make one for the guarded projects of an
/// installation and one for its DEVELOPMENT projects.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: reqwest::Client,
    policy: Arc<OutboundPolicy>,
}

impl Outbound {
    /// Build the client. Fails only when the machine's TLS roots cannot be read.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the guarded client that the ban points to"
    )]
    pub fn new(policy: OutboundPolicy) -> Result<Self, OutboundError> {
        let policy = Arc::new(policy);
        let client = reqwest::Client::builder()
            .dns_resolver(Guard(Arc::clone(&policy)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Insula/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .build()
            .map_err(|error| OutboundError::Unreachable {
                why: innermost(&error),
            })?;
        Ok(Self { client, policy })
    }

    /// Make a call and read the whole answer. Any status is an answer.
    pub async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        crate::open_transactions::assert_none("calling another server");
        let limit = request.timeout;
        tokio::time::timeout(limit, self.follow(request))
            .await
            .map_err(|_| OutboundError::Timeout)?
    }

    /// The addresses of a host that a project may connect to, for protocols other than HTTP (mail).
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        crate::open_transactions::assert_none("looking up another server");
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.permit(ip)?;
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        lookup(host, port, &self.policy)
            .await
            .map_err(|error| match error {
                LookupError::Failed(error) => OutboundError::Unreachable {
                    why: error.to_string(),
                },
                LookupError::Refused(refusal) => OutboundError::Refused {
                    why: refusal.to_string(),
                },
            })
    }

    /// Our own redirect loop: each hop passes the same checks as the first.
    async fn follow(
        &self,
        mut request: OutboundRequest,
    ) -> Result<OutboundResponse, OutboundError> {
        let mut url = parse(&request.url)?;
        for name in CLIENT_HEADERS {
            request.headers.remove(name);
        }
        let mut hops = 0;
        loop {
            self.permit_literal(&url)?;
            let response = self.send(&request, &url).await?;
            let target = match redirect_target(&response, &url) {
                Some(target) if request.redirects_max > 0 => target?,
                _ => return read(response, url, request.body_bytes_max).await,
            };
            hops += 1;
            if hops > request.redirects_max {
                let why = format!("more than {} redirects", request.redirects_max);
                return Err(OutboundError::Refused { why });
            }
            if url.scheme() == "https" && target.scheme() == "http" {
                let why = "a redirect from https to http".to_owned();
                return Err(OutboundError::Refused { why });
            }
            rewrite(
                &mut request,
                response.status(),
                url.origin() == target.origin(),
            );
            url = target;
        }
    }

    async fn send(
        &self,
        request: &OutboundRequest,
        url: &Url,
    ) -> Result<reqwest::Response, OutboundError> {
        let call = self
            .client
            .request(request.method.clone(), url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone());
        call.send().await.map_err(|error| explain(&error))
    }

    /// The connector resolves no host that is an address already, so that one is judged here.
    fn permit_literal(&self, url: &Url) -> Result<(), OutboundError> {
        match url.host() {
            Some(Host::Ipv4(ip)) => self.permit(ip.into()),
            Some(Host::Ipv6(ip)) => self.permit(ip.into()),
            _ => Ok(()),
        }
    }

    fn permit(&self, ip: IpAddr) -> Result<(), OutboundError> {
        self.policy
            .check(ip)
            .map_err(|class| OutboundError::Refused {
                why: Forbidden::new(ip.to_string(), class, &self.policy).to_string(),
            })
    }
}

/// A name, none of whose addresses may be reached; travels through reqwest as an error's source.
#[derive(Debug, thiserror::Error)]
#[error("{host} is {}{}; the operator can list it in INSULA_ALLOW_PRIVATE", class.describe(), if *listed_only { ", where nothing may go without verified TLS" } else { "" })]
struct Forbidden {
    host: String,
    class: Class,
    listed_only: bool,
}

impl Forbidden {
    fn new(host: String, class: Class, policy: &OutboundPolicy) -> Self {
        Self {
            host,
            class,
            listed_only: policy.listed_only,
        }
    }
}

enum LookupError {
    Failed(std::io::Error),
    Refused(Forbidden),
}

async fn lookup(
    host: &str,
    port: u16,
    policy: &OutboundPolicy,
) -> Result<Vec<SocketAddr>, LookupError> {
    let mut forbidden = None;
    let mut open = Vec::new();
    for address in tokio::net::lookup_host((host, port))
        .await
        .map_err(LookupError::Failed)?
    {
        match policy.check(address.ip()) {
            Ok(()) => open.push(address),
            Err(class) => forbidden = forbidden.or(Some(class)),
        }
    }
    match (open.is_empty(), forbidden) {
        (true, Some(class)) => Err(LookupError::Refused(Forbidden::new(
            host.to_owned(),
            class,
            policy,
        ))),
        (true, None) => Err(LookupError::Failed(std::io::ErrorKind::NotFound.into())),
        _ => Ok(open),
    }
}

/// Resolves for the connector, and lets through only what the policy permits.
struct Guard(Arc<OutboundPolicy>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            match lookup(name.as_str(), 0, &policy).await {
                Ok(open) => Ok(Box::new(open.into_iter()) as Addrs),
                Err(LookupError::Failed(error)) => Err(error.into()),
                Err(LookupError::Refused(refusal)) => Err(refusal.into()),
            }
        })
    }
}

fn parse(text: &str) -> Result<Url, OutboundError> {
    let url = Url::parse(text).map_err(|error| OutboundError::BadUrl {
        why: error.to_string(),
    })?;
    check_shape(url)
}

fn check_shape(url: Url) -> Result<Url, OutboundError> {
    let bad = |why: &str| {
        Err(OutboundError::BadUrl {
            why: why.to_owned(),
        })
    };
    if !matches!(url.scheme(), "http" | "https") {
        return bad("only http and https are supported");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("it holds user information; use a header or the auth setting");
    }
    Ok(url)
}

/// Where a redirect leads, if this is one.
fn redirect_target(response: &reqwest::Response, base: &Url) -> Option<Result<Url, OutboundError>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    let joined = location.to_str().ok().and_then(|text| base.join(text).ok());
    let broken = || OutboundError::BadUrl {
        why: "it redirects to something unreadable".to_owned(),
    };
    Some(joined.ok_or_else(broken).and_then(check_shape))
}

/// Make the request of the next hop out of this one's.
fn rewrite(request: &mut OutboundRequest, status: StatusCode, same_origin: bool) {
    let keeps_method = matches!(status.as_u16(), 307 | 308) || request.method == Method::HEAD;
    if !keeps_method {
        request.method = Method::GET;
        request.body.clear();
        request.headers.remove(header::CONTENT_TYPE);
    }
    if !same_origin {
        let kept = CROSS_ORIGIN_HEADERS
            .into_iter()
            .filter_map(|name| request.headers.remove(&name).map(|value| (name, value)))
            .collect();
        request.headers = kept;
    }
}

async fn read(
    mut response: reqwest::Response,
    url: Url,
    limit: usize,
) -> Result<OutboundResponse, OutboundError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).is_ok_and(|bytes| bytes > limit) {
        return Err(OutboundError::TooLarge { limit });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(OutboundError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    Ok(OutboundResponse {
        status,
        headers,
        body,
        url,
    })
}

fn explain(error: &reqwest::Error) -> OutboundError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(refusal) = current.downcast_ref::<Forbidden>() {
            return OutboundError::Refused {
                why: refusal.to_string(),
            };
        }
        cause = current.source();
    }
    if error.is_timeout() {
        return OutboundError::Timeout;
    }
    OutboundError::Unreachable {
        why: innermost(error),
    }
}

/// The last cause alone: the outer ones repeat the URL, whose query may hold a secret.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
