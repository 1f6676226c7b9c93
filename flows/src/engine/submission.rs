//! A submitted form or JSON body, decoded once (docs/wire.md, W1.6 and W1.7). Reads fields as their method or
//! identity schema types them; knows nothing of HTTP.

use identity::schema::{FieldKind, TraitField};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{Error as ReadError, MapDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};
use tenants::Fault;

#[cfg(test)]
mod tests;

/// What was submitted.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Submission {
    form: Option<Vec<(String, String)>>,
    json: Map<String, Value>,
    method: Option<String>,
    transient_payload: Option<Value>,
}

impl std::fmt::Debug for Submission {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Submission {
    /// From a form's pairs, in the order sent.
    pub fn from_form(pairs: Vec<(String, String)>) -> Self {
        let mut json = Map::new();
        for (key, value) in &pairs {
            // The first value wins; an empty one is as good as none.
            if !value.is_empty() && !json.contains_key(key) {
                json.insert(key.clone(), Value::String(value.clone()));
            }
        }
        let mut payload = Map::new();
        for (key, value) in &json {
            if let Some(path) = key.strip_prefix("transient_payload.") {
                put(&mut payload, &segments(path), value.clone());
            }
        }
        let transient_payload = (!payload.is_empty()).then_some(Value::Object(payload));
        let method = json
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Self {
            form: Some(pairs),
            json,
            method,
            transient_payload,
        }
    }

    /// From a JSON object: top-level empty strings and nulls count as absent.
    pub fn from_json(body: Map<String, Value>) -> Self {
        let json: Map<String, Value> = body
            .into_iter()
            .filter(|(_, v)| !v.is_null() && v.as_str() != Some(""))
            .collect();
        let method = json
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let transient_payload = json
            .get("transient_payload")
            .filter(|v| v.is_object())
            .cloned();
        Self {
            form: None,
            json,
            method,
            transient_payload,
        }
    }

    /// The method named.
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// A method's fields: a struct of `Option<String>`, which holds what [`Submission::text`] finds by the
    /// fields' names. Fails only when the struct asks for more than that.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let sent = self.json.iter().filter(|(_, value)| !value.is_null());
        let fields = sent.map(|(name, value)| (name.as_str(), Field(value)));
        T::deserialize(MapDeserializer::new(fields))
            .map_err(|error| Fault::broken(format!("fields that cannot be read: {error}")))
    }

    /// A text field. Numbers and booleans are taken as their text.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.json.get(name).filter(|value| !value.is_null())?;
        Some(text_of(value))
    }

    /// What the client wants to have echoed and handed to hooks: an object.
    pub fn transient_payload(&self) -> Option<&Value> {
        self.transient_payload.as_ref()
    }

    /// The JSON type of a transient payload that is no object.
    pub fn bad_transient_payload(&self) -> Option<&'static str> {
        if self.form.is_some() {
            return None;
        }
        match self.json.get("transient_payload")? {
            Value::Object(_) => None,
            Value::Array(_) => Some("array"),
            Value::String(_) => Some("string"),
            Value::Bool(_) => Some("boolean"),
            Value::Number(_) => Some("number"),
            Value::Null => Some("null"),
        }
    }

    /// The traits, typed as the schema's fields say. An object, except when a JSON body sent something
    /// else as `traits`: then that, for the schema to refuse.
    pub fn traits(&self, fields: &[TraitField]) -> Value {
        let mut traits = match self.json.get("traits") {
            None | Some(Value::Number(_)) => Map::new(),
            Some(Value::Object(nested)) => nested.clone(),
            Some(other) => return other.clone(),
        };
        match &self.form {
            Some(pairs) => form_traits(pairs, fields, &mut traits),
            None => {
                for (key, value) in &self.json {
                    if let Some(path) = key.strip_prefix("traits.") {
                        let field = fields.iter().find(|f| f.name == *key);
                        put(
                            &mut traits,
                            &segments(path),
                            field.map_or_else(|| value.clone(), |f| typed(f, value)),
                        );
                    }
                }
            }
        }
        Value::Object(traits)
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One submitted value, to be read as its text.
struct Field<'a>(&'a Value);

impl IntoDeserializer<'_, ReadError> for Field<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Field<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_string(text_of(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// Of a form, what its fields know; everything else is left aside, as in Kratos.
fn form_traits(pairs: &[(String, String)], fields: &[TraitField], traits: &mut Map<String, Value>) {
    for field in fields {
        let Some(path) = field.name.strip_prefix("traits.") else {
            continue;
        };
        let value = if field.is_list {
            list(pairs, field)
        } else {
            single(pairs, field)
        };
        if let Some(value) = value {
            put(traits, &segments(path), value);
        }
    }
}

fn single(pairs: &[(String, String)], field: &TraitField) -> Option<Value> {
    let mut sent = pairs
        .iter()
        .filter(|(key, _)| *key == field.name)
        .map(|(_, value)| value.as_str());
    // A hidden "false" stands before a ticked box: the last value wins. Elsewhere the first.
    let value = if field.kind == FieldKind::Checkbox {
        sent.next_back()
    } else {
        sent.next()
    };
    match (value?, field.kind, field.required) {
        ("", FieldKind::Checkbox, true) => Some(Value::Bool(false)),
        ("", FieldKind::Number, true) => Some(Value::from(0)),
        ("", ..) => None,
        (text, ..) => Some(typed(field, &Value::String(text.to_owned()))),
    }
}

/// The items that the form was drawn with (`traits.tags.0`), in their order, then those of the field itself.
/// An emptied one is gone; a list of none is as good as not sent.
fn list(pairs: &[(String, String)], field: &TraitField) -> Option<Value> {
    let place = |key: &str| match key.strip_prefix(&field.name)? {
        "" => Some(usize::MAX),
        index => index.strip_prefix('.')?.parse().ok(),
    };
    let filled = pairs.iter().filter(|(_, text)| !text.is_empty());
    let mut items: Vec<(usize, Value)> = filled
        .filter_map(|(key, text)| Some((place(key)?, typed(field, &Value::from(text.as_str())))))
        .collect();
    items.sort_by_key(|(place, _)| *place);
    (!items.is_empty()).then(|| items.into_iter().map(|(_, item)| item).collect())
}

/// A text as the field's type, where it can be read as one; otherwise as it is, for the schema to refuse.
fn typed(field: &TraitField, value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    match field.kind {
        FieldKind::Text => value.clone(),
        FieldKind::Checkbox => match text.as_str() {
            "true" | "TRUE" | "True" | "1" | "t" | "T" => Value::Bool(true),
            "false" | "FALSE" | "False" | "0" | "f" | "F" => Value::Bool(false),
            _ => value.clone(),
        },
        FieldKind::Number => {
            let whole = text.parse::<i64>().ok().map(Value::from);
            let number = || {
                text.parse::<f64>()
                    .ok()
                    .and_then(|n| serde_json::Number::from_f64(n).map(Value::Number))
            };
            whole.or_else(number).unwrap_or_else(|| value.clone())
        }
    }
}

/// `a.b\.c` -> `a`, `b.c`. Deeper than 64 levels is cut off: no field lies there.
fn segments(path: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => segments
                .last_mut()
                .into_iter()
                .for_each(|s| s.extend(characters.next())),
            '.' if segments.len() < 64 => segments.push(String::new()),
            other => segments.last_mut().into_iter().for_each(|s| s.push(other)),
        }
    }
    segments
}

fn put(object: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            object.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = object
                .entry(first.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
