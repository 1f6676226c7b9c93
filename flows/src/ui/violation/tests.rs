//! Every keyword, pointer and place.

use serde_json::{Value, json};

use super::*;
use crate::ui::{self, Group};

fn found(pointer: &str, kind: ViolationKind) -> Violation {
    Violation {
        pointer: pointer.into(),
        schema_pointer: "#".into(),
        kind,
        detail: "the validator's words".into(),
    }
}

fn ids_of(cases: impl IntoIterator<Item = (ViolationKind, u32)>) {
    for (kind, id) in cases {
        assert_eq!(violation(&found("#/", kind.clone())).id, id, "{kind:?}");
    }
}

#[test]
fn sizes_have_their_ids() {
    use ViolationKind::*;
    ids_of([
        (MinLength { min: 2, actual: 1 }, 4_000_003),
        (MaxLength { max: 1, actual: 2 }, 4_000_017),
        (MaxItems { max: 1, actual: 2 }, 4_000_023),
        (MinItems { min: 2, actual: 1 }, 4_000_024),
        (UniqueItems { a: 0, b: 1 }, 4_000_025),
    ]);
}

#[test]
fn numbers_have_their_ids() {
    use ViolationKind::*;
    let of = |kind: fn(Value, Value) -> ViolationKind| kind(json!(1), json!(2));
    ids_of([
        (of(|limit, actual| Minimum { limit, actual }), 4_000_018),
        (
            of(|limit, actual| ExclusiveMinimum { limit, actual }),
            4_000_019,
        ),
        (of(|limit, actual| Maximum { limit, actual }), 4_000_020),
        (
            of(|limit, actual| ExclusiveMaximum { limit, actual }),
            4_000_021,
        ),
        (of(|base, actual| MultipleOf { base, actual }), 4_000_022),
    ]);
}

#[test]
fn kinds_of_values_have_their_ids() {
    use ViolationKind::*;
    let format = |format: &str| Format {
        format: format.into(),
        value: json!("x"),
    };
    ids_of([
        (
            Required {
                property: "a".into(),
            },
            4_000_002,
        ),
        (
            Pattern {
                pattern: "a".into(),
            },
            4_000_004,
        ),
        (
            Type {
                allowed: vec!["string".into()],
                actual: "null".into(),
            },
            4_000_026,
        ),
        (
            Const {
                expected: Some(json!(null)),
            },
            4_000_029,
        ),
        (Const { expected: None }, 4_000_030),
        (format("email"), 4_000_040),
        (format("email_loose"), 4_000_040),
        (format("tel"), 4_000_041),
        (format("uri"), 4_000_001),
        (Other, 4_000_001),
    ]);
    assert_eq!(
        violation(&found("#/", Other)).context["reason"],
        "the validator's words"
    );
}

#[test]
fn pointers_name_nodes() {
    let cases = [
        ("#/traits/email", None, Some("traits.email")),
        ("#/traits/name", Some("first"), Some("traits.name.first")),
        ("#/", Some("traits"), Some("traits")),
        ("#/", None, None),
        ("#", None, None),
        ("", None, None),
        ("/traits/email", None, Some("traits.email")),
        ("#/traits/a~1b~0c", None, Some("traits.a/b~c")),
        ("#/traits/v1.0", Some("a.b"), Some("traits.v1\\.0.a\\.b")),
        ("#/traits/tags/0", None, Some("traits.tags.0")),
    ];
    for (pointer, below, name) in cases {
        assert_eq!(node_name(pointer, below).as_deref(), name, "{pointer}");
    }
}

#[test]
fn messages_land_where_they_can_be_mended() {
    let mut form = Ui::new("https://x/self-service/registration?flow=1");
    form.push(ui::text_input("traits.name.first").group(Group::Profile));
    let violations = [
        found(
            "#/traits/name",
            ViolationKind::Required {
                property: "first".into(),
            },
        ),
        found(
            "#/traits/name/first",
            ViolationKind::MinLength { min: 1, actual: 0 },
        ),
        found("#/traits/nope", ViolationKind::Other),
        found("#/", ViolationKind::Other),
    ];
    place(&mut form, &violations);

    let ids = |messages: &[Message]| messages.iter().map(|m| m.id).collect::<Vec<_>>();
    assert_eq!(ids(&form.nodes[0].messages), [4_000_002, 4_000_003]);
    assert_eq!(
        (form.nodes[1].id(), form.nodes[1].group),
        ("traits.nope", Group::Default)
    );
    assert_eq!(ids(&form.nodes[1].messages), [4_000_001]);
    assert_eq!(ids(&form.messages), [4_000_001]);
    assert_eq!(form.nodes.len(), 2);
}
