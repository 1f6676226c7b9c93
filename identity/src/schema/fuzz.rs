//! Any schema at any traits, on the pool, as the product judges them: never a panic, never more work than the walk
//! over both has told ([`super::cost`]), and what was stored fits again.

mod documents;
mod people;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ::fuzz::fuzz;
use jsonschema::{Keyword, ValidationError, ValidationOptions};
use proptest::{prelude::*, test_runner::TestCaseResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Derived, IdentitySchema, Violation, cost::Purse, inspect};
use crate::judging::TraitsPool;

/// A keyword that all subschemas of these documents hold, and of no others: it counts how often it is asked.
const VISITS: &str = "insula-visits";
/// As many as an answer may hold.
const VIOLATIONS_MAX: usize = 100;
/// Those that are left. The validator cannot be stopped, but for a panic.
static VISITS_LEFT: AtomicU64 = AtomicU64::new(0);

struct Counter;

impl Keyword<'_> for Counter {
    fn validate(&self, _: &Value) -> Result<(), ValidationError<'static>> {
        let less = VISITS_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        assert!(less.is_ok(), "more visits than steps were told");
        Ok(())
    }

    fn is_valid(&self, instance: &Value) -> bool {
        self.validate(instance).is_ok()
    }
}

/// The product's options, with the counter.
pub(super) fn counted(options: ValidationOptions<'static>) -> ValidationOptions<'static> {
    options.with_keyword(VISITS, |_, _, _| Ok(Box::new(Counter)))
}

/// What the walk tells that judging these traits costs at most. Nought: they are not looked at.
fn told(schema: &IdentitySchema, traits: &Value) -> u64 {
    let mut purse = Purse::new(&schema.nodes);
    let instance = json!({ "traits": traits });
    if inspect::first_problem(traits).is_none() && purse.affords(&instance, &schema.relevant) {
        purse.affords_complaints(&instance);
    }
    purse.agreed()
}

fn judge(
    pool: &TraitsPool,
    schema: &Arc<IdentitySchema>,
    traits: &Value,
) -> Result<Result<Derived, Vec<Violation>>, TestCaseError> {
    VISITS_LEFT.store(told(schema, traits), Ordering::Relaxed);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let judged = runtime
        .unwrap()
        .block_on(pool.judge(Uuid::nil(), schema, traits));
    judged.map_err(|why| TestCaseError::fail(format!("{why:?}")))
}

fn check(pool: &TraitsPool, document: &Value, traits: &Value) -> TestCaseResult {
    let Ok(schema) = IdentitySchema::compile("fuzz", document) else {
        return Ok(());
    };
    let schema = Arc::new(schema);
    match judge(pool, &schema, traits)? {
        Ok(derived) => {
            prop_assert_eq!(judge(pool, &schema, &derived.traits)?, Ok(derived));
        }
        Err(violations) => {
            prop_assert!(!violations.is_empty() && violations.len() <= VIOLATIONS_MAX);
        }
    }
    Ok(())
}

#[test]
fn schemas_and_traits() {
    let pool = TraitsPool::new(1, 10, 10);
    let both = (documents::document(), people::traits());
    fuzz("schemas and traits", &both, |(document, traits)| {
        check(&pool, &document, &traits)
    });
}
