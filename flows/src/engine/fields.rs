//! The fields of a method in one kind of flow: a struct in the method's folder. A submission is read from it
//! ([`super::submission::Submission::read`]) and the REST interface describes one by it, so the two cannot differ.

use std::{borrow::Cow, marker::PhantomData};

use serde::de::DeserializeOwned;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{Discriminator, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type},
    },
};

use super::kind::Kind;

/// What a method reads, each field an `Option<String>`; what one without it lacks is marked `required`. The
/// fields that the engine reads (`method`, `csrf_token`, `traits`, `transient_payload`) are not among them.
pub trait Fields: DeserializeOwned + ToSchema {
    /// The method's id.
    const METHOD: &'static str;
    /// What is said of the traits; `None` where none are submitted.
    const TRAITS: Option<&'static str> = None;
    /// May an object come along that the flow hands back?
    const HAS_TRANSIENT_PAYLOAD: bool = true;
}

/// How the submissions of one method are described.
pub struct Described {
    /// The method's id.
    pub method: &'static str,
    schema: fn() -> Schema,
    used: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Described {
    /// By its fields.
    pub const fn of<F: Fields>() -> Self {
        Self {
            method: F::METHOD,
            schema: with_common::<F>,
            used: F::schemas,
        }
    }

    /// `UpdateLoginFlowWithPasswordMethod`, for the generated clients of Kratos.
    fn name(&self, kind: &str) -> String {
        format!("Update{}FlowWith{}Method", camel(kind), camel(self.method))
    }
}

/// A kind of flow whose submissions are described.
pub trait Submitted: Kind {
    /// The methods, in the order in which the description lists them.
    fn described() -> &'static [Described];
}

/// A submission to a kind of flow, by `method`. For the description alone; no value of it is ever made.
pub struct Body<K>(PhantomData<K>);

impl<K: Submitted> PartialSchema for Body<K> {
    fn schema() -> RefOr<Schema> {
        let mut one_of = OneOfBuilder::new().description(Some(format!(
            "A submission to a {} flow, by `method`.",
            K::NAME
        )));
        let mut mapping = Vec::new();
        for described in K::described() {
            let to = Ref::from_schema_name(described.name(K::NAME));
            mapping.push((described.method, to.ref_location.clone()));
            one_of = one_of.item(to);
        }
        one_of
            .discriminator(Some(Discriminator::with_mapping("method", mapping)))
            .into()
    }
}

impl<K: Submitted> ToSchema for Body<K> {
    fn name() -> Cow<'static, str> {
        format!("Update{}FlowBody", camel(K::NAME)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for described in K::described() {
            schemas.push((described.name(K::NAME), (described.schema)().into()));
            (described.used)(schemas);
        }
    }
}

/// The method's own fields, and those that the engine reads.
fn with_common<F: Fields>() -> Schema {
    let mut object = match F::schema() {
        RefOr::T(Schema::Object(object)) => object,
        // Only a struct of named fields can be read from a submission.
        _ => Object::new(),
    };
    let method = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([F::METHOD]));
    put(&mut object, "method", method);
    object.required.insert(0, "method".to_owned());
    let token = "Browsers: the value of the node `csrf_token`. API clients: leave it out.";
    put(&mut object, "csrf_token", optional(Type::String, token));
    if let Some(about) = F::TRAITS {
        let traits = ObjectBuilder::new().description(Some(about));
        put(&mut object, "traits", traits);
        object.required.push("traits".to_owned());
    }
    if F::HAS_TRANSIENT_PAYLOAD {
        let payload = "An object that the flow hands back, and that hooks see.";
        put(
            &mut object,
            "transient_payload",
            optional(Type::Object, payload),
        );
    }
    Schema::Object(object)
}

fn optional(of: Type, about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([of, Type::Null]))
        .description(Some(about))
}

fn put(object: &mut Object, name: &str, schema: ObjectBuilder) {
    object.properties.insert(name.to_owned(), schema.into());
}

/// `identifier_first` -> `IdentifierFirst`.
fn camel(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
