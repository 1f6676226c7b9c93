//! `after.*` of a flow's configuration: what holds for every method, and what one method has instead.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What happens at the end of a kind of flow.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct After {
    /// Where browsers go afterwards.
    pub default_browser_return_url: Option<String>,
    /// For methods without hooks of their own.
    pub hooks: Vec<HookConfig>,
    /// What one method has instead, by its id. Which methods may stand here says the schema.
    #[serde(flatten)]
    methods: BTreeMap<String, AfterMethod>,
}

/// `after.<method>.*`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AfterMethod {
    /// Where browsers go afterwards.
    pub default_browser_return_url: Option<String>,
    /// Replace the global hooks; they are not merged.
    pub hooks: Vec<HookConfig>,
}

/// One hook, by name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct HookConfig {
    /// `session`, `revoke_active_sessions` …
    pub hook: String,
    /// How it is done: the hook's own options, or null.
    #[serde(default)]
    pub config: Value,
}

impl After {
    /// The hooks that run after `method`: its own, else the global ones.
    pub fn hooks_of(&self, method: &str) -> &[HookConfig] {
        match self.methods.get(method) {
            Some(own) if !own.hooks.is_empty() => &own.hooks,
            _ => &self.hooks,
        }
    }

    /// Is that hook configured to run after `method`?
    pub fn has_hook(&self, method: &str, name: &str) -> bool {
        self.hooks_of(method).iter().any(|hook| hook.hook == name)
    }

    /// Where browsers go after `method` that asked for nothing.
    pub fn return_url_of(&self, method: &str) -> Option<&str> {
        let own = self.methods.get(method);
        let own = own.and_then(|own| own.default_browser_return_url.as_deref());
        own.or(self.default_browser_return_url.as_deref())
    }
}
