//! The form of a flow: where it posts to, its nodes and what it has to say. Methods draw it with the
//! builders re-exported here; texts come from `ui::text` only. Knows no method, flow kind or HTTP.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

mod builder;
pub mod node;
pub mod order;
pub mod text;
pub mod traits;
pub mod violation;

#[cfg(test)]
mod tests;

pub use builder::{
    InputNode, anchor, button, csrf_token, hidden, image, input, password_input, script, submit,
    text_input, text_node,
};
pub use node::{Autocomplete, Group, InputType, Node, Trigger};
pub use text::{Message, MessageType};

/// A form: `{action, method, nodes, messages?}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiContainer)]
pub struct Ui {
    /// Absolute URL it posts to.
    pub action: String,
    /// HTTP method, always `POST`.
    pub method: String,
    /// The elements, in the order shown.
    pub nodes: Vec<Node>,
    /// What concerns the form as a whole; the key is absent when there is nothing to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

impl Ui {
    /// An empty form posting to `action`.
    pub fn new(action: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            method: "POST".into(),
            nodes: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Appends a node, even beside another of the same id (`method` occurs once per method).
    pub fn push(&mut self, node: impl Into<Node>) -> &mut Self {
        self.nodes.push(node.into());
        self
    }

    /// Replaces the first node of the same id where it stands, or appends.
    pub fn upsert(&mut self, node: impl Into<Node>) -> &mut Self {
        let node = node.into();
        match self.nodes.iter_mut().find(|n| n.id() == node.id()) {
            Some(place) => *place = node,
            None => self.nodes.push(node),
        }
        self
    }

    /// The first node of that id.
    pub fn find(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id() == id)
    }

    /// As [`Ui::find`], to change it.
    pub fn find_mut(&mut self, id: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|n| n.id() == id)
    }

    /// Takes every node of that id away.
    pub fn remove(&mut self, id: &str) -> &mut Self {
        self.nodes.retain(|n| n.id() != id);
        self
    }

    /// Sets the value of the first input of that name; null takes it away. False if there is none.
    pub fn set_value(&mut self, name: &str, value: Value) -> bool {
        let input = self.find_mut(name).and_then(Node::input_mut);
        input.map(|input| input.set_value(value)).is_some()
    }

    /// Puts a message on the named node, or on the form. A name without a node gets a text field of its
    /// own in the group `default`, so that the message is not lost.
    pub fn complain(&mut self, name: Option<&str>, message: Message) -> &mut Self {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            self.messages.push(message);
            return self;
        };
        if let Some(node) = self.find_mut(name) {
            node.messages.push(message);
        } else {
            let mut node = Node::from(text_input(name));
            node.messages.push(message);
            self.nodes.push(node);
        }
        self
    }

    /// Forgets every message, of the form and of its nodes.
    pub fn clear_messages(&mut self) -> &mut Self {
        self.messages.clear();
        for node in &mut self.nodes {
            node.messages.clear();
        }
        self
    }
}

/// The end of a verification: a link to go on by, where the form goes as well.
pub(crate) fn draw_continue(ui: &mut Ui, group: Group) {
    "GET".clone_into(&mut ui.method);
    let label = text::continue_label();
    let go_on = anchor("continue", ui.action.clone(), label.clone());
    ui.push(go_on.group(group).label(label));
}
