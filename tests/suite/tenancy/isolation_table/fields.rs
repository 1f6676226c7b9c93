//! The table's GraphQL half: an operation for every field of the schema. `routes_are_covered.rs` compares
//! the names with the schema.

use tests::Answer;

use super::{Hand, ROOT_KEY, Stage, Thing, masked::masked};

/// How a field is reached, and with which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Any key of the project; null or an empty list for what is not its own.
    Reader,
    /// An OWNER of the project, whose key sees what this shows; null or an empty list for what is not its own.
    OwnerReader,
    /// An OWNER of the project; NOT_FOUND for what is not its own.
    Owner,
    /// The same, named by the id of a key.
    OwnerOfKey,
    /// A key of the installation; FORBIDDEN for every other.
    Installation,
    /// A field of what a mutation answers: reached only through that row, which asks for it.
    Within(&'static str),
}

/// One field and an operation that reaches it.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) document: String,
    pub(crate) needs: Needs,
}

const VARIABLES: [(&str, &str); 4] = [
    ("$slug", "String!"),
    ("$fresh", "String!"),
    ("$key", "ID!"),
    ("$search", "String"),
];

/// An operation that declares the variables it uses.
fn operation(kind: &str, body: &str) -> String {
    let used = VARIABLES.iter().filter(|(name, _)| body.contains(name));
    let declared: Vec<String> = used.map(|(name, of)| format!("{name}: {of}")).collect();
    if declared.is_empty() {
        return format!("{kind} {{ {body} }}");
    }
    format!("{kind}({}) {{ {body} }}", declared.join(", "))
}

/// Scalars of one type, read along one path.
fn scalars(of: &'static str, names: &str, path: &str) -> Vec<Field> {
    let field = |name: &str| Field {
        name: format!("{of}.{name}"),
        document: operation("query", &path.replace('@', name)),
        needs: Needs::Reader,
    };
    names.split_whitespace().map(field).collect()
}

/// The same, of what a VIEWER may not see.
fn for_owners(of: &'static str, names: &str, path: &str) -> Vec<Field> {
    let mut fields = scalars(of, names, path);
    for field in &mut fields {
        field.needs = Needs::OwnerReader;
    }
    fields
}

fn installation_keys() -> Field {
    Field {
        name: "Query.apiKeys".to_owned(),
        document: operation(
            "query",
            "apiKeys(includeRevoked: true) { edges { node { id name } } }",
        ),
        needs: Needs::Installation,
    }
}

fn mutation(name: &str, needs: Needs, body: &str) -> Field {
    Field {
        name: format!("Mutation.{name}"),
        document: operation("mutation", body),
        needs,
    }
}

fn within(of: &'static str, names: &str, through: &'static str) -> Vec<Field> {
    let field = |name: &str| Field {
        name: format!("{of}.{name}"),
        document: String::new(),
        needs: Needs::Within(through),
    };
    names.split_whitespace().map(field).collect()
}

/// Every field. The mutations take the project through its life, in this order.
pub(crate) fn all() -> Vec<Field> {
    let mut all = queries();
    all.extend(history());
    all.extend(keys());
    all.extend(mutations());
    all.extend(payloads());
    all
}

