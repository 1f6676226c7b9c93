//! Constructors that let a method's code read like the form it draws. Knows the shapes of nodes only;
//! which nodes belong where is the methods' business.

use serde_json::Value;

use super::node::{
    Anchor, Attributes, Autocomplete, Choice, Group, Image, Input, InputType, Meta, Node, Script,
    Text, Trigger,
};
use super::text::Message;

/// An input node in the making; `Ui::push` and its kin take it as it is.
#[derive(Debug, Clone)]
#[must_use = "push it onto a Ui"]
pub struct InputNode {
    group: Group,
    input: Input,
    label: Option<Message>,
}

/// An input of any type, in the group `default`.
pub fn input(name: impl Into<String>, kind: InputType) -> InputNode {
    let input = Input {
        name: name.into(),
        kind,
        ..Input::default()
    };
    InputNode {
        group: Group::Default,
        input,
        label: None,
    }
}

/// A text field.
pub fn text_input(name: impl Into<String>) -> InputNode {
    input(name, InputType::Text)
}

/// A password field.
pub fn password_input(name: impl Into<String>) -> InputNode {
    input(name, InputType::Password)
}

/// A hidden field with a value.
pub fn hidden(name: impl Into<String>, value: impl Into<Value>) -> InputNode {
    input(name, InputType::Hidden).value(value)
}

/// A submit button, which sends `name=value`.
pub fn submit(name: impl Into<String>, value: impl Into<Value>) -> InputNode {
    input(name, InputType::Submit).value(value)
}

/// A button that runs a script.
pub fn button(name: impl Into<String>) -> InputNode {
    input(name, InputType::Button)
}

/// The CSRF field: the masked token in browser flows, `""` in api flows.
pub fn csrf_token(token: impl Into<String>) -> InputNode {
    hidden("csrf_token", token.into()).required()
}

impl InputNode {
    /// Puts it into a group.
    pub fn group(mut self, group: Group) -> Self {
        self.group = group;
        self
    }

    /// Gives it a label.
    pub fn label(mut self, label: Message) -> Self {
        self.label = Some(label);
        self
    }

    /// Gives it a value; null takes the value away.
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.input.set_value(value.into());
        self
    }

    /// Must be filled in.
    pub fn required(mut self) -> Self {
        self.input.required = true;
        self
    }

    /// Shown, but not to be changed.
    pub fn disabled(mut self) -> Self {
        self.input.disabled = true;
        self
    }

    /// The browser's hint for filling it in.
    pub fn autocomplete(mut self, hint: Autocomplete) -> Self {
        self.input.autocomplete = Some(hint);
        self
    }

    /// Regular expression the value must match.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.input.pattern = Some(pattern.into());
        self
    }

    /// Longest value, in characters.
    pub fn maxlength(mut self, characters: u32) -> Self {
        self.input.maxlength = Some(characters);
        self
    }

    /// Values to choose from.
    pub fn options(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.input.options = values.into_iter().map(|value| Choice { value }).collect();
        self
    }

    /// What a click runs: inline script for pages that render it, the function's name for the others.
    pub fn onclick(mut self, script: Option<String>, trigger: Trigger) -> Self {
        self.input.onclick = script;
        self.input.onclick_trigger = Some(trigger);
        self
    }

    /// What runs once the page stands; as [`InputNode::onclick`].
    pub fn onload(mut self, script: Option<String>, trigger: Trigger) -> Self {
        self.input.onload = script;
        self.input.onload_trigger = Some(trigger);
        self
    }
}

impl Input {
    /// Sets the value; null takes it away, so that the key is absent.
    pub fn set_value(&mut self, value: Value) {
        self.value = (!value.is_null()).then_some(value);
    }
}

impl From<InputNode> for Node {
    fn from(node: InputNode) -> Self {
        let meta = Meta { label: node.label };
        Self {
            group: node.group,
            attributes: Attributes::Input(Box::new(node.input)),
            messages: Vec::new(),
            meta,
        }
    }
}

fn node(attributes: Attributes) -> Node {
    Node {
        group: Group::Default,
        attributes,
        messages: Vec::new(),
        meta: Meta::default(),
    }
}

/// A picture; `size` is width and height in pixels.
pub fn image(id: impl Into<String>, src: impl Into<String>, size: (u32, u32)) -> Node {
    node(Attributes::Img(Image {
        src: src.into(),
        id: id.into(),
        width: size.0,
        height: size.1,
    }))
}

/// A link.
pub fn anchor(id: impl Into<String>, href: impl Into<String>, title: Message) -> Node {
    node(Attributes::A(Anchor {
        href: href.into(),
        title,
        id: id.into(),
    }))
}

/// A text to read or copy.
pub fn text_node(id: impl Into<String>, text: Message) -> Node {
    node(Attributes::Text(Text {
        text,
        id: id.into(),
    }))
}

/// A script; `integrity` is `sha512-…` of its bytes, `nonce` a random UUID.
pub fn script(
    id: impl Into<String>,
    src: impl Into<String>,
    integrity: impl Into<String>,
    nonce: impl Into<String>,
) -> Node {
    node(Attributes::Script(Script {
        src: src.into(),
        is_async: true,
        referrerpolicy: "no-referrer".into(),
        crossorigin: "anonymous".into(),
        integrity: integrity.into(),
        kind: "text/javascript".into(),
        id: id.into(),
        nonce: nonce.into(),
    }))
}
