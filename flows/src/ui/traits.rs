//! Form fields for the traits of an identity schema (docs/wire.md, W4.4). Reads a flat list of fields; how
//! those come out of a JSON Schema is not known here.

use std::collections::BTreeMap;

use identity::schema::{FieldKind, TraitField};
use serde_json::Value;

use super::node::{Autocomplete, Group, InputType, Node};
use super::{Ui, input, text};

/// More values than this stay in a choice's schema, not in the form.
const OPTIONS_MAX: usize = 500;
/// So many submitted values without a field are shown; a body could hold many thousands.
const STRAY_FIELDS_MAX: usize = 100;

/// As deep as traits may be (the JSON reader ends at 128, and the flow is around them).
const REMEMBERED_NESTING_MAX: usize = 64;

/// A visitor can submit a flow again and again with other keys; what is remembered of it must
/// neither grow without end nor nest so deeply that it cannot be read back.
pub(crate) fn is_storable(traits: &Value, bytes_max: usize) -> bool {
    !nests_deeper(traits, REMEMBERED_NESTING_MAX)
        && serde_json::to_vec(traits).is_ok_and(|text| text.len() <= bytes_max)
}

fn nests_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(object) => {
            levels == 0 || object.values().any(|part| nests_deeper(part, levels - 1))
        }
        Value::Array(items) => {
            levels == 0 || items.iter().any(|part| nests_deeper(part, levels - 1))
        }
        _ => false,
    }
}

/// The nodes of `fields`, by name, filled from `traits` (the object below `traits`, or null).
pub fn nodes(fields: &[TraitField], traits: &Value, group: Group) -> Vec<Node> {
    let values = leaves(traits);
    let mut nodes: Vec<Node> = fields
        .iter()
        .map(|field| node(field, values.get(&field.name), group))
        .collect();
    nodes.sort_by(|a, b| a.id().cmp(b.id()));
    nodes
}

fn node(field: &TraitField, value: Option<&&Value>, group: Group) -> Node {
    let (kind, hint) = input_type(field);
    let mut node = input(&field.name, kind)
        .group(group)
        .options(field.options.iter().take(OPTIONS_MAX).cloned());
    if let Some(hint) = hint {
        node = node.autocomplete(hint);
    }
    if let Some(title) = field.title.as_deref().filter(|title| !title.is_empty()) {
        node = node.label(text::field_label(title, &field.name));
    }
    if let Some(pattern) = field
        .pattern
        .as_deref()
        .filter(|pattern| !pattern.is_empty())
    {
        node = node.pattern(pattern);
    }
    if field.required {
        node = node.required();
    }
    if field.disabled {
        node = node.disabled();
    }
    if let Some(value) = value {
        node = node.value((*value).clone());
    }
    node.into()
}

fn input_type(field: &TraitField) -> (InputType, Option<Autocomplete>) {
    match field.format.as_deref() {
        Some("email") => (InputType::Email, Some(Autocomplete::Email)),
        Some("tel") => (InputType::Tel, Some(Autocomplete::Tel)),
        Some("uri") => (InputType::Url, Some(Autocomplete::Url)),
        Some("date") => (InputType::Date, None),
        Some("date-time") => (InputType::DatetimeLocal, None),
        _ if field.is_list => (InputType::Text, None),
        _ => match field.kind {
            FieldKind::Text => (InputType::Text, None),
            FieldKind::Number => (InputType::Number, None),
            FieldKind::Checkbox => (InputType::Checkbox, None),
        },
    }
}

/// Puts submitted traits back into a form. A value without a field gets one, by its JSON type, so that
/// nothing entered is lost; but no more than a hundred of these. An item is labelled as its list is.
pub fn fill(ui: &mut Ui, traits: &Value, group: Group) {
    let mut strays = 0;
    for (name, value) in leaves(traits) {
        if ui.set_value(&name, value.clone()) || value.is_null() {
            continue;
        }
        strays += 1;
        if strays > STRAY_FIELDS_MAX {
            continue;
        }
        let kind = match value {
            Value::Bool(_) => InputType::Checkbox,
            Value::Number(_) => InputType::Number,
            _ => InputType::Text,
        };
        let list = name.rsplit_once('.').map_or("", |(list, _)| list);
        let label = ui.find(list).and_then(|node| node.meta.label.clone());
        let mut stray = input(name, kind).group(group).value(value.clone());
        if let Some(label) = label {
            stray = stray.label(label);
        }
        ui.push(stray);
    }
}

/// A property's part of a node's name: dots of its own are marked, `\.`, since a bare one descends.
pub(super) fn segment(property: &str) -> String {
    property.replace('.', "\\.")
}

