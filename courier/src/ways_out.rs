//! Where a configuration lets messages leave: relays and services, used or not, and whether TLS protects the way.

use serde::Deserialize as _;
use serde_json::Value;
use tenants::{Section as _, config::WayOut};
use url::{Host, Url};

use crate::{
    config::{CourierConfig, RequestConfig},
    relay::Relay,
};

/// Every relay and service of an accepted document.
pub fn ways_out(document: &Value) -> Vec<WayOut> {
    let courier = document.pointer(CourierConfig::POINTER);
    let courier = courier.and_then(|part| CourierConfig::deserialize(part).ok());
    let courier = courier.unwrap_or_default();
    let uri = courier.smtp.connection_uri.as_deref();
    let relay = uri
        .and_then(|uri| Relay::parse(uri).ok())
        .map(|relay| WayOut {
            pointer: "/courier/smtp/connection_uri".to_owned(),
            unprotected: relay.unprotected(),
            host: relay.host,
            port: relay.port,
        });
    let mail = courier.http.request_config.as_ref();
    let mail = mail.and_then(|it| service(it, "/courier/http/request_config/url".to_owned()));
    let channels = courier.channels.iter().enumerate().filter_map(|(at, it)| {
        service(
            &it.request_config,
            format!("/courier/channels/{at}/request_config/url"),
        )
    });
    relay.into_iter().chain(mail).chain(channels).collect()
}

fn service(service: &RequestConfig, pointer: String) -> Option<WayOut> {
    let url = Url::parse(&service.url).ok()?;
    let host = match url.host()? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    };
    Some(WayOut {
        pointer,
        host,
        port: url.port_or_known_default()?,
        unprotected: unprotected(&url),
    })
}

/// Why what is sent there is not protected by TLS, and what to say instead.
pub(crate) fn unprotected(url: &Url) -> Option<&'static str> {
    (url.scheme() != "https").then_some("http:// sends in the clear: say https://")
}
