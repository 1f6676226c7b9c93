//! The drafts of JSON Schema that are served.

use serde_json::Value;

use super::SchemaProblem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Draft7,
    Draft202012,
}

/// As `$schema` says; draft-07 where it says nothing.
pub(super) fn of(document: &Value) -> Result<Dialect, SchemaProblem> {
    let Some(object) = document.as_object() else {
        return Err(SchemaProblem::new("", "must be an object"));
    };
    let Some(named) = object.get("$schema") else {
        return Ok(Dialect::Draft7);
    };
    let name = named.as_str().unwrap_or_default().trim_end_matches('#');
    match name
        .trim_start_matches("https://")
        .trim_start_matches("http://")
    {
        "json-schema.org/draft-07/schema" => Ok(Dialect::Draft7),
        "json-schema.org/draft/2020-12/schema" => Ok(Dialect::Draft202012),
        _ => Err(SchemaProblem::new(
            "/$schema",
            "must name draft-07 or 2020-12 of JSON Schema",
        )),
    }
}
