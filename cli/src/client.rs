//! Calls a running server as any other client would, with an API key: GraphQL, and the administrative REST
//! of one project. Who may do what is decided there.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use url::{Host, Url};

use crate::{
    Failure,
    args::server::{HealthArgs, ServerArgs},
    output,
    progress::told,
    refusal::Refused,
    settings::given,
};

const TIMEOUT: Duration = Duration::from_secs(30);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

const NO_KEY: &str = "a setting is missing:\n  \
     INSULA_KEY: set it to an API key. `insula project create` prints a project's first key, an OWNER makes \
     others with `insula keys create`; for `insula serve --dev` on this machine, run this in the same folder \
     or name its data folder by --data";

const VIEWER: &str = "{ viewer { name role projectSlug } }";

/// One GraphQL operation.
pub(crate) struct Operation {
    pub(crate) text: &'static str,
    /// Who may, for those who may not: "an ADMIN of the project".
    pub(crate) needs: &'static str,
}

/// A server and the right to command it.
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    key: String,
    /// Where the key was found, if not in the environment.
    key_file: Option<PathBuf>,
}

/// What the REST of a project answered.
pub(crate) struct Page {
    pub(crate) body: Value,
    /// The token of the next page.
    pub(crate) next: Option<String>,
}

impl Client {
    pub(crate) fn new(server: &ServerArgs) -> Result<Self, Failure> {
        let (key, key_file) = match given(server.key.as_ref()) {
            Some(key) => (key.to_owned(), None),
            None => kept_key(&server.url, &server.data)?,
        };
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let held_by = key_file.as_ref().map_or_else(
                || "INSULA_KEY".to_owned(),
                |file| file.display().to_string(),
            );
            return Err(Failure::Usage(format!(
                "{held_by} holds no key: a key has neither spaces nor line breaks inside"
            )));
        }
        Ok(Self {
            http: http(TIMEOUT)?,
            url: server.url.clone(),
            key,
            key_file,
        })
    }

    /// One GraphQL operation. Answers its `data`.
    pub(crate) async fn graphql(
        &self,
        operation: &Operation,
        variables: Value,
    ) -> Result<Value, Failure> {
        match self.ask(operation.text, variables).await? {
            Ok(data) => Ok(data),
            Err(refused) => Err(self.told(refused, operation.needs).await),
        }
    }

    async fn ask(&self, query: &str, variables: Value) -> Result<Result<Value, Refused>, Failure> {
        let url = at(&self.url, "graphql");
        let body = json!({"query": query, "variables": variables});
        let (status, _, mut answer) = self
            .send(&url, self.http.post(url.clone()), Some(body))
            .await?;
        if status == StatusCode::NOT_FOUND {
            return Err(Failure::Usage(format!(
                "there is nothing at {url}: --url or INSULA_URL is the server's origin, such as {}",
                origin(&url)
            )));
        }
        let errors = answer["errors"].as_array();
        let refused = errors.is_some_and(|errors| !errors.is_empty());
        Ok(match answer.get_mut("data") {
            Some(data) if !refused && !data.is_null() => Ok(data.take()),
            _ => Err(Refused::read(&answer, status)),
        })
    }

    /// One call of a project's administrative REST, `path` below `/admin/`. `needs` as in [`Operation`].
    pub(crate) async fn admin(
        &self,
        method: Method,
        (project, path): (&str, &str),
        body: Option<Value>,
        needs: &str,
    ) -> Result<Page, Failure> {
        let mut url = at(&self.url, "p");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend([project, "admin"]).extend(path.split('/'));
        }
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let request = self.http.request(method, url.clone());
        let (status, next, body) = self.send(&url, request, body).await?;
        if status.is_success() {
            return Ok(Page { body, next });
        }
        Err(self.told(Refused::read(&body, status), needs).await)
    }

    /// Status, token of the next page, and JSON; null where there is no body.
    async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
        body: Option<Value>,
    ) -> Result<(StatusCode, Option<String>, Value), Failure> {
        let mut request = request.bearer_auth(&self.key);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let exchange = async {
            let sent = request.send().await?;
            let (status, next) = (sent.status(), next_page(sent.headers()));
            Ok((status, next, sent.bytes().await?))
        };
        let exchanged = told(&format!("waiting for {}", origin(url)), exchange).await;
        let (status, next, bytes) = exchanged.map_err(|error| unreachable(url, &error))?;
        if bytes.is_empty() {
            return Ok((status, next, Value::Null));
        }
        match serde_json::from_slice(&bytes) {
            Ok(answer) => Ok((status, next, answer)),
            Err(_) => Err(Failure::Failed(format!(
                "{url} answered {status} and no JSON\n  is this Insula's address? --url or INSULA_URL says another"
            ))),
        }
    }

    /// A refusal in words, with what to do about the key where it is the reason.
    async fn told(&self, refused: Refused, needs: &str) -> Failure {
        let advice = match &*refused.code {
            "UNAUTHENTICATED" => Some(self.advice_on_unknown_key()),
            "FORBIDDEN" => Some(self.advice_on_weak_key(needs).await),
            _ => None,
        };
        refused.failure(advice)
    }

    fn advice_on_unknown_key(&self) -> String {
        match &self.key_file {
            Some(file) => format!(
                "the key of {} is of another installation: name the data folder of this one by --data, or set INSULA_KEY",
                file.display()
            ),
            None => "the key in INSULA_KEY was revoked, has expired, or is of another installation: an OWNER \
                     makes one with `insula keys create`"
                .to_owned(),
        }
    }

    async fn advice_on_weak_key(&self, needs: &str) -> String {
        let mut advice = format!("this takes {needs}");
        // Only to say it better: whatever goes wrong now is no news.
        if let Ok(Ok(data)) = self.ask(VIEWER, json!({})).await {
            let viewer = &data["viewer"];
            let of = match viewer["projectSlug"].as_str() {
                Some(slug) => format!("the project {slug}"),
                None => "the installation".to_owned(),
            };
            let (name, role) = (output::cell(&viewer["name"]), output::cell(&viewer["role"]));
            advice = format!("the key {name:?} is {role} of {of}; {advice}");
        }
        advice + ". An OWNER makes such a key with `insula keys create --role ROLE`"
    }

    /// The project that is meant: the one named, or that of the key.
    pub(crate) async fn project(&self, named: Option<&str>) -> Result<String, Failure> {
        if let Some(slug) = named {
            return Ok(slug.to_owned());
        }
        let operation = Operation {
            text: VIEWER,
            needs: "any key",
        };
        let data = self.graphql(&operation, json!({})).await?;
        data["viewer"]["projectSlug"].as_str().map(str::to_owned).ok_or_else(|| {
            Failure::Usage(
                "which project? This key is one of the installation: name the project by --project or INSULA_PROJECT"
                    .to_owned(),
            )
        })
    }
}

