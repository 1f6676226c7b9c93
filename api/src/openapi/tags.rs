//! Enumerations that serde tags from within: each variant a reference and, beside it, the tag. Generators
//! want the tag in the schema referred to, and a discriminator.

use serde_json::{Map, Value, json};

/// One variant: what it refers to, the tag's name and its value.
struct Variant {
    schema: String,
    tag: String,
    value: String,
}

/// Move tags into the schemas that they tell apart.
pub(super) fn fold(schemas: &mut Map<String, Value>) {
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in names {
        let Some(variants) = variants(&schemas[&name]) else {
            continue;
        };
        let mut mapping = Map::new();
        let mut refs = Vec::new();
        for Variant { schema, tag, value } in &variants {
            let to = format!("#/components/schemas/{schema}");
            mapping.insert(value.clone(), json!(to));
            refs.push(json!({ "$ref": to }));
            let described = &mut schemas[schema];
            described["properties"][tag] = json!({ "type": "string", "enum": [value] });
            if let Some(required) = described["required"].as_array_mut() {
                required.push(json!(tag));
            }
        }
        let tag = variants.first().map(|v| v.tag.clone());
        schemas[&name]["oneOf"] = Value::Array(refs);
        schemas[&name]["discriminator"] = json!({ "propertyName": tag, "mapping": mapping });
    }
}

/// The variants, if each of them is a reference with a tag.
fn variants(schema: &Value) -> Option<Vec<Variant>> {
    let one_of = schema.get("oneOf")?.as_array()?;
    one_of.iter().map(variant).collect()
}

fn variant(schema: &Value) -> Option<Variant> {
    let [inner, tagged] = schema.get("allOf")?.as_array()?.as_slice() else {
        return None;
    };
    let schema = inner.get("$ref")?.as_str()?.rsplit('/').next()?.to_owned();
    let (tag, value) = tagged.get("properties")?.as_object()?.iter().next()?;
    Some(Variant {
        schema,
        tag: tag.clone(),
        value: value["enum"][0].as_str()?.to_owned(),
    })
}
