//! The nodes a form is made of, in the exact JSON shape clients read (docs/wire.md, W4.1 and W4.2). Flows are
//! stored with their form, so everything reads back too. Knows nothing of methods, schemas or order.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::text::Message;

/// One element of a form. Its JSON `type` mirrors `attributes.node_type`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Node {
    /// The method (or none in particular) it belongs to; clients filter by it.
    pub group: Group,
    /// What it is, by kind.
    pub attributes: Attributes,
    /// Complaints about it; always an array in JSON.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// Always an object in JSON, empty without a label.
    #[serde(default)]
    pub meta: Meta,
}

impl Node {
    /// What the node is found by: the `name` of an input, the `id` of anything else.
    pub fn id(&self) -> &str {
        match &self.attributes {
            Attributes::Input(a) => &a.name,
            Attributes::Img(a) => &a.id,
            Attributes::A(a) => &a.id,
            Attributes::Text(a) => &a.id,
            Attributes::Script(a) => &a.id,
            Attributes::Div(a) => &a.id,
        }
    }

    /// The input's attributes, when it is one.
    pub fn input(&self) -> Option<&Input> {
        match &self.attributes {
            Attributes::Input(input) => Some(input),
            _ => None,
        }
    }

    /// As [`Node::input`], to change it.
    pub fn input_mut(&mut self) -> Option<&mut Input> {
        match &mut self.attributes {
            Attributes::Input(input) => Some(input),
            _ => None,
        }
    }

    /// The same node in another group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.group = group;
        self
    }

    /// The same node with a label.
    #[must_use]
    pub fn label(mut self, label: Message) -> Self {
        self.meta.label = Some(label);
        self
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut node = serializer.serialize_struct("Node", 5)?;
        node.serialize_field("type", self.attributes.node_type())?;
        node.serialize_field("group", &self.group)?;
        node.serialize_field("attributes", &self.attributes)?;
        node.serialize_field("messages", &self.messages)?;
        node.serialize_field("meta", &self.meta)?;
        node.end()
    }
}

/// One element of a form.
#[derive(ToSchema)]
#[schema(as = UiNode)]
#[expect(
    dead_code,
    reason = "says what the JSON looks like, which is written by hand above"
)]
struct Shown {
    /// What it is; the same as `attributes.node_type`.
    #[schema(rename = "type")]
    kind: NodeType,
    /// The method (or none in particular) it belongs to.
    group: Group,
    /// What it is, in detail.
    attributes: Attributes,
    /// Complaints about it.
    messages: Vec<Message>,
    /// What stands beside it; empty without a label.
    meta: Meta,
}

/// The kinds of nodes.
#[derive(ToSchema)]
#[schema(as = UiNodeType, rename_all = "lowercase")]
#[expect(dead_code, reason = "says what the JSON looks like")]
enum NodeType {
    Input,
    Img,
    A,
    Text,
    Script,
    Div,
}

impl PartialSchema for Node {
    fn schema() -> RefOr<Schema> {
        Shown::schema()
    }
}

impl ToSchema for Node {
    fn name() -> std::borrow::Cow<'static, str> {
        Shown::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Shown::schemas(schemas);
    }
}

/// What stands beside a node: so far its label.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeMeta)]
pub struct Meta {
    /// The text shown with the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<Message>,
}

/// What a node is; `node_type` in JSON, on which SDKs discriminate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "node_type", rename_all = "lowercase")]
#[schema(as = UiNodeAttributes)]
pub enum Attributes {
    /// A form field or button.
    Input(Box<Input>),
    /// A picture (the QR code).
    Img(Image),
    /// A link.
    A(Anchor),
    /// A text to read or copy.
    Text(Text),
    /// A script to run, pinned by its hash.
    Script(Script),
    /// A container other scripts fill.
    Div(Division),
}

impl Attributes {
    /// The name of the kind, as in JSON.
    pub fn node_type(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Img(_) => "img",
            Self::A(_) => "a",
            Self::Text(_) => "text",
            Self::Script(_) => "script",
            Self::Div(_) => "div",
        }
    }
}