/// Development mode keeps a key in its data folder; it is for a server on this machine alone.
fn kept_key(url: &Url, data: &Path) -> Result<(String, Option<PathBuf>), Failure> {
    let file = data.join("root.key");
    if !is_loopback(url) {
        return Err(Failure::Usage(NO_KEY.to_owned()));
    }
    let text = fs::read_to_string(&file).unwrap_or_default();
    match text.trim() {
        "" => Err(Failure::Usage(NO_KEY.to_owned())),
        key => Ok((key.to_owned(), Some(file))),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `page_token` of the link that leads on.
fn next_page(headers: &header::HeaderMap) -> Option<String> {
    let links = headers.get(header::LINK)?.to_str().ok()?;
    let next = links
        .split(',')
        .find(|link| link.contains("rel=\"next\""))?;
    let (_, query) = next.split_once('?')?;
    let (query, _) = query.split_once('>')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, token) = pairs.find(|(name, _)| name == "page_token")?;
    Some(token.into_owned())
}

fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    let origin = origin(url);
    if error.is_timeout() {
        return Failure::Unreachable(format!(
            "{origin} did not answer in time\n  `insula health` asks whether it is ready"
        ));
    }
    // The address stands before it already.
    let cause = crate::failure::chain(error);
    let cause = cause.split_once("): ").map_or(&*cause, |(_, cause)| cause);
    Failure::Unreachable(format!(
        "{origin} cannot be reached: {cause}\n  is it running? `insula serve --dev` starts one here; --url or \
         INSULA_URL names another"
    ))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// `insula health`.
pub(crate) async fn health(args: &HealthArgs) -> Result<(), Failure> {
    let url = at(&args.url, "health/ready");
    let asked = http(HEALTH_TIMEOUT)?.get(url.clone()).send();
    let sent = told(&format!("waiting for {}", origin(&url)), asked).await;
    let status = sent.map_err(|error| unreachable(&url, &error))?.status();
    if args.output.json {
        output::json(&json!({"ready": status.is_success(), "status": status.as_u16()}))?;
    }
    match status {
        _ if status.is_success() && args.output.json => Ok(()),
        _ if status.is_success() => output::say(&format!("{} is ready", origin(&url))),
        StatusCode::SERVICE_UNAVAILABLE => Err(Failure::Unreachable(format!(
            "{} is not ready ({status})",
            origin(&url)
        ))),
        _ => Err(Failure::Failed(format!("{url} answered {status}"))),
    }
}

/// The version that a server says it is; on the wire it begins with a `v`.
pub(crate) async fn version(url: &Url) -> Result<String, Failure> {
    let url = at(url, "version");
    let exchange = async { http_get(&url).await };
    let answer = told(&format!("waiting for {}", origin(&url)), exchange).await?;
    match answer["version"].as_str() {
        Some(version) => Ok(version.trim_start_matches('v').to_owned()),
        None => Err(Failure::Failed(format!("{url} tells no version"))),
    }
}

async fn http_get(url: &Url) -> Result<Value, Failure> {
    let sent = http(HEALTH_TIMEOUT)?.get(url.clone()).send().await;
    let answer = sent.map_err(|error| unreachable(url, &error))?.json().await;
    Ok(answer.unwrap_or_default())
}

fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{path}"));
    url
}

