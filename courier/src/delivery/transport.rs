//! Transports for messages: a relay by SMTP, a service by HTTP. They say what went wrong in three kinds, and know
//! nothing of attempts, pauses or the queue.

use identity::schema::Via;
use tenants::Project;

use super::{
    error::DeliveryError,
    http,
    mime::{self, MimeMessage},
    smtp::{self, Connection},
};
use crate::{
    config::{CourierConfig, DeliveryStrategy, RequestConfig, SmtpConfig},
    relay::Relay,
    store::Stored,
};

/// Where messages of a channel go.
pub(crate) enum Transport {
    Smtp(Relay, SmtpConfig),
    Http(RequestConfig),
}

impl Transport {
    /// As the configuration says; an error when it says nothing.
    pub(crate) fn of(project: &Project, via: Via) -> Result<Self, &'static str> {
        let config = project.config::<CourierConfig>();
        if via == Via::Sms {
            let channel = config.channels.iter().find(|channel| channel.id == "sms");
            let channel =
                channel.ok_or("no channel for text messages is configured (courier.channels)")?;
            return Ok(Self::Http(channel.request_config.clone()));
        }
        match config.delivery_strategy {
            DeliveryStrategy::Http => {
                let service = config.http.request_config.clone();
                service
                    .map(Self::Http)
                    .ok_or("no service for mail is configured (courier.http)")
            }
            DeliveryStrategy::Smtp => {
                let uri = config.smtp.connection_uri.as_deref();
                let uri = uri.ok_or("no relay is configured (courier.smtp.connection_uri)")?;
                Ok(Self::Smtp(Relay::parse(uri)?, config.smtp.clone()))
            }
        }
    }

    /// Host and port, the same for every project that sends there.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Smtp(relay, _) => format!("{}:{}", relay.host, relay.port),
            Self::Http(service) => {
                let url = url::Url::parse(&service.url).ok();
                url.map(|url| url.origin().ascii_serialization())
                    .unwrap_or_default()
            }
        }
    }

    /// Everything that can fail before the recipient could be reached.
    pub(crate) async fn prepare(
        self,
        project: &Project,
        message: &Stored,
        idle: impl Fn() -> Option<Connection>,
    ) -> Result<Ready, DeliveryError> {
        match self {
            Self::Smtp(relay, config) => {
                let mail = mime::write(project, message, &config)?;
                let connection = smtp::connect(project, &relay, &config, idle).await?;
                Ok(Ready::Smtp(Box::new(connection), mail))
            }
            Self::Http(service) => http::prepare(project, message, &service)
                .await
                .map(|request| Ready::Http(project.clone(), Box::new(request))),
        }
    }
}

/// A message whose transport is prepared.
pub(crate) enum Ready {
    Smtp(Box<Connection>, MimeMessage),
    Http(Project, Box<tenants::OutboundRequest>),
}

impl Ready {
    /// Send it. Answers a connection that can be used again.
    pub(crate) async fn send(self) -> Result<Option<Connection>, DeliveryError> {
        match self {
            Self::Smtp(connection, mail) => smtp::send(*connection, &mail).await,
            Self::Http(project, request) => {
                http::send(&project, *request).await?;
                Ok(None)
            }
        }
    }
}