/// A form field or button. Absent keys are omitted; `disabled` never is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeInputAttributes)]
pub struct Input {
    /// Name in the submitted body.
    pub name: String,
    /// Kind of field.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Its value; `""` is a value, null is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Must be filled in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// The browser's hint for filling it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub autocomplete: Option<Autocomplete>,
    /// A label inside the attributes; part of the shape, read by nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<Message>,
    /// Regular expression the value must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pattern: Option<String>,
    /// Shown, but not to be changed.
    pub disabled: bool,
    /// Script to run on a click, for pages that render attributes as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub onclick: Option<String>,
    /// Function to call on a click, for pages that run no inline script.
    #[serde(
        default,
        rename = "onclickTrigger",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub onclick_trigger: Option<Trigger>,
    /// Script to run once the page stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub onload: Option<String>,
    /// Function to call once the page stands.
    #[serde(
        default,
        rename = "onloadTrigger",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub onload_trigger: Option<Trigger>,
    /// Longest value, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maxlength: Option<u32>,
    /// Values to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
}

// Serde hands fields over by reference.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// One value to choose from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeInputOption)]
pub struct Choice {
    /// The value as submitted.
    pub value: Value,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeImageAttributes)]
pub struct Image {
    /// Address, usually a `data:` URL.
    pub src: String,
    /// Id on the page.
    pub id: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeAnchorAttributes)]
pub struct Anchor {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub title: Message,
    /// Id on the page.
    pub id: String,
}

/// A text to read or copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeTextAttributes)]
pub struct Text {
    /// The text.
    pub text: Message,
    /// Id on the page.
    pub id: String,
}

/// A script to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeScriptAttributes)]
pub struct Script {
    /// Address.
    pub src: String,
    /// Always true.
    #[serde(rename = "async")]
    pub is_async: bool,
    /// Always `no-referrer`.
    pub referrerpolicy: String,
    /// Always `anonymous`.
    pub crossorigin: String,
    /// `sha512-…` of the bytes served at `src`.
    pub integrity: String,
    /// Always `text/javascript`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Id on the page.
    pub id: String,
    /// A random UUID.
    pub nonce: String,
}

/// A container other scripts fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiNodeDivisionAttributes)]
pub struct Division {
    /// Id on the page.
    pub id: String,
    /// CSS class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub class: Option<String>,
    /// `data-…` attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

/// Which method a node belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the method of that name")]
#[schema(as = UiNodeGroup)]
pub enum Group {
    #[default]
    Default,
    Password,
    Oidc,
    Profile,
    Link,
    Code,
    Totp,
    LookupSecret,
    Webauthn,
    Passkey,
    IdentifierFirst,
    Captcha,
    Saml,
    Deviceauthn,
}

/// The HTML input types in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the HTML input type of that name")]
#[schema(as = UiNodeInputType)]
pub enum InputType {
    #[default]
    Text,
    Password,
    Number,
    Checkbox,
    Hidden,
    Email,
    Tel,
    Submit,
    Button,
    DatetimeLocal,
    Date,
    Url,
}

/// The HTML autocomplete hints in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the HTML token of that name")]
#[schema(as = UiNodeAutocomplete)]
pub enum Autocomplete {
    Email,
    Tel,
    Url,
    CurrentPassword,
    NewPassword,
    OneTimeCode,
    Username,
    #[serde(rename = "username webauthn")]
    UsernameWebauthn,
}

/// The functions the served script defines on `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(
    missing_docs,
    reason = "each is the function of that name with `ory` in front"
)]
#[schema(as = UiNodeTrigger)]
pub enum Trigger {
    #[serde(rename = "oryWebAuthnRegistration")]
    WebAuthnRegistration,
    #[serde(rename = "oryWebAuthnLogin")]
    WebAuthnLogin,
    #[serde(rename = "oryPasskeyLogin")]
    PasskeyLogin,
    #[serde(rename = "oryPasskeyLoginAutocompleteInit")]
    PasskeyLoginAutocompleteInit,
    #[serde(rename = "oryPasskeyRegistration")]
    PasskeyRegistration,
    #[serde(rename = "oryPasskeySettingsRegistration")]
    PasskeySettingsRegistration,
}
