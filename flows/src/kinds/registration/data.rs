//! What a registration flow remembers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Registration;
use crate::{
    engine::{cx::Cx, flow::Flow},
    ui::traits,
};

/// Between two requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RegistrationData {
    /// What is on the screen.
    pub screen: Screen,
    /// The traits last typed; null before the first submission. While a code is awaited: those that it
    /// was sent for.
    pub traits: Value,
}

/// The screens of a registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Traits and credentials together.
    #[default]
    OneStep,
    /// Traits, before credentials.
    Profile,
    /// Credentials, the traits hidden.
    Credentials,
}

impl Flow<Registration> {
    /// Keep what was typed: a field absent from a later submission keeps its value. While a code is awaited, what
    /// it was sent for stays. What is too much is not kept.
    pub(crate) fn remember_traits(&mut self, cx: &Cx<'_>, typed: &Value) {
        if self.awaits_code() {
            return;
        }
        let bytes_max = self.typed_bytes_left(cx);
        let mut all = self.data.traits.clone();
        merge(&mut all, typed);
        let kept = [all, typed.clone()];
        let mut kept = kept.into_iter();
        if let Some(traits) = kept.find(|traits| traits::is_storable(traits, bytes_max)) {
            self.data.traits = traits;
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        // Something that is no object at all is not what a form can show.
        (into, from) if into.is_null() || !from.is_null() => into.clone_from(from),
        _ => {}
    }
}
