//! A project's configuration: shown masked, changed as a whole or by a merge patch.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use tenants::{ConfigUpdate, UpdateMode};

use super::{access::Access, errors::Refusal, projects::Project, scalars::Json};

/// How a configuration is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "UpdateMode")]
pub(super) enum ConfigUpdateMode {
    /// A JSON merge patch: null removes, objects merge, all else replaces.
    Merge,
    /// The whole new document.
    Replace,
}

/// A change of configuration.
#[derive(Debug, InputObject)]
pub(super) struct UpdateProjectConfigInput {
    /// Whose configuration.
    slug: String,
    /// A merge patch, or the whole document. A secret that comes back as its mask, or that a patch does not name, is
    /// kept; when the address that it is sent to changes, it has to be given again.
    config: Json,
    /// Which of the two.
    #[graphql(default_with = "Some(ConfigUpdateMode::Merge)")]
    mode: Option<ConfigUpdateMode>,
    /// The revision the change was made for; if it is not the latest any more, the change is refused
    /// with the code REVISION_CONFLICT.
    expected_revision: Option<i32>,
    /// Judge the change and show what it would do, but do not make it.
    #[graphql(default_with = "Some(false)")]
    dry_run: Option<bool>,
}

/// What `updateProjectConfig` or `restoreProjectConfig` did, or would do.
#[derive(Debug, SimpleObject)]
pub(super) struct UpdateProjectConfigPayload {
    /// The project, with the configuration now in force.
    project: Project,
    /// From the old document to the new one, as a JSON Patch; secrets are masked.
    diff: Json,
    /// What was left out, or deserves attention.
    notes: Vec<String>,
}

impl From<tenants::ConfigUpdated> for UpdateProjectConfigPayload {
    fn from(updated: tenants::ConfigUpdated) -> Self {
        Self {
            project: Project(updated.project),
            diff: Json(updated.diff),
            notes: updated.notes,
        }
    }
}

/// Mutations of configurations.
#[derive(Debug, Default)]
pub(super) struct ConfigMutations;

#[Object]
impl ConfigMutations {
    /// Change a project's configuration. It is in force when the answer comes. Takes an ADMIN.
    #[graphql(complexity = "20 + child_complexity")]
    async fn update_project_config(
        &self,
        cx: &Context<'_>,
        input: UpdateProjectConfigInput,
    ) -> Result<UpdateProjectConfigPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access
            .live_project(&input.slug, tenants::Role::Admin)
            .await?;
        check_text(&input.config.0)?;
        let update = ConfigUpdate {
            config: input.config.0,
            mode: input.mode.unwrap_or(ConfigUpdateMode::Merge).into(),
            expected_revision: input.expected_revision,
            dry_run: input.dry_run.unwrap_or(false),
        };
        let updated = access
            .installation
            .update_config(&access.actor(), &project, &update)
            .await?;
        Ok(updated.into())
    }
}

/// The document of a new project: `config`, and in it the schemas that were given beside it.
pub(super) fn assembled(
    config: Option<Json>,
    identity_schemas: Option<Json>,
) -> Result<Value, Refusal> {
    let given = |json: Option<Json>| json.map(|json| json.0).filter(|value| !value.is_null());
    let mut config = given(config).unwrap_or_else(|| json!({}));
    if let Some(schemas) = given(identity_schemas) {
        let Value::Object(schemas) = schemas else {
            return Err(Refusal::invalid(
                "`identitySchemas` is an object: schemas by id",
            ));
        };
        add_schemas(&mut config, &schemas)?;
    }
    check_text(&config)?;
    Ok(config)
}

