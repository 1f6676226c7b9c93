//! How an identity is shown: the public view (flows, sessions) and the administrators' (docs/wire.md, W12.8 and
//! W13.18). One place, because three surfaces show the same person.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::Identity;
use crate::credentials::Credential;

/// `{base}/schemas/<base64url of the id, unpadded>`.
pub fn schema_url(base_url: &str, schema_id: &str) -> String {
    format!("{base_url}/schemas/{}", URL_SAFE_NO_PAD.encode(schema_id))
}

impl Identity {
    /// What the person and their applications may see: never credentials, never administrative metadata.
    pub fn public_view(&self, base_url: &str) -> Value {
        let mut view = Map::new();
        view.insert("id".into(), json!(self.id));
        if let Some(external_id) = &self.external_id {
            view.insert("external_id".into(), json!(external_id));
        }
        view.insert("schema_id".into(), json!(self.schema_id));
        view.insert(
            "schema_url".into(),
            json!(schema_url(base_url, &self.schema_id)),
        );
        view.insert("state".into(), json!(self.state));
        view.insert("state_changed_at".into(), json!(self.state_changed_at));
        view.insert("traits".into(), self.traits.clone());
        if !self.verifiable_addresses.is_empty() {
            view.insert(
                "verifiable_addresses".into(),
                json!(self.verifiable_addresses),
            );
        }
        if !self.recovery_addresses.is_empty() {
            view.insert("recovery_addresses".into(), json!(self.recovery_addresses));
        }
        view.insert("metadata_public".into(), json!(self.metadata_public));
        view.insert("created_at".into(), json!(self.created_at));
        view.insert("updated_at".into(), json!(self.updated_at));
        // Always there, null when unset: strict clients look for the key.
        view.insert("organization_id".into(), json!(self.organization_id));
        Value::Object(view)
    }

    /// What administrators see. `credentials: None` leaves the key out; `disclose` names the types whose
    /// `config` is shown.
    pub fn admin_view(
        &self,
        base_url: &str,
        credentials: Option<&[Credential]>,
        disclose: &[String],
    ) -> Value {
        let mut view = self.public_view(base_url);
        if let Some(map) = view.as_object_mut() {
            map.insert("metadata_admin".into(), json!(self.metadata_admin));
            if let Some(credentials) = credentials.filter(|c| !c.is_empty()) {
                let shown = credentials
                    .iter()
                    .map(|c| (c.kind.clone(), c.view(disclose.contains(&c.kind))));
                map.insert("credentials".into(), Value::Object(shown.collect()));
            }
        }
        view
    }
}
