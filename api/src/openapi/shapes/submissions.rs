//! What is submitted to flows, method by method.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The fields of the form's nodes, by name. The same in JSON: `traits.email` may as well be nested.
#[derive(Serialize, ToSchema)]
pub(crate) struct FormFields(HashMap<String, String>);

/// A submission to a login flow, by `method`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "method", mapping(
    ("password" = "#/components/schemas/UpdateLoginFlowWithPasswordMethod"),
    ("code" = "#/components/schemas/UpdateLoginFlowWithCodeMethod"),
    ("identifier_first" = "#/components/schemas/UpdateLoginFlowWithIdentifierFirstMethod"))))]
pub(crate) enum UpdateLoginFlowBody {
    Password(UpdateLoginFlowWithPasswordMethod),
    Code(UpdateLoginFlowWithCodeMethod),
    IdentifierFirst(UpdateLoginFlowWithIdentifierFirstMethod),
}

/// Sign in with a password.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateLoginFlowWithPasswordMethod {
    #[schema(inline)]
    method: ByPassword,
    /// A login identifier: an e-mail address, a user name, whatever the identity schema makes one.
    #[schema(min_length = 1, example = "ada@example.com")]
    identifier: String,
    #[schema(min_length = 1, format = Password, write_only)]
    password: String,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Sign in with a one-time code, or add one as a second factor: first without `code`, to have one sent, then
/// with it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateLoginFlowWithCodeMethod {
    #[schema(inline)]
    method: ByCode,
    /// The login identifier, an address that codes can go to.
    identifier: Option<String>,
    /// One of the addresses offered, where there is a choice of them.
    address: Option<String>,
    /// What was sent.
    code: Option<String>,
    /// `code`: send another one.
    resend: Option<String>,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Say who wants to sign in, and learn by which methods; where the project asks for that first.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateLoginFlowWithIdentifierFirstMethod {
    #[schema(inline)]
    method: ByIdentifier,
    #[schema(min_length = 1, example = "ada@example.com")]
    identifier: String,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// A submission to a registration flow, by `method`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "method", mapping(
    ("password" = "#/components/schemas/UpdateRegistrationFlowWithPasswordMethod"),
    ("code" = "#/components/schemas/UpdateRegistrationFlowWithCodeMethod"),
    ("profile" = "#/components/schemas/UpdateRegistrationFlowWithProfileMethod"))))]
pub(crate) enum UpdateRegistrationFlowBody {
    Password(UpdateRegistrationFlowWithPasswordMethod),
    Code(UpdateRegistrationFlowWithCodeMethod),
    Profile(UpdateRegistrationFlowWithProfileMethod),
}

/// Sign up with a password.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateRegistrationFlowWithPasswordMethod {
    #[schema(inline)]
    method: ByPassword,
    #[schema(min_length = 1, format = Password, write_only)]
    password: String,
    /// As the identity schema says.
    #[schema(value_type = Object)]
    traits: Value,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Sign up with a one-time code: first without `code`, to have one sent, then with it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateRegistrationFlowWithCodeMethod {
    #[schema(inline)]
    method: ByCode,
    /// As the identity schema says.
    #[schema(value_type = Object)]
    traits: Value,
    /// What was sent.
    code: Option<String>,
    /// `code`: send another one.
    resend: Option<String>,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Sign up on two screens: the traits, before any credential is asked for; or back to them.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateRegistrationFlowWithProfileMethod {
    #[schema(inline)]
    method: ByProfile,
    /// As the identity schema says.
    #[schema(value_type = Object)]
    traits: Value,
    /// The screen to go to; by default the next one.
    #[schema(inline)]
    screen: Option<ProfileScreen>,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// A submission to a settings flow, by `method`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "method", mapping(
    ("password" = "#/components/schemas/UpdateSettingsFlowWithPasswordMethod"),
    ("profile" = "#/components/schemas/UpdateSettingsFlowWithProfileMethod"),
    ("account" = "#/components/schemas/UpdateSettingsFlowWithAccountMethod"))))]
pub(crate) enum UpdateSettingsFlowBody {
    Password(UpdateSettingsFlowWithPasswordMethod),
    Profile(UpdateSettingsFlowWithProfileMethod),
    Account(UpdateSettingsFlowWithAccountMethod),
}

/// Change the password, or add one.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateSettingsFlowWithPasswordMethod {
    #[schema(inline)]
    method: ByPassword,
    #[schema(min_length = 1, format = Password, write_only)]
    password: String,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Change the traits.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateSettingsFlowWithProfileMethod {
    #[schema(inline)]
    method: ByProfile,
    /// All of them, as the identity schema says.
    #[schema(value_type = Object)]
    traits: Value,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Delete the account, where the project allows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateSettingsFlowWithAccountMethod {
    #[schema(inline)]
    method: ByAccount,
    /// What the form asks to type: the person's own address, or a word.
    #[schema(min_length = 1)]
    account_confirmation: String,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByAccount {
    Account,
}

/// A submission to a verification flow, by `method`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "method", mapping(
    ("code" = "#/components/schemas/UpdateVerificationFlowWithCodeMethod"),
    ("link" = "#/components/schemas/UpdateVerificationFlowWithLinkMethod"))))]
pub(crate) enum UpdateVerificationFlowBody {
    Code(UpdateVerificationFlowWithCodeMethod),
    Link(UpdateVerificationFlowWithLinkMethod),
}

/// First with an address, to have a code sent; then with the code.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateVerificationFlowWithCodeMethod {
    #[schema(inline)]
    method: ByCode,
    /// Where to send a code, or another one.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// What was sent.
    code: Option<String>,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Have a link sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateVerificationFlowWithLinkMethod {
    #[schema(inline)]
    method: ByLink,
    #[schema(example = "ada@example.com")]
    email: String,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// A submission to a recovery flow, by `method`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "method", mapping(
    ("code" = "#/components/schemas/UpdateRecoveryFlowWithCodeMethod"),
    ("link" = "#/components/schemas/UpdateRecoveryFlowWithLinkMethod"))))]
pub(crate) enum UpdateRecoveryFlowBody {
    Code(UpdateRecoveryFlowWithCodeMethod),
    Link(UpdateRecoveryFlowWithLinkMethod),
}

/// First with an address, to have a code sent; then with the code.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateRecoveryFlowWithCodeMethod {
    #[schema(inline)]
    method: ByCode,
    /// Where to send a code, or another one.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// What was sent.
    code: Option<String>,
    /// Where people choose among their addresses: the one they know.
    recovery_address: Option<String>,
    /// The one they chose, as the form names it.
    recovery_select_address: Option<String>,
    /// The same in full.
    recovery_confirm_address: Option<String>,
    /// `previous`: a screen back.
    screen: Option<String>,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

/// Have a link sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateRecoveryFlowWithLinkMethod {
    #[schema(inline)]
    method: ByLink,
    #[schema(example = "ada@example.com")]
    email: String,
    /// Browsers: the value of the node `csrf_token`. API clients: leave it out.
    csrf_token: Option<String>,
    /// An object that the flow hands back, and that hooks see.
    #[schema(value_type = Option<Object>)]
    transient_payload: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByPassword {
    Password,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByCode {
    Code,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ByIdentifier {
    IdentifierFirst,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByProfile {
    Profile,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ProfileScreen {
    Previous,
    CredentialSelection,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByLink {
    Link,
}
