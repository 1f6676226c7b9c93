//! The schema as text: the snapshot in `schemas/api.graphql`, and what can be read or called by it.

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};

/// The schema definition, as in `schemas/api.graphql`.
pub fn sdl() -> String {
    super::builder().finish().sdl()
}

/// `Type.field` for every field of the schema that an operation can reach, in the order of the SDL.
///
/// # Panics
/// When the library cannot read the SDL it wrote.
pub fn fields() -> Vec<String> {
    #[expect(clippy::expect_used, reason = "a test of this crate reads it, too")]
    let document = parse_schema(sdl()).expect("the SDL of the schema parses");
    let mut found = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        // Types that no operation reaches are not in the SDL to begin with.
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            _ => continue,
        };
        let of = &definition.node.name.node;
        found.extend(
            fields
                .iter()
                .map(|field| format!("{of}.{}", field.node.name.node)),
        );
    }
    found
}