fn add_schemas(config: &mut Value, schemas: &Map<String, Value>) -> Result<(), Refusal> {
    if schemas.is_empty() {
        return Ok(());
    }
    let document = config
        .as_object_mut()
        .ok_or_else(|| Refusal::violation("", "the document must be an object"))?;
    let identity = document
        .entry("identity")
        .or_insert_with(|| json!({}))
        .as_object_mut()
        .ok_or_else(|| Refusal::violation("/identity", "must be an object"))?;
    let listed = identity
        .entry("schemas")
        .or_insert_with(|| json!([]))
        .as_array_mut()
        .ok_or_else(|| Refusal::violation("/identity/schemas", "must be an array"))?;
    for (id, schema) in schemas {
        if listed.iter().any(|other| other["id"] == id.as_str()) {
            let why = format!("the schema {id:?} is named here and in `identitySchemas`");
            return Err(Refusal::violation("/identity/schemas", why));
        }
        // As written: people's traits are shown in the order of the schema's properties.
        let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
        listed.push(json!({"id": id, "url": url}));
    }
    if let [only] = &listed[..] {
        let only = only["id"].clone();
        identity.entry("default_schema_id").or_insert(only);
    }
    Ok(())
}

/// The database cannot store U+0000 inside JSON.
fn check_text(document: &Value) -> Result<(), Refusal> {
    match nul_at(document) {
        Some(pointer) => Err(Refusal::violation(
            pointer,
            "contains the character U+0000, which cannot be stored",
        )),
        None => Ok(()),
    }
}

/// The pointer of the first string or name with U+0000 in it.
fn nul_at(value: &Value) -> Option<String> {
    let below = |step: &str, value: &Value| Some(format!("/{step}{}", nul_at(value)?));
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(at, item)| below(&at.to_string(), item))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains('\0') {
                return Some(String::new());
            }
            below(&name.replace('~', "~0").replace('/', "~1"), member)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assemble(config: Value, schemas: Value) -> Result<Value, Refusal> {
        assembled(Some(Json(config)), Some(Json(schemas)))
    }

    #[test]
    fn schemas_keep_the_order_of_their_properties() {
        let text = r#"{"z":1,"a":{"y":2,"b":3}}"#;
        let schema: Value = serde_json::from_str(text).unwrap();
        let made = assemble(json!({}), json!({"person": schema})).unwrap();
        let url = format!("base64://{}", STANDARD.encode(text));
        assert_eq!(
            made,
            json!({"identity": {
                "schemas": [{"id": "person", "url": url}],
                "default_schema_id": "person",
            }})
        );
    }

    #[test]
    fn the_default_schema_is_chosen_only_where_there_is_no_choice() {
        let two = assemble(json!({}), json!({"a": {}, "b": {}})).unwrap();
        assert_eq!(two.pointer("/identity/default_schema_id"), None);
        let set = json!({"identity": {"default_schema_id": "preset://email"}});
        let made = assemble(set, json!({"a": {}})).unwrap();
        assert_eq!(made["identity"]["default_schema_id"], "preset://email");
        let other = json!({"identity": {"schemas": [{"id": "a", "url": "preset://email"}]}});
        let made = assemble(other.clone(), json!({"b": {}})).unwrap();
        assert_eq!(made.pointer("/identity/default_schema_id"), None);
        assert_eq!(made["identity"]["schemas"].as_array().unwrap().len(), 2);
        assert!(assemble(other, json!({"a": {}})).is_err(), "named twice");
    }

    #[test]
    fn odd_shapes_are_refused_not_guessed() {
        for config in [
            json!([]),
            json!({"identity": 1}),
            json!({"identity": {"schemas": {}}}),
        ] {
            assert!(
                assemble(config.clone(), json!({"a": {}})).is_err(),
                "{config}"
            );
        }
        assert!(assemble(json!({}), json!(["a"])).is_err());
        assert_eq!(assembled(None, None).unwrap(), json!({}));
        assert_eq!(assemble(Value::Null, Value::Null).unwrap(), json!({}));
        assert_eq!(
            assemble(json!({"a": 1}), json!({})).unwrap(),
            json!({"a": 1})
        );
    }

    #[test]
    fn what_cannot_be_stored_is_named() {
        let document = json!({"a": [1, {"b/c": "x\0"}]});
        assert_eq!(nul_at(&document).as_deref(), Some("/a/1/b~1c"));
        assert_eq!(nul_at(&json!({"a": {"\0": 1}})).as_deref(), Some("/a"));
        assert_eq!(nul_at(&json!({"a": "b"})), None);
    }
}
