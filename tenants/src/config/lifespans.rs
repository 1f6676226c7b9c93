//! How long a secret that was sent by mail or text message may be good. Six digits are guessed the sooner the longer
//! they live; what administrators hand over has a time of its own.

use std::time::Duration;

use serde_json::Value;

use super::environment::Environment;
use super::units::{format_duration, parse_duration};
use super::violation::ConfigViolation;

/// In PRODUCTION: (pointer, what it is of, the longest).
const LONGEST: [(&str, &str, Duration); 2] = [
    (
        "/selfservice/methods/code/config/lifespan",
        "a code",
        Duration::from_hours(1),
    ),
    (
        "/selfservice/methods/link/config/lifespan",
        "a link",
        Duration::from_hours(24),
    ),
];

/// Those of a PRODUCTION project that are too long.
pub(super) fn check(document: &Value, environment: Environment, found: &mut Vec<ConfigViolation>) {
    if environment != Environment::Production {
        return;
    }
    for (pointer, of, longest) in LONGEST {
        if is_longer(document, pointer, longest) {
            let longest = format_duration(longest);
            let message = format!("in PRODUCTION {of} is good for {longest} at most");
            found.push(ConfigViolation::new(pointer, message));
        }
    }
}

/// Shorten those of an imported document that are too long; a note for each.
pub(super) fn shorten(document: &mut Value, environment: Environment, notes: &mut Vec<String>) {
    if environment != Environment::Production {
        return;
    }
    for (pointer, of, longest) in LONGEST {
        if is_longer(document, pointer, longest)
            && let Some(lifespan) = document.pointer_mut(pointer)
        {
            let longest = format_duration(longest);
            let key = pointer[1..].replace('/', ".");
            notes.push(format!(
                "`{key}` was lowered from {} to {longest}, the longest that {of} is good for in PRODUCTION",
                lifespan.as_str().unwrap_or_default()
            ));
            *lifespan = Value::from(longest);
        }
    }
}

fn is_longer(document: &Value, pointer: &str, longest: Duration) -> bool {
    let lifespan = document.pointer(pointer).and_then(Value::as_str);
    lifespan
        .and_then(|text| parse_duration(text).ok())
        .is_some_and(|lifespan| lifespan > longest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn production_bounds_what_is_guessed() {
        let methods = json!({"code": {"config": {"lifespan": "2h"}}, "link": {"config": {"lifespan": "25h"}}});
        let mut document = json!({"selfservice": {"methods": methods}});
        let found = |document: &Value, environment| {
            let mut found = Vec::new();
            check(document, environment, &mut found);
            found
                .iter()
                .map(|it| it.pointer.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found(&document, Environment::Production),
            [
                "/selfservice/methods/code/config/lifespan",
                "/selfservice/methods/link/config/lifespan"
            ]
        );
        assert!(found(&document, Environment::Staging).is_empty());

        let mut notes = Vec::new();
        shorten(&mut document, Environment::Staging, &mut notes);
        assert!(notes.is_empty());
        shorten(&mut document, Environment::Production, &mut notes);
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("from 2h to 1h"), "{notes:?}");
        assert!(found(&document, Environment::Production).is_empty());
        let methods = &document["selfservice"]["methods"];
        assert_eq!(methods["link"]["config"]["lifespan"], "24h");
    }
}
