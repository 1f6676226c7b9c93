//! Shapes of requests and answers that are written or read by hand elsewhere: `view()` of flows, sessions
//! and identities, submissions, errors. For the document alone; nothing here is ever made. What has a type
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
mod submissions;

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
    AskedAal, LoginFlow, RecoveryFlow, RefusedLogin, RefusedRecovery, RefusedRegistration,
    RefusedSettings, RefusedVerification, RegistrationFlow, SettingsFlow, VerificationFlow,
};
pub(crate) use installation::{
    GraphqlAnswer, GraphqlRequest, NotReady, PageConfig, Ready, Release,
};
pub(crate) use people::{Identity, IdentitySchemaContainer, Message, PersonalData, Session};
pub(crate) use submissions::{
    FormFields, UpdateLoginFlowBody, UpdateRecoveryFlowBody, UpdateRegistrationFlowBody,
    UpdateSettingsFlowBody, UpdateVerificationFlowBody,
};
