//! What finished flows and ended sessions are answered with.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Identity, Session};

/// Signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuccessfulNativeLogin {
    /// For API clients alone; browsers get a cookie.
    #[schema(example = "ory_st_…")]
    session_token: Option<String>,
    session: Session,
    /// What to do next, in this order.
    #[schema(required)]
    continue_with: Option<Vec<ContinueWith>>,
}

/// Signed up; signed in as well where the project's hook `session` says so.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuccessfulNativeRegistration {
    identity: Identity,
    /// For API clients alone; browsers get a cookie.
    #[schema(nullable = false, example = "ory_st_…")]
    session_token: Option<String>,
    #[schema(nullable = false)]
    session: Option<Session>,
    /// What to do next, in this order.
    #[schema(required)]
    continue_with: Option<Vec<ContinueWith>>,
}

/// What a client has to do next, by `action`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "action", mapping(
    ("redirect_browser_to" = "#/components/schemas/ContinueWithRedirectBrowserTo"),
    ("set_ory_session_token" = "#/components/schemas/ContinueWithSetOrySessionToken"),
    ("show_verification_ui" = "#/components/schemas/ContinueWithVerificationUi"),
    ("show_settings_ui" = "#/components/schemas/ContinueWithSettingsUi"),
    ("show_recovery_ui" = "#/components/schemas/ContinueWithRecoveryUi"))))]
pub(crate) enum ContinueWith {
    Redirect(ContinueWithRedirectBrowserTo),
    Token(ContinueWithSetOrySessionToken),
    Verification(ContinueWithVerificationUi),
    Settings(ContinueWithSettingsUi),
    Recovery(ContinueWithRecoveryUi),
}

/// Go to another page.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithRedirectBrowserTo {
    #[schema(inline)]
    action: RedirectAction,
    #[schema(format = Uri)]
    redirect_browser_to: String,
}

/// Keep this session token.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithSetOrySessionToken {
    #[schema(inline)]
    action: TokenAction,
    ory_session_token: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RedirectAction {
    RedirectBrowserTo,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TokenAction {
    SetOrySessionToken,
}

/// Prove to read an address.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithVerificationUi {
    #[schema(inline)]
    action: VerificationAction,
    flow: ContinueWithVerificationUiFlow,
}

/// A verification flow that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithVerificationUiFlow {
    id: Uuid,
    /// Which address.
    verifiable_address: String,
    /// Its page.
    #[schema(format = Uri)]
    url: String,
}

/// Change what was recovered.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithSettingsUi {
    #[schema(inline)]
    action: SettingsAction,
    flow: ContinueWithUiFlow,
}

/// Begin the recovery again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithRecoveryUi {
    #[schema(inline)]
    action: RecoveryAction,
    flow: ContinueWithUiFlow,
}

/// A flow that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContinueWithUiFlow {
    id: Uuid,
    /// Its page.
    #[schema(format = Uri)]
    url: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VerificationAction {
    ShowVerificationUi,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SettingsAction {
    ShowSettingsUi,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RecoveryAction {
    ShowRecoveryUi,
}

/// How to sign out of a browser.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogoutFlow {
    /// A link that signs out.
    #[schema(format = Uri)]
    logout_url: String,
    /// What that link carries, for those who send the request themselves.
    logout_token: String,
}

/// The session of an API client that signs out.
#[derive(Serialize, ToSchema)]
pub(crate) struct NativeLogout {
    #[schema(example = "ory_st_…")]
    session_token: String,
}

/// How many sessions this call ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevokedSessions {
    #[schema(minimum = 0)]
    count: i64,
}

/// A code for somebody to recover with; nothing was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodeForIdentity {
    /// Where the code is typed.
    #[schema(format = Uri)]
    recovery_link: String,
    #[schema(example = "123456")]
    recovery_code: String,
    expires_at: DateTime<Utc>,
}

/// A link for somebody to recover with; nothing was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryLinkForIdentity {
    #[schema(format = Uri)]
    recovery_link: String,
    expires_at: DateTime<Utc>,
}
