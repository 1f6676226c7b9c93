//! What the configuration says of flows in general (contract, config 4). A method's own part lives in its
//! folder.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tenants::{Project, Section, config::units};
use url::Url;

use crate::return_to::ReturnTo;

/// `selfservice.*`, less the methods.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SelfService {
    /// Where people go when they asked for nothing. Default: `{base}/ui/session`.
    pub default_browser_return_url: Option<String>,
    /// Where else they may ask to go.
    pub allowed_return_urls: Vec<String>,
    /// Each flow's part.
    pub flows: Flows,
}

impl Section for SelfService {
    const POINTER: &'static str = "/selfservice";
}

/// `selfservice.flows.*`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Flows {
    /// Sign in.
    pub login: LoginConfig,
    /// Sign up.
    pub registration: RegistrationConfig,
    /// Sign out.
    pub logout: LogoutConfig,
    /// Where errors are shown.
    pub error: PageConfig,
    /// Regain access.
    pub recovery: ChallengeConfig,
    /// Prove an address.
    pub verification: ChallengeConfig,
}

/// A page of a flow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PageConfig {
    /// Default: the project's own page.
    pub ui_url: Option<String>,
}

/// `selfservice.flows.{recovery,verification}.*`: something is sent to an address and has to come back.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ChallengeConfig {
    /// Is it served?
    pub enabled: bool,
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// What is sent.
    #[serde(rename = "use")]
    pub method: Use,
    /// Is somebody told by mail that their address is unknown?
    pub notify_unknown_recipients: bool,
    /// What happens at its end.
    pub after: After,
}

impl Default for ChallengeConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ui_url: None,
            lifespan: Duration::from_hours(1),
            method: Use::Code,
            notify_unknown_recipients: false,
            after: After::default(),
        }
    }
}

/// What is sent to an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Digits to type.
    #[default]
    Code,
    /// A link to follow.
    Link,
}

impl Use {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
        }
    }
}

/// `feature_flags`, as far as flows go.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FeatureFlags {
    /// Tell scripts and API clients what comes next, rather than redirect them.
    pub use_continue_with_transitions: bool,
    /// Let people choose where their recovery code goes.
    pub choose_recovery_address: bool,
    /// Tell of every verification after a registration, whatever the hooks.
    pub legacy_continue_with_verification_ui: bool,
    /// An unverified address is a message on the login form, no more.
    pub legacy_require_verified_login_error: bool,
}

impl Section for FeatureFlags {
    const POINTER: &'static str = "/feature_flags";
}

/// `selfservice.flows.login.*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct LoginConfig {
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// All methods at once, or the identifier first.
    pub style: LoginStyle,
    /// What happens at its end.
    pub after: After,
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self {
            ui_url: None,
            lifespan: Duration::from_hours(1),
            style: LoginStyle::Unified,
            after: After::default(),
        }
    }
}

/// `login.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginStyle {
    /// One screen.
    Unified,
    /// The identifier, then the methods that fit it.
    IdentifierFirst,
}

/// `security.account_enumeration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Enumeration {
    /// Answer alike whether an identifier exists or not.
    pub mitigate: bool,
}

impl Section for Enumeration {
    const POINTER: &'static str = "/security/account_enumeration";
}

/// `selfservice.flows.registration.*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct RegistrationConfig {
    /// May anybody sign up?
    pub enabled: bool,
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// Traits first, credentials on a second screen; or all at once.
    pub style: Style,
    /// Older spelling of `style: unified`; wins.
    pub enable_legacy_one_step: bool,
    /// What happens at its end.
    pub after: After,
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            ui_url: None,
            lifespan: Duration::from_hours(1),
            style: Style::ProfileFirst,
            enable_legacy_one_step: false,
            after: After::default(),
        }
    }
}

/// `registration.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// One screen.
    Unified,
    /// Two screens.
    ProfileFirst,
}

/// `selfservice.flows.logout.*`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogoutConfig {
    /// Where people go afterwards.
    pub after: AfterMethod,
}

