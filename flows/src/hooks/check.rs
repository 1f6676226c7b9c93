//! What is wrong with the hooks of a configuration, beyond what its schema says.

use serde_json::Value;
use tenants::{Environment, config::ConfigViolation};

use super::verify_new_address::VERIFY_NEW_ADDRESS;
use crate::kinds::settings::notices::NOTIFY_PREVIOUS_ADDRESSES;

/// The hooks that follow a change of traits.
pub(crate) fn check(document: &Value, _environment: Environment) -> Vec<ConfigViolation> {
    const HOOKS: &str = "/selfservice/flows/settings/after/profile/hooks";
    let verifies = document.pointer("/selfservice/flows/verification/enabled");
    let mut found = Vec::new();
    let hooks = document.pointer(HOOKS).and_then(Value::as_array);
    for (at, hook) in hooks.into_iter().flatten().enumerate() {
        let name = hook["hook"].as_str().unwrap_or_default();
        if name == VERIFY_NEW_ADDRESS && verifies != Some(&Value::Bool(true)) {
            let why = "holds a change back until its address is verified, and nobody can verify one: \
                set selfservice.flows.verification.enabled";
            found.push(ConfigViolation::new(format!("{HOOKS}/{at}/hook"), why));
        }
        if name != NOTIFY_PREVIOUS_ADDRESSES && hook.get("config").is_some() {
            let why = format!("the hook `{name}` has no options");
            found.push(ConfigViolation::new(format!("{HOOKS}/{at}/config"), why));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(hooks: &Value, verifies: bool) -> Vec<(String, String)> {
        let document = json!({"selfservice": {"flows": {
            "verification": {"enabled": verifies},
            "settings": {"after": {"profile": {"hooks": hooks}}},
        }}});
        let found = check(&document, Environment::Production).into_iter();
        found.map(|it| (it.pointer, it.message)).collect()
    }

    #[test]
    fn what_cannot_work_is_told_when_it_is_written() {
        let at = |key: &str| format!("/selfservice/flows/settings/after/profile/hooks/1/{key}");
        let hooks = json!([{"hook": "show_verification_ui"}, {"hook": "verify_new_address"}]);
        assert_eq!(found(&hooks, true), []);
        let off = found(&hooks, false);
        assert_eq!((off.len(), &off[0].0), (1, &at("hook")));
        assert!(off[0].1.contains("selfservice.flows.verification.enabled"));
        let hooks = json!([
            {"hook": "notify_previous_addresses", "config": {"recipients": "all"}},
            {"hook": "show_verification_ui", "config": {}},
        ]);
        let odd = found(&hooks, false);
        assert_eq!((odd.len(), &odd[0].0), (1, &at("config")));
        assert!(odd[0].1.contains("`show_verification_ui` has no options"));
    }
}
