//! Health, version, account pages, GraphQL.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// All is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    #[schema(example = "ok")]
    status: String,
}

/// What is missing, by the part that misses it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotReady {
    errors: HashMap<String, String>,
}

/// Which release serves.
#[derive(Serialize, ToSchema)]
pub(crate) struct Release {
    #[schema(example = "v0.1.0")]
    version: String,
}

/// What the account pages know of the project.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageConfig {
    /// The project's name, for people.
    name: String,
    #[schema(format = Uri)]
    default_redirect_url: String,
    #[schema(format = Uri)]
    login_ui_url: String,
    #[schema(format = Uri)]
    registration_ui_url: String,
    #[schema(format = Uri)]
    recovery_ui_url: String,
    #[schema(format = Uri)]
    verification_ui_url: String,
    #[schema(format = Uri)]
    settings_ui_url: String,
    #[schema(format = Uri)]
    error_ui_url: String,
    registration_enabled: bool,
    recovery_enabled: bool,
    verification_enabled: bool,
    settings_enabled: bool,
    hide_ory_branding: bool,
    #[schema(nullable = false, format = Uri)]
    logo_light_url: Option<String>,
    #[schema(nullable = false, format = Uri)]
    logo_dark_url: Option<String>,
    /// Where people download what is stored about them; absent where they may not.
    #[schema(nullable = false, format = Uri)]
    account_data_url: Option<String>,
}

/// One GraphQL operation; `schemas/api.graphql` says what can be asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct GraphqlRequest {
    #[schema(example = "{ viewer { id name } }")]
    query: String,
    /// The operation's variables, by name.
    #[schema(value_type = Option<Object>)]
    variables: Option<Value>,
    /// Which operation of the document, when it holds several.
    #[schema(rename = "operationName")]
    operation_name: Option<String>,
    #[schema(value_type = Option<Object>)]
    extensions: Option<Value>,
}

/// The answer to an operation.
#[derive(Serialize, ToSchema)]
pub(crate) struct GraphqlAnswer {
    /// What was asked for; null when that failed.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    #[schema(nullable = false)]
    errors: Option<Vec<GraphqlError>>,
}

/// Why a field has no answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct GraphqlError {
    message: String,
    /// Lines and columns of the document.
    #[schema(nullable = false, value_type = Option<Vec<Object>>)]
    locations: Option<Value>,
    /// From the root of the answer: names of fields, and places in lists.
    #[schema(nullable = false)]
    path: Option<Vec<Value>>,
    /// `code` tells errors apart; violations of a document, and the request's id, stand beside it.
    #[schema(value_type = Object)]
    extensions: Value,
}