/// Every leaf of an object by its dotted name, `traits` in front; items of arrays by their index.
fn leaves(traits: &Value) -> BTreeMap<String, &Value> {
    fn walk<'v>(name: &str, value: &'v Value, found: &mut BTreeMap<String, &'v Value>) {
        match value {
            Value::Object(object) => object
                .iter()
                .for_each(|(key, value)| walk(&format!("{name}.{}", segment(key)), value, found)),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(i, value)| walk(&format!("{name}.{i}"), value, found));
            }
            leaf => {
                found.insert(name.to_owned(), leaf);
            }
        }
    }
    let mut found = BTreeMap::new();
    if traits.is_object() {
        walk("traits", traits, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, kind: FieldKind, format: Option<&str>) -> TraitField {
        TraitField {
            name: name.into(),
            kind,
            is_list: false,
            format: format.map(Into::into),
            title: None,
            required: false,
            pattern: None,
            options: Vec::new(),
            disabled: false,
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(is_storable(&Value::Null, 4) && is_storable(&deep(64), 1024));
        assert!(!is_storable(&deep(65), 1024));
        let text = json!({"a": "x".repeat(100)});
        assert!(is_storable(&text, 108) && !is_storable(&text, 107));
    }

    #[test]
    fn types_and_hints() {
        use FieldKind::*;
        let cases = [
            (Text, None, json!({"type": "text"})),
            (Number, None, json!({"type": "number"})),
            (Checkbox, None, json!({"type": "checkbox"})),
            (
                Text,
                Some("email"),
                json!({"type": "email", "autocomplete": "email"}),
            ),
            (
                Text,
                Some("tel"),
                json!({"type": "tel", "autocomplete": "tel"}),
            ),
            (
                Text,
                Some("uri"),
                json!({"type": "url", "autocomplete": "url"}),
            ),
            (Text, Some("date"), json!({"type": "date"})),
            (Text, Some("date-time"), json!({"type": "datetime-local"})),
            (Text, Some("regex"), json!({"type": "text"})),
            (Number, Some("email_loose"), json!({"type": "number"})),
        ];
        for (kind, format, expected) in cases {
            let drawn = nodes(
                &[field("traits.a", kind, format)],
                &Value::Null,
                Group::Default,
            );
            let mut all = json!({"node_type": "input", "name": "traits.a", "disabled": false});
            all.as_object_mut()
                .unwrap()
                .extend(expected.as_object().unwrap().clone());
            assert_eq!(
                serde_json::to_value(&drawn[0].attributes).unwrap(),
                all,
                "{kind:?} {format:?}"
            );
            assert_eq!(serde_json::to_value(&drawn[0]).unwrap()["meta"], json!({}));
        }
    }

    #[test]
    fn everything_a_schema_can_say() {
        let mut all = field("traits.plan", FieldKind::Text, None);
        all.title = Some("Plan".into());
        all.required = true;
        all.disabled = true;
        all.pattern = Some("^[a-z]+$".into());
        all.options = (0..600).map(Value::from).collect();
        let drawn = nodes(&[all], &json!({"plan": "free"}), Group::Profile);
        let node = serde_json::to_value(&drawn[0]).unwrap();
        assert_eq!(node["group"], "profile");
        assert_eq!(node["meta"]["label"]["id"], 1_070_002);
        assert_eq!(
            node["meta"]["label"]["context"],
            json!({"title": "Plan", "name": "traits.plan"})
        );
        let attributes = &node["attributes"];
        assert_eq!(
            (&attributes["required"], &attributes["disabled"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(
            (&attributes["pattern"], &attributes["value"]),
            (&json!("^[a-z]+$"), &json!("free"))
        );
        assert_eq!(attributes["options"].as_array().unwrap().len(), 500);
        assert_eq!(attributes["options"][1], json!({"value": 1}));
    }

    #[test]
    fn values_are_found_by_dotted_name_and_nodes_come_by_name() {
        let fields = [
            field("traits.name.last", FieldKind::Text, None),
            field("traits.name.first", FieldKind::Text, None),
            field("traits.adult", FieldKind::Checkbox, None),
            field("traits.v1\\.0", FieldKind::Text, None),
        ];
        let drawn = nodes(
            &fields,
            &json!({"name": {"first": ""}, "adult": false, "v1.0": "x", "v1": {"0": "y"}}),
            Group::Default,
        );
        let seen: Vec<_> = drawn
            .iter()
            .map(|n| (n.id(), n.input().unwrap().value.clone()))
            .collect();
        let expected = [
            ("traits.adult", Some(json!(false))),
            ("traits.name.first", Some(json!(""))),
            ("traits.name.last", None),
            ("traits.v1\\.0", Some(json!("x"))),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn submitted_values_come_back_even_without_a_field() {
        let mut ui = Ui::new("https://x");
        ui.push(input("traits.email", InputType::Email));
        fill(
            &mut ui,
            &json!({"email": "a@b.c", "n": 1, "b": true, "list": ["x"], "gone": null}),
            Group::Default,
        );
        let seen: Vec<_> = ui
            .nodes
            .iter()
            .map(|n| (n.id(), n.input().unwrap().kind))
            .collect();
        let expected = [
            ("traits.email", InputType::Email),
            ("traits.b", InputType::Checkbox),
            ("traits.list.0", InputType::Text),
            ("traits.n", InputType::Number),
        ];
        assert_eq!(seen, expected);
        assert_eq!(ui.nodes[0].input().unwrap().value, Some(json!("a@b.c")));
        fill(&mut ui, &json!({"email": null}), Group::Default);
        assert_eq!(ui.nodes[0].input().unwrap().value, None);
    }

    #[test]
    fn stray_values_are_bounded_and_keep_no_field_from_being_filled() {
        let mut many: serde_json::Map<_, _> = (0..1000)
            .map(|n| (format!("k{n}"), Value::from(n)))
            .collect();
        many.insert("zip".into(), "10115".into());
        let mut ui = Ui::new("https://x");
        ui.push(input("traits.zip", InputType::Text));
        fill(&mut ui, &many.into(), Group::Default);
        assert_eq!(ui.nodes.len(), 1 + STRAY_FIELDS_MAX);
        assert_eq!(ui.nodes[0].input().unwrap().value, Some(json!("10115")));
        fill(&mut ui, &Value::String("no object".into()), Group::Default);
        assert_eq!(ui.nodes.len(), 1 + STRAY_FIELDS_MAX);
    }
}
