//! What can be judged without a database: the snapshot, and what is refused before anything is read.

use std::{env, fs};

use async_graphql::{BatchRequest, Request, Response};
use tenants::{Key, Role, ids};

use super::{Asked, Caller, DevelopmentMode, RequestId, builder, fields, handle, sdl};

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/api.graphql");

async fn ask(key: Option<Key>, dev: bool, body: impl Into<BatchRequest>) -> Response {
    let asked = Asked {
        caller: Caller(key),
        request_id: RequestId("r-1".to_owned()),
        development: DevelopmentMode(dev),
    };
    handle(&builder().finish(), asked, body).await
}

fn key() -> Key {
    Key {
        id: ids::v4(),
        project: None,
        role: Role::Viewer,
        name: "test".to_owned(),
    }
}

/// The codes of an answer, in order.
fn codes(response: &Response) -> Vec<String> {
    let answer = serde_json::to_value(response).unwrap();
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let code = |error: &serde_json::Value| error["extensions"]["code"].as_str().unwrap().to_owned();
    errors.iter().map(code).collect()
}

#[test]
fn the_snapshot_is_current() {
    let now = sdl();
    if env::var_os("UPDATE").is_some() {
        fs::write(SNAPSHOT, &now).unwrap();
    }
    let kept = fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert_eq!(
        kept, now,
        "schemas/api.graphql is old: UPDATE=1 cargo test -p api renews it"
    );
}

/// W17.6. Set down by hand: a name or a nullability that differs breaks callers.
#[test]
fn the_operations_that_callers_rely_on_are_there() {
    let squeezed = sdl().split_whitespace().collect::<Vec<_>>().join(" ");
    for promised in [
        "viewer: Viewer!",
        "): Project ",
        "): ProjectConnection!",
        "createProject(input: CreateProjectInput!): CreateProjectPayload!",
        "updateProject(input: UpdateProjectInput!): ProjectPayload!",
        "updateProjectConfig(input: UpdateProjectConfigInput!): UpdateProjectConfigPayload!",
        "restoreProjectConfig(input: RestoreProjectConfigInput!): UpdateProjectConfigPayload!",
        "): ConfigRevisionConnection!",
        "): ApiKeyConnection!",
        "suspendProject(input: ProjectRefInput!): ProjectPayload!",
        "resumeProject(input: ProjectRefInput!): ProjectPayload!",
        "deleteProject(input: ProjectRefInput!): DeleteProjectPayload!",
        "restoreProject(input: ProjectRefInput!): ProjectPayload!",
        "createApiKey(input: CreateApiKeyInput!): CreateApiKeyPayload!",
        "revokeApiKey(input: RevokeApiKeyInput!): RevokeApiKeyPayload!",
        "identitySchemas: JSON ",
        "environment: ProjectEnvironment ",
        "mode: ConfigUpdateMode = MERGE",
        "expectedRevision: Int ",
        "dryRun: Boolean = false",
        "diff: JSON!",
        "notes: [String!]!",
        "configRevision: Int!",
        "createdAt: DateTime!",
        "): IdentityConnection!",
        "expiresAt: DateTime ",
        "scalar JSON",
        "scalar DateTime",
    ] {
        assert!(squeezed.contains(promised), "{promised}");
    }
}

#[test]
fn fields_are_those_of_output_types() {
    let fields = fields();
    for known in [
        "Query.viewer",
        "Mutation.createProject",
        "Project.identities",
        "PageInfo.endCursor",
    ] {
        assert!(fields.iter().any(|field| field == known), "{known}");
    }
    assert!(
        !fields
            .iter()
            .any(|field| field.starts_with("CreateProjectInput"))
    );
}

#[tokio::test]
async fn nothing_is_answered_without_a_key() {
    for document in [
        "{ viewer { id } }",
        "{ __schema { queryType { name } } }",
        "{",
        "{ nonsense }",
    ] {
        let response = ask(None, false, Request::new(document)).await;
        assert_eq!(codes(&response), ["UNAUTHENTICATED"], "{document}");
    }
}

#[tokio::test]
async fn the_schema_is_open_to_keys_and_in_development() {
    let document = "{ __schema { queryType { name } } }";
    assert!(
        ask(Some(key()), false, Request::new(document))
            .await
            .is_ok()
    );
    assert!(ask(None, true, Request::new(document)).await.is_ok());
    let response = ask(None, true, Request::new("{ viewer { id } }")).await;
    assert_eq!(codes(&response), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn what_does_not_fit_the_schema_is_invalid_input() {
    for document in [
        "",
        "{",
        "{ nonsense }",
        "query a { viewer { id } } query b { viewer { id } }",
        "{ project { id } }",
        "{ projects(first: \"x\") { pageInfo { hasNextPage } } }",
        "{ projects(first: 99999999999) { pageInfo { hasNextPage } } }",
        "subscription { viewer { id } }",
    ] {
        let response = ask(Some(key()), false, Request::new(document)).await;
        assert_eq!(codes(&response)[0], "INVALID_INPUT", "{document}");
    }
}

#[tokio::test]
async fn several_requests_in_one_are_refused() {
    let body = BatchRequest::Batch(vec![Request::new("{ viewer { id } }")]);
    assert_eq!(
        codes(&ask(Some(key()), false, body).await),
        ["INVALID_INPUT"]
    );
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_runs() {
    let aliases = |n: usize| (0..n).fold(String::new(), |all, i| format!("{all} a{i}:__typename"));
    let nested = "projects { edges { node { identities { edges { node { id ".to_owned();
    let people = "edges { node { id traits } }";
    let lists = format!(
        "{{ projects(first: 100) {{ edges {{ node {{ identities(first: 100) {{ {people} }} }} }} }} }}"
    );
    for document in [
        format!("{{ {} }}", aliases(10_000)),
        format!("{{ {} }}", aliases(201)),
        nested.repeat(200),
        "{a".repeat(9_000),
        format!("{{ project(slug: {}) {{ id }} }}", "[".repeat(18_000)),
        format!("{{ viewer {{ id {} }} }}", "@skip(if: false) ".repeat(5)),
        "{ ...f } fragment f on Query { ...f }".to_owned(),
        lists.replace("(first: 100)", "(first: -1)"),
        lists,
    ] {
        let response = ask(Some(key()), false, Request::new(&document)).await;
        let shown: String = document.chars().take(60).collect();
        assert_eq!(codes(&response)[0], "QUERY_TOO_COMPLEX", "{shown}");
    }
}

/// As graphql-js 16 writes it when asked for everything: what code generators send.
const EVERYTHING: &str = "query IntrospectionQuery {
  __schema { description queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description
    args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test]
async fn code_generators_get_the_whole_schema() {
    let response = ask(Some(key()), false, Request::new(EVERYTHING)).await;
    assert_eq!(codes(&response), [""; 0], "{:?}", response.errors);
}
