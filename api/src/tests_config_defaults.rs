//! What `schemas/config.schema.json` gives as a default is what the server does without the key: each default is
//! held against the sections that read it.

use serde_json::{Map, Value, json};
use tenants::config::{SCHEMA_TEXT, SectionCheck};

/// Defaults that no section can be held against, by the end of their pointer, with the reason.
const EXCEPT: [(&str, &str); 4] = [
    (
        "/before/hooks",
        "no hook is served before a flow: the list can only be empty, and is not read",
    ),
    (
        "/hooks/0/config/recipients",
        "the hook reads its own options, from what the section keeps as it is",
    ),
    (
        "/identity/default_schema_id",
        "it depends on the list of schemas; this is the default where the presets are the list",
    ),
    (
        "/courier/channels/0/type",
        "there is one kind of channel, so the key is not read",
    ),
];

/// A place of the schema, the default that it states, and how documents with and without it look.
struct Stated<'s> {
    pointer: String,
    value: &'s Value,
    /// Nothing stands around it: it needs no item of a list and no other key.
    stands_alone: bool,
    without: Value,
}

impl Stated<'_> {
    fn with(&self, value: &Value) -> Value {
        let mut document = self.without.clone();
        put(&mut document, &self.pointer, value.clone());
        document
    }

    /// A value that cannot be read where this one can.
    fn of_another_type(&self) -> Value {
        match self.value {
            Value::String(_) | Value::Array(_) => Value::Bool(false),
            _ => json!([[]]),
        }
    }
}

struct Schema(Value);

impl Schema {
    /// Every default there is.
    fn stated(&self) -> Vec<Stated<'_>> {
        let root = Stated {
            pointer: String::new(),
            value: &Value::Null,
            stands_alone: true,
            without: json!({}),
        };
        let mut found = Vec::new();
        self.defaults(&self.0, &root, &mut found);
        found
    }

    fn node<'s>(&'s self, node: &'s Value) -> &'s Value {
        let to = node.get("$ref").and_then(Value::as_str);
        to.map_or(node, |to| self.0.pointer(&to[1..]).unwrap())
    }

    /// Every default below `node`, which speaks of what stands at `pointer`.
    fn defaults<'s>(&'s self, node: &'s Value, at: &Stated<'s>, found: &mut Vec<Stated<'s>>) {
        let node = self.node(node);
        for (name, next) in node["properties"].as_object().into_iter().flatten() {
            // A switch that can only be off changes nothing, and is not read.
            if self.node(next).get("const").is_some() {
                continue;
            }
            let required = node["required"].as_array().into_iter().flatten();
            let others = required.filter(|key| *key != name.as_str());
            let place = |value| Stated {
                pointer: format!("{}/{name}", at.pointer),
                value,
                stands_alone: at.stands_alone && others.clone().next().is_none(),
                without: {
                    let mut around = sample(self, node);
                    around.as_object_mut().unwrap().remove(name);
                    let mut without = at.without.clone();
                    put(&mut without, &at.pointer, around);
                    without
                },
            };
            if let Some(value) = next.get("default") {
                found.push(place(value));
            }
            self.defaults(next, &place(&Value::Null), found);
            let item = self.node(next).get("items");
            if let Some(item) = item {
                let mut first = place(&Value::Null);
                let list = json!([sample(self, self.node(item))]);
                put(&mut first.without, &first.pointer, list);
                first.pointer += "/0";
                first.stands_alone = false;
                self.defaults(item, &first, found);
            }
        }
    }
}

/// The least that fits: of an object, what it requires.
fn sample(schema: &Schema, node: &Value) -> Value {
    let node = schema.node(node);
    if let Some(first) = node["enum"].get(0) {
        return first.clone();
    }
    if node["type"] != "object" {
        return json!("x");
    }
    let required = node["required"].as_array().into_iter().flatten();
    let keys = required.map(|key| key.as_str().unwrap());
    let members = keys.map(|key| (key.to_owned(), sample(schema, &node["properties"][key])));
    Value::Object(members.collect())
}

/// Put a value there, whatever stands on the way.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let mut place = document;
    for step in pointer.split('/').skip(1) {
        place = match place {
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            Value::Object(members) => members
                .entry(step)
                .or_insert_with(|| Value::Object(Map::new())),
            other => panic!("{pointer}: {other}"),
        };
    }
    *place = value;
}

/// What is wrong with a default, if anything.
fn complaint(stated: &Stated<'_>, sections: &[SectionCheck]) -> Option<String> {
    let (pointer, value) = (&stated.pointer, stated.value);
    let (with, misread) = (stated.with(value), stated.with(&stated.of_another_type()));
    let is_read =
        |section: &&SectionCheck| section.reads_alike(&stated.without, &misread) != Some(true);
    if !sections.iter().any(|section| is_read(&section)) {
        return Some(format!("{pointer}: no section reads this key"));
    }
    // A method of `after` that is named without anything is kept, so these are compared with the name alone.
    let by_method = pointer.ends_with("/hooks") && !pointer.ends_with("/after/hooks");
    let absent = json!({});
    let mut without = vec![&stated.without];
    without.extend((stated.stands_alone && !by_method).then_some(&absent));
    let differs = |section: &SectionCheck| {
        without
            .iter()
            .any(|without| section.reads_alike(without, &with) != Some(true))
    };
    let differs = sections.iter().any(differs);
    differs.then(|| format!("{pointer}: a section has another default than {value}"))
}

#[test]
fn every_default_is_that_of_the_section_that_reads_it() {
    let schema = Schema(serde_json::from_str(SCHEMA_TEXT).unwrap());
    let sections = crate::config_rules().sections;
    let mut excepted = [false; EXCEPT.len()];
    let mut wrong = Vec::new();
    let mut count = 0;
    for stated in schema.stated() {
        count += 1;
        let except = |(end, _): &(&str, &str)| stated.pointer.ends_with(end);
        let except = EXCEPT.iter().position(except);
        match (complaint(&stated, sections), except) {
            (Some(_), Some(at)) => excepted[at] = true,
            (Some(complaint), None) => wrong.push(complaint),
            (None, _) => {}
        }
    }
    assert!(count > 80, "{count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(excepted, [true; EXCEPT.len()], "an exception too many");
}

/// The comparison finds what it is there for.
#[test]
fn a_wrong_default_is_told_by_its_pointer() {
    let sections = crate::config_rules().sections;
    let schema = Schema(serde_json::from_str(SCHEMA_TEXT).unwrap());
    let mut count = 0;
    for stated in schema.stated() {
        let other = match stated.value {
            Value::Bool(on) => Value::Bool(!on),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            _ => continue,
        };
        count += 1;
        let stated = Stated {
            value: &other,
            ..stated
        };
        let wanted = format!(
            "{}: a section has another default than {other}",
            stated.pointer
        );
        assert_eq!(complaint(&stated, sections), Some(wanted));
    }
    assert!(count > 40, "{count}");
    let keys = json!({"properties": {"lifetime": {"default": "24h"}}, "type": "object"});
    let schema = Schema(json!({"properties": {"session": keys}, "type": "object"}));
    let told = complaint(&schema.stated()[0], sections);
    assert_eq!(
        told.unwrap(),
        "/session/lifetime: no section reads this key"
    );
}
