//! Traits, with the names that the schemas know.

use ::fuzz::hostile;
use proptest::{collection::vec, prelude::*, sample::select, strategy::BoxedStrategy};
use serde_json::{Value, json};

use super::documents::NAMES;

pub(super) fn traits() -> impl Strategy<Value = Value> {
    prop_oneof![19 => object(value()), 1 => value()]
}

fn object(inner: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let pairs = vec((select(NAMES), inner), 0..5);
    let object = |pairs: Vec<(&str, Value)>| {
        Value::Object(
            pairs
                .into_iter()
                .map(|(name, it)| (name.to_owned(), it))
                .collect(),
        )
    };
    pairs.prop_map(object).boxed()
}

fn value() -> BoxedStrategy<Value> {
    const WORDS: &[&str] = &[
        "ada@example.org",
        "+49 30 1234567",
        "01",
        "a",
        "value 1",
        "(?:a{9}){9}",
    ];
    let leaf = prop_oneof![
        2 => hostile::text_of(WORDS).prop_map(Value::from),
        1 => (-9..9_i64).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => select(vec![Value::Null, json!(true), json!({}), json!([])]),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            2 => object(inner.clone()),
            1 => vec(inner.clone(), 0..5).prop_map(Value::from),
            1 => (inner.clone(), 1..300_usize).prop_map(|(it, times)| Value::from(vec![it; times])),
            1 => (inner, 1..66_usize, any::<bool>()).prop_map(|(it, levels, list)| {
                (0..levels).fold(it, |it, _| if list { json!([it]) } else { json!({"a": it}) })
            }),
        ]
    })
    .boxed()
}
