//! Messages for a service that takes them by HTTP (W15.5), through the guarded client.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use tenants::{
    Method, OutboundRequest, Project,
    outbound::{HeaderValue, StatusCode},
};

use super::error::DeliveryError;
use crate::{
    config::{KeyPlace, RequestAuth, RequestConfig},
    store::Stored,
    ways_out::unprotected,
};

const SERVICE_SECONDS_MAX: Duration = Duration::from_secs(30);
const FORM: &str = "application/x-www-form-urlencoded";

/// The request, ready to go.
pub(super) async fn prepare(
    project: &Project,
    message: &Stored,
    service: &RequestConfig,
) -> Result<OutboundRequest, DeliveryError> {
    let wrong =
        |why: &str| DeliveryError::Relay(format!("the configured request cannot be made: {why}"));
    let method = Method::from_bytes(service.method.as_bytes());
    let method = method.map_err(|_| wrong("its method is none"))?;
    let mut request = OutboundRequest::new(method, service.url.clone());
    request.timeout = SERVICE_SECONDS_MAX;
    // Followed as most clients do, a redirect would lose the body, and the server that answers there would seem to
    // have taken it.
    request.redirects_max = 0;
    let mut set = |name: &str, value: &str| {
        let name: tenants::outbound::HeaderName =
            name.parse().map_err(|_| wrong("a header has no name"))?;
        let mut value =
            HeaderValue::from_str(value).map_err(|_| wrong("a header cannot be sent"))?;
        value.set_sensitive(true);
        request.headers.insert(name, value);
        Ok::<_, DeliveryError>(())
    };
    set("content-type", "application/json")?;
    // The same at each attempt, for services that know the header; another one can be configured.
    set("idempotency-key", &message.id.to_string())?;
    for (name, value) in &service.headers {
        set(name, value)?;
    }
    match &service.auth {
        Some(RequestAuth::BasicAuth { user, password }) => {
            let pair = STANDARD.encode(format!("{user}:{password}"));
            set("authorization", &format!("Basic {pair}"))?;
        }
        Some(RequestAuth::ApiKey { name, value, place }) => match place {
            KeyPlace::Header => set(name, value)?,
            KeyPlace::Cookie => set("cookie", &format!("{name}={value}"))?,
        },
        None => {}
    }
    let body = match service.snippet() {
        Some(snippet) => own_body(project, snippet, message).await?,
        None => default_body(message),
    };
    request.body = if service.content_type().eq_ignore_ascii_case(FORM) {
        form(&body)?
    } else {
        body.to_string().into_bytes()
    };
    Ok(request)
}

/// Send it; 2xx means taken.
pub(super) async fn send(project: &Project, request: OutboundRequest) -> Result<(), DeliveryError> {
    use tenants::OutboundError::{BadUrl, Refused};
    // The URL is the configured one, and a redirect is not followed.
    let url = url::Url::parse(&request.url).ok();
    let out = if url.is_none_or(|url| unprotected(&url).is_some()) {
        project.http_unprotected()
    } else {
        project.http()
    };
    let answer = match out.fetch(request).await {
        Ok(answer) => answer,
        Err(error @ (Refused { .. } | BadUrl { .. })) => {
            return Err(DeliveryError::Relay(error.to_string()));
        }
        Err(error) => return Err(DeliveryError::Passing(error.to_string())),
    };
    let says = format!("the service answered {}", answer.status);
    match answer.status {
        status if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(DeliveryError::Relay(says)),
        _ => Err(DeliveryError::Passing(says)),
    }
}

/// What a configured body gets to see.
fn ctx(message: &Stored) -> Value {
    let content = &message.content;
    let mut ctx = json!({
        "message_id": message.id,
        "recipient": message.to.value,
        "subject": content.subject,
        "body": content.body,
        "template_type": message.template_type,
        "message_type": message.to.via.as_str(),
        "template_data": content.template_data,
        "request_headers": content.request_headers,
    });
    if let Some(html) = content.html.as_ref().filter(|html| !html.is_empty()) {
        ctx["html_body"] = json!(html);
    }
    ctx
}

/// Without a configured body: the fields of Kratos's default.
fn default_body(message: &Stored) -> Value {
    let data = &message.content.template_data;
    let mut body = Map::new();
    body.insert("recipient".to_owned(), json!(message.to.value));
    body.insert("template_type".to_owned(), json!(message.template_type));
    for name in [
        "to",
        "recovery_code",
        "recovery_url",
        "verification_url",
        "verification_code",
        "login_code",
        "registration_code",
    ] {
        body.insert(name.to_owned(), data.get(name).cloned().unwrap_or_default());
    }
    body.insert("subject".to_owned(), json!(message.content.subject));
    body.insert("body".to_owned(), json!(message.content.body));
    Value::Object(body)
}

async fn own_body(
    project: &Project,
    snippet: String,
    message: &Stored,
) -> Result<Value, DeliveryError> {
    let body = project.jsonnet(snippet, ctx(message)).await;
    // What fails for one message may do for the next.
    body.map_err(|error| DeliveryError::Passing(format!("request_config.body: {error}")))
}

/// A flat object of texts as a form.
fn form(body: &Value) -> Result<Vec<u8>, DeliveryError> {
    let wrong = || DeliveryError::Relay("a form takes an object of texts".to_owned());
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in body.as_object().ok_or_else(wrong)? {
        match value {
            Value::String(text) => form.append_pair(name, text),
            Value::Null => continue,
            Value::Number(_) | Value::Bool(_) => form.append_pair(name, &value.to_string()),
            Value::Array(_) | Value::Object(_) => return Err(wrong()),
        };
    }
    Ok(form.finish().into_bytes())
}