/// `after.*`: what holds for every method, and what one method has instead.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    /// Where people go afterwards.
    pub default_browser_return_url: Option<String>,
    /// For methods without hooks of their own.
    pub hooks: Vec<HookConfig>,
    /// For the password method.
    pub password: AfterMethod,
    /// For the code method.
    pub code: AfterMethod,
    /// For the profile method, in settings.
    pub profile: AfterMethod,
}

/// `after.<method>.*`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AfterMethod {
    /// Where people go afterwards.
    pub default_browser_return_url: Option<String>,
    /// Replace the global hooks; they are not merged.
    pub hooks: Vec<HookConfig>,
}

/// One hook, by name.
#[derive(Clone, Debug, Deserialize)]
pub struct HookConfig {
    /// `session`, `revoke_active_sessions` …
    pub hook: String,
    /// How it is done, for hooks that can be told.
    #[serde(default)]
    pub config: HookOptions,
}

/// `config` of a hook. A check sees to it that only a hook that reads it has one.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HookOptions {
    /// Of `notify_previous_addresses`.
    pub recipients: Recipients,
}

/// Which of the addresses that somebody had before a change are told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    /// Those that are gone.
    #[default]
    Removed,
    /// Those that were verified.
    AllVerified,
    /// All there were.
    All,
}

impl After {
    /// The method's part, empty for methods that have none.
    fn method(&self, method: &str) -> Option<&AfterMethod> {
        match method {
            "password" => Some(&self.password),
            "code" => Some(&self.code),
            "profile" => Some(&self.profile),
            _ => None,
        }
    }

    /// The hooks that run after `method`: its own, else the global ones.
    pub fn hooks_of(&self, method: &str) -> &[HookConfig] {
        match self.method(method) {
            Some(own) if !own.hooks.is_empty() => &own.hooks,
            _ => &self.hooks,
        }
    }

    /// Where people go after `method` who asked for nothing.
    pub fn return_url_of(&self, method: &str) -> Option<&str> {
        let own = self
            .method(method)
            .and_then(|m| m.default_browser_return_url.as_deref());
        own.or(self.default_browser_return_url.as_deref())
    }
}

/// Pages and return URLs of one project, resolved against its base once per revision.
#[derive(Debug)]
pub struct Pages {
    base: String,
    return_to: ReturnTo,
}

impl Pages {
    /// Those of the configuration in force.
    pub fn of(project: &Project) -> Arc<Self> {
        project.memo(|project| {
            let config = project.config::<SelfService>();
            let own = format!("{}/ui/session", project.base_url());
            let default = config.default_browser_return_url.as_deref().unwrap_or(&own);
            let base = Url::parse(project.base_url());
            let return_to =
                base.and_then(|base| ReturnTo::new(&base, default, &config.allowed_return_urls));
            let return_to = return_to.or_else(|_| {
                let base = Url::parse("http://localhost/")?;
                ReturnTo::new::<&str>(&base, "/", &[])
            });
            #[expect(
                clippy::expect_used,
                reason = "constants parse; the configuration was judged before it was stored"
            )]
            Self {
                base: project.base_url().to_owned(),
                return_to: return_to.expect("a constant URL"),
            }
        })
    }

    /// The list of allowed return URLs.
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// The absolute address of a page: the configured one, else the project's own.
    pub fn page(&self, configured: Option<&str>, own: &str) -> String {
        match configured {
            Some(url) => self.absolute(url),
            None => format!("{}/ui/{own}", self.base),
        }
    }

    /// An absolute URL for a configured one, which may be relative to the origin.
    pub fn absolute(&self, url: &str) -> String {
        let resolved = Url::parse(&self.base).and_then(|base| base.join(url));
        resolved.map_or_else(|_| url.to_owned(), String::from)
    }
}

/// A URL with one query parameter more, whatever query it has.
pub fn with_query(url: &str, name: &str, value: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(name, value);
            url.into()
        }
        Err(_) => url.to_owned(),
    }
}
