//! The administration over GraphQL: `POST {origin}/graphql` (docs/wire.md, W17.6).
//!
//! One file per noun; `access.rs` decides who may, `errors.rs` alone knows codes, `limits.rs` refuses what is
//! too big before anything runs. Nothing here knows HTTP: who calls, and the request's id, are handed in.

mod access;
mod config;
mod connection;
mod errors;
mod identities;
mod keys;
mod limits;
mod projects;
mod revisions;
mod scalars;
mod sdl;
#[cfg(test)]
mod tests;
mod viewer;

use async_graphql::{BatchRequest, EmptySubscription, MergedObject, Response, SchemaBuilder};
use tenants::Installation;

use errors::Refusal;
pub use sdl::{fields, sdl};

/// All queries.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    viewer::ViewerQueries,
    projects::ProjectQueries,
    keys::KeyQueries,
);

/// All mutations. Each takes one `input` and returns a payload.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(
    projects::ProjectMutations,
    config::ConfigMutations,
    revisions::RevisionMutations,
    projects::LifecycleMutations,
    keys::KeyMutations,
);

/// The executable schema.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema, serving this installation.
pub fn schema(installation: Installation) -> Schema {
    builder().data(installation).finish()
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    limits::apply(Schema::build(
        Query::default(),
        Mutation::default(),
        EmptySubscription,
    ))
}

/// Who calls: the valid key that came with the request, if any.
#[derive(Clone, Debug)]
pub struct Caller(pub Option<tenants::Key>);

/// The request's id: an unexpected error names it, and it is logged with the error's cause.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// `--dev`: the schema may be asked for without a key, and projects are DEVELOPMENT if nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct DevelopmentMode(pub bool);

/// What the HTTP layer knows of a request besides its body.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who calls.
    pub caller: Caller,
    /// For answers and the log.
    pub request_id: RequestId,
    /// Is it served in development mode?
    pub development: DevelopmentMode,
}

/// Answer one request. Every error of the answer carries `extensions.code`; faults are logged here, once.
/// Several requests in one body are refused, because limits hold per request.
pub async fn handle(schema: &Schema, asked: Asked, body: impl Into<BatchRequest>) -> Response {
    let request_id = asked.request_id.clone();
    let mut response = match body.into() {
        BatchRequest::Single(request) => match admit(&asked, request) {
            Ok(request) => schema.execute(request).await,
            Err(refused) => Response::from_errors(vec![refused]),
        },
        BatchRequest::Batch(_) => {
            let refusal = Refusal::invalid("send one operation a request, not a list of them");
            Response::from_errors(vec![errors::server_error(refusal)])
        }
    };
    for error in &mut response.errors {
        errors::finish(error, &request_id);
    }
    response
}

/// Cheap looks first: a stranger's document is not even parsed, unless the schema is open.
fn admit(
    asked: &Asked,
    mut request: async_graphql::Request,
) -> Result<async_graphql::Request, async_graphql::ServerError> {
    limits::check_text(&request.query).map_err(errors::server_error)?;
    let known = asked.caller.0.is_some();
    if !known && !asked.development.0 {
        return Err(errors::server_error(Refusal::Unauthenticated));
    }
    limits::check_document(request.parsed_query()?).map_err(errors::server_error)?;
    Ok(request
        .data(asked.caller.clone())
        .data(asked.request_id.clone())
        .data(asked.development))
}