fn queries() -> Vec<Field> {
    let person = "project(slug: $slug) { identities(search: $search) { edges { node { @ } } } }";
    [
        scalars("Query", "viewer", "@ { id name }"),
        scalars("Viewer", "id name role projectSlug kind", "viewer { @ }"),
        scalars("Query", "project", "@(slug: $slug) { id }"),
        scalars("Query", "projects", "@(search: $slug) { edges { node { id slug } } }"),
        scalars("ProjectConnection", "edges", "projects(search: $slug) { @ { cursor } }"),
        scalars("ProjectConnection", "pageInfo", "projects(search: $slug) { @ { endCursor } }"),
        scalars("ProjectEdge", "cursor", "projects(search: $slug) { edges { @ } }"),
        scalars("ProjectEdge", "node", "projects(search: $slug) { edges { @ { slug } } }"),
        scalars(
            "PageInfo",
            "hasNextPage hasPreviousPage startCursor endCursor",
            "projects(search: $slug) { pageInfo { @ } }",
        ),
        scalars(
            "Project",
            "id slug name environment state createdAt updatedAt publicUrl adminUrl config configRevision",
            "project(slug: $slug) { @ }",
        ),
        scalars(
            "Project",
            "identities",
            "project(slug: $slug) { @(search: $search) { edges { node { id traits } } } }",
        ),
        scalars(
            "IdentityConnection",
            "edges",
            "project(slug: $slug) { identities(search: $search) { @ { cursor } } }",
        ),
        scalars(
            "IdentityConnection",
            "pageInfo",
            "project(slug: $slug) { identities(search: $search) { @ { startCursor hasNextPage } } }",
        ),
        scalars(
            "IdentityEdge",
            "cursor",
            "project(slug: $slug) { identities(search: $search) { edges { @ } } }",
        ),
        scalars(
            "IdentityEdge",
            "node",
            "project(slug: $slug) { identities(search: $search) { edges { @ { id } } } }",
        ),
        scalars(
            "Identity",
            "id externalId schemaId state stateChangedAt traits metadataPublic metadataAdmin createdAt updatedAt",
            person,
        ),
        scalars("Identity", "verifiableAddresses", &person.replace('@', "@ { value }")),
        scalars(
            "IdentityAddress",
            "id value via verified verifiedAt",
            &person.replace('@', "verifiableAddresses { @ }"),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn history() -> Vec<Field> {
    let of_project = |what: &str| format!("project(slug: $slug) {{ {what} }}");
    let listed = |what: &str| of_project(&format!("revisions(first: 2) {{ {what} }}"));
    [
        scalars(
            "Project",
            "revisions",
            &of_project("@ { edges { node { author } } }"),
        ),
        scalars(
            "Project",
            "revision",
            &of_project("@(number: 1) { author }"),
        ),
        scalars("ConfigRevisionConnection", "edges", &listed("@ { cursor }")),
        scalars(
            "ConfigRevisionConnection",
            "pageInfo",
            &listed("@ { hasNextPage }"),
        ),
        scalars("ConfigRevisionEdge", "cursor", &listed("edges { @ }")),
        scalars(
            "ConfigRevisionEdge",
            "node",
            &listed("edges { @ { author } }"),
        ),
        scalars(
            "ConfigRevision",
            "number author createdAt diff config",
            &listed("edges { node { @ } }"),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn keys() -> Vec<Field> {
    let of_project = |what: &str| format!("project(slug: $slug) {{ {what} }}");
    let listed = |what: &str| of_project(&format!("apiKeys(includeRevoked: true) {{ {what} }}"));
    let mut all = vec![installation_keys()];
    for fields in [
        for_owners(
            "Project",
            "apiKeys",
            &of_project("@ { edges { node { prefix } } }"),
        ),
        for_owners("ApiKeyConnection", "edges", &listed("@ { cursor }")),
        for_owners("ApiKeyConnection", "pageInfo", &listed("@ { hasNextPage }")),
        for_owners("ApiKeyEdge", "cursor", &listed("edges { @ }")),
        for_owners("ApiKeyEdge", "node", &listed("edges { @ { id } }")),
        for_owners(
            "ApiKey",
            "id name role prefix author createdAt expiresAt revokedAt",
            &listed("edges { node { @ } }"),
        ),
    ] {
        all.extend(fields);
    }
    all
}

fn mutations() -> Vec<Field> {
    use Needs::{Installation, Owner, OwnerOfKey};
    let of_project = |name: &str| {
        let body = format!("{name}(input: {{slug: $slug}}) {{ project {{ slug state }} }}");
        mutation(name, Owner, &body)
    };
    vec![
        mutation(
            "createProject",
            Installation,
            "createProject(input: {slug: $fresh, name: \"Made by a row\"}) { project { slug } apiKey { id name role token prefix } }",
        ),
        // Out of DEVELOPMENT, so that a deletion has its grace.
        mutation(
            "updateProjectConfig",
            Owner,
            "updateProjectConfig(input: {slug: $slug, config: {hashers: null}}) { project { config } diff notes }",
        ),
        mutation(
            "restoreProjectConfig",
            Owner,
            "restoreProjectConfig(input: {slug: $slug, revision: 2}) { project { config } diff notes }",
        ),
        mutation(
            "updateProject",
            Owner,
            "updateProject(input: {slug: $slug, name: \"Renamed\", environment: STAGING}) { project { name } }",
        ),
        mutation(
            "createApiKey",
            Owner,
            "createApiKey(input: {slug: $slug, name: \"made by a row\", role: OWNER}) { apiKey { token } }",
        ),
        mutation(
            "revokeApiKey",
            OwnerOfKey,
            "revokeApiKey(input: {id: $key}) { id }",
        ),
        of_project("suspendProject"),
        of_project("resumeProject"),
        mutation(
            "deleteProject",
            Owner,
            "deleteProject(input: {slug: $slug}) { slug }",
        ),
        of_project("restoreProject"),
    ]
}

fn payloads() -> Vec<Field> {
    [
        within(
            "CreateProjectPayload",
            "project apiKey",
            "Mutation.createProject",
        ),
        within(
            "NewApiKey",
            "id name role token prefix",
            "Mutation.createProject",
        ),
        within(
            "UpdateProjectConfigPayload",
            "project diff notes",
            "Mutation.updateProjectConfig",
        ),
        within("ProjectPayload", "project", "Mutation.updateProject"),
        within("CreateApiKeyPayload", "apiKey", "Mutation.createApiKey"),
        within("RevokeApiKeyPayload", "id", "Mutation.revokeApiKey"),
        within("DeleteProjectPayload", "slug", "Mutation.deleteProject"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a field answered: the code of its first error, `null` or `empty` for nothing, else `data`.
fn outcome(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.text);
    if let Some(code) = answer.body["errors"][0]["extensions"]["code"].as_str() {
        return code;
    }
    let data = answer.body["data"].as_object().unwrap();
    let (_, first) = data.iter().next().unwrap();
    match first {
        it if it.is_null() => "null",
        it if it["edges"].as_array().is_some_and(Vec::is_empty) => "empty",
        _ => "data",
    }
}

impl Stage {
    /// First with the project's own; then with every key and slug that is not.
    pub(crate) async fn play_field(&self, field: &Field, viewer: &str) {
        if let Needs::Within(_) = field.needs {
            return;
        }
        let own = match field.needs {
            Needs::Installation => ROOT_KEY,
            _ => &self.hand.key,
        };
        let answer = self
            .operate(field, Some(own), &self.hand.slug, &self.hand)
            .await;
        assert_eq!(outcome(&answer), "data", "{}: {}", field.name, answer.text);
        self.as_strangers(field).await;
        match field.needs {
            Needs::Reader => self.as_readers(field, viewer, "data").await,
            Needs::OwnerReader => self.as_readers(field, viewer, "FORBIDDEN").await,
            Needs::Owner => self.as_owners(field, viewer).await,
            Needs::OwnerOfKey => self.as_owners_of_keys(field, viewer).await,
            Needs::Installation | Needs::Within(_) => {
                for key in [&self.hand.key, &self.foreign.key, &viewer.to_owned()] {
                    self.alike(field, Some(key), "FORBIDDEN", &[&self.hand, &self.foreign])
                        .await;
                }
            }
        }
    }

    /// Without a key, and with one that never existed: whatever it asks for.
    async fn as_strangers(&self, field: &Field) {
        for key in [None, Some(&*self.never.key)] {
            let all = [&self.hand, &self.foreign, &self.never];
            self.alike(field, key, "UNAUTHENTICATED", &all).await;
        }
    }

    /// `of_viewer`: what a VIEWER of the installation is answered.
    async fn as_readers(&self, field: &Field, viewer: &str, of_viewer: &str) {
        let (own, foreign) = (&self.hand.key, &self.foreign.key);
        if field.document.contains("$slug") {
            for (key, others) in [(own, &self.foreign), (foreign, &self.hand)] {
                let nothing = self.nothing(field, key).await;
                self.alike(field, Some(key), &nothing, &[others, &self.never])
                    .await;
            }
        }
        if field.document.contains("$search") {
            let (here, never) = (&self.hand, &self.never);
            let theirs = here.with(Thing::Person, &self.foreign);
            let nobodys = here.with(Thing::Person, never);
            self.alike(field, Some(own), "data", &[&theirs, &nobodys])
                .await;
        }
        // A key of the installation has its role in every project.
        let answer = self
            .operate(field, Some(viewer), &self.hand.slug, &self.hand)
            .await;
        assert_eq!(
            outcome(&answer),
            of_viewer,
            "{}: {}",
            field.name,
            answer.text
        );
        // The neighbour's key shows the neighbour what is the neighbour's.
        let answer = self
            .operate(field, Some(foreign), &self.foreign.slug, &self.foreign)
            .await;
        assert_eq!(outcome(&answer), "data", "{}: {}", field.name, answer.text);
    }

    /// How this field says that there is nothing: as for a slug never given out.
    async fn nothing(&self, field: &Field, key: &str) -> String {
        let answer = self
            .operate(field, Some(key), &self.never.slug, &self.never)
            .await;
        let nothing = outcome(&answer).to_owned();
        let page_info = field.document.contains("pageInfo");
        assert!(
            ["null", "empty"].contains(&&*nothing) || page_info && nothing == "data",
            "{}: {}",
            field.name,
            answer.text
        );
        nothing
    }

    async fn as_owners(&self, field: &Field, viewer: &str) {
        let (own, foreign) = (&self.hand.key, &self.foreign.key);
        let never = &self.never;
        self.alike(field, Some(own), "NOT_FOUND", &[&self.foreign, never])
            .await;
        self.alike(field, Some(foreign), "NOT_FOUND", &[&self.hand, never])
            .await;
        self.alike(field, Some(viewer), "NOT_FOUND", &[never]).await;
        self.alike(field, Some(viewer), "FORBIDDEN", &[&self.foreign])
            .await;
    }

    async fn as_owners_of_keys(&self, field: &Field, viewer: &str) {
        let (own, foreign) = (&self.hand.key, &self.foreign.key);
        let never = &self.never;
        self.alike(field, Some(own), "NOT_FOUND", &[&self.foreign, never])
            .await;
        self.alike(field, Some(foreign), "NOT_FOUND", &[&self.hand, never])
            .await;
        self.alike(field, Some(viewer), "FORBIDDEN", &[&self.foreign, never])
            .await;
    }

    /// For each of these hands the same answer, of that outcome.
    async fn alike(&self, field: &Field, key: Option<&str>, expected: &str, hands: &[&Hand]) {
        let mut first: Option<String> = None;
        for hand in hands {
            let answer = self.operate(field, key, &hand.slug, hand).await;
            let what = format!(
                "{} with the slug {} and the key {key:?}",
                field.name, hand.slug
            );
            assert_eq!(outcome(&answer), expected, "{what}: {}", answer.text);
            let seen = masked(&answer, &[&hand.slug]);
            assert_eq!(*first.get_or_insert_with(|| seen.clone()), seen, "{what}");
            if key == Some(&*self.hand.key) {
                self.tells_nothing(&what, &answer, &hand.slug);
            }
        }
    }
}
