//! Shapes of requests and answers that are written or read by hand elsewhere: `view()` of flows, sessions
//! and identities, errors. For the document alone; nothing here is ever made. What has a type
//! of its own (nodes, messages, addresses) derives its schema there. The suite holds real answers against it.

#![expect(
    dead_code,
    reason = "the document is made from the types, not from values of them"
)]

mod answers;
mod creation;
mod errors;
mod flows;
mod installation;
mod people;

pub(crate) use answers::{
    LogoutFlow, NativeLogout, RecoveryCodeForIdentity, RecoveryLinkForIdentity, RevokedSessions,
    SuccessfulNativeLogin, SuccessfulNativeRegistration,
};
pub(crate) use creation::CreateIdentityBody;
pub(crate) use errors::{
    ErrorBrowserLocationChangeRequired, ErrorGeneric, FlowError, SelfServiceFlowExpiredError,
    SelfServiceFlowReplacedError,
};
pub(crate) use flows::{
    AskedAal, FormFields, LoginFlow, RecoveryFlow, RefusedLogin, RefusedRecovery,
    RefusedRegistration, RefusedSettings, RefusedVerification, RegistrationFlow, SettingsFlow,
    VerificationFlow,
};
pub(crate) use installation::{
    GraphqlAnswer, GraphqlRequest, NotReady, PageConfig, Ready, Release,
};
pub(crate) use people::{Identity, IdentitySchemaContainer, Message, PersonalData, Session};

/// What is submitted, method by method, stands at the methods.
pub(crate) type UpdateLoginFlowBody = ::flows::Body<::flows::login::Login>;
pub(crate) type UpdateRegistrationFlowBody = ::flows::Body<::flows::registration::Registration>;
pub(crate) type UpdateSettingsFlowBody = ::flows::Body<::flows::settings::Settings>;
pub(crate) type UpdateRecoveryFlowBody = ::flows::Body<::flows::recovery::Recovery>;
pub(crate) type UpdateVerificationFlowBody = ::flows::Body<::flows::verification::Verification>;