#[expect(
    clippy::disallowed_methods,
    reason = "calls what the person at the keyboard named, on no project's behalf"
)]
fn http(timeout: Duration) -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .timeout(timeout)
        // A key goes to the server that was named and to no other.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Failure::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_before_ours_is_kept() {
        let url = Url::parse("https://id.example.com/insula/").unwrap();
        assert_eq!(
            at(&url, "graphql").as_str(),
            "https://id.example.com/insula/graphql"
        );
    }

    #[test]
    fn a_kept_key_is_for_this_machine_alone() {
        let folder = std::env::temp_dir().join(format!("insula-kept-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let found = |url: &str| kept_key(&Url::parse(url).unwrap(), &folder).ok();
        assert!(found("http://localhost:4433").is_none());
        fs::write(folder.join("root.key"), "ins_root\n").unwrap();
        for here in [
            "http://localhost:4433",
            "http://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert_eq!(found(here).unwrap().0, "ins_root", "{here}");
        }
        for elsewhere in [
            "https://id.example.com",
            "http://10.0.0.1",
            "http://localhost.example",
        ] {
            assert!(found(elsewhere).is_none(), "{elsewhere}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let mut headers = header::HeaderMap::new();
        let links = "</admin/identities?page_size=2&page_token=a>; rel=\"first\",</admin/identities?page_size=2&page_token=b%2B>; rel=\"next\"";
        headers.insert(header::LINK, links.parse().unwrap());
        assert_eq!(next_page(&headers).as_deref(), Some("b+"));
        headers.insert(
            header::LINK,
            "</x?page_token=a>; rel=\"first\"".parse().unwrap(),
        );
        assert_eq!(next_page(&headers), None);
    }
}
