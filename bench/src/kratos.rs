//! Registration, sign-in and session check by the public API of Kratos, as a native application does them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{Answer, Base, Call, Trouble, Wire};

/// The password of all people.
pub(crate) const PASSWORD: &str = "nine-herons-over-Tideland-42";

/// A flow, as far as it must be understood.
#[derive(Deserialize)]
struct Begun {
    id: String,
    #[serde(default)]
    ui: Form,
}

#[derive(Default, Deserialize)]
struct Form {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Done {
    session_token: Option<String>,
}

/// Only the id, where the form is known: the tool's own work counts as well.
#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Is this session good?
pub(crate) async fn whoami(wire: &mut Wire, base: &Base, token: &str) -> Result<(), Trouble> {
    let call = Call {
        session: Some(token),
        ..Call::get("/sessions/whoami")
    };
    wire.send(base, call).await?.expect("whoami", 200)?;
    Ok(())
}

/// Sign in. Answers the session token.
pub(crate) async fn sign_in(
    wire: &mut Wire,
    base: &Base,
    identifier: &str,
) -> Result<String, Trouble> {
    const WHAT: &str = "login";
    let begun = wire
        .send(base, Call::get("/self-service/login/api"))
        .await?;
    let flow: Id = read(WHAT, &begun.expect(WHAT, 200)?)?;
    let body = json!({"method": "password", "identifier": identifier, "password": PASSWORD});
    let path = format!("/self-service/login?flow={}", flow.id);
    let done = wire.send(base, Call::post(&path, &body)).await?;
    read::<Done>(WHAT, &done.expect(WHAT, 200)?)?
        .session_token
        .ok_or(Trouble::Unexpected(WHAT))
}

/// Sign up. Answers the session token, where registration begins a session.
pub(crate) async fn sign_up(
    wire: &mut Wire,
    base: &Base,
    email: &str,
) -> Result<Option<String>, Trouble> {
    const WHAT: &str = "registration";
    let begun = wire
        .send(base, Call::get("/self-service/registration/api"))
        .await?;
    let flow: Begun = read(WHAT, &begun.expect(WHAT, 200)?)?;
    let path = format!("/self-service/registration?flow={}", flow.id);
    let traits = traits(&flow.ui, email);
    if !flow.ui.asks_for("password") {
        // In two steps; the first ends in the form of the second, with status 400.
        let body = json!({"method": "profile", "traits": traits});
        let next = wire.send(base, Call::post(&path, &body)).await?;
        let next = next.expect(WHAT, 400)?;
        if !read::<Begun>(WHAT, &next)?.ui.asks_for("password") {
            return Answer {
                status: 400,
                ..next
            }
            .expect(WHAT, 200)
            .map(|_| None);
        }
    }
    let body = json!({"method": "password", "password": PASSWORD, "traits": traits});
    let done = wire.send(base, Call::post(&path, &body)).await?;
    Ok(read::<Done>(WHAT, &done.expect(WHAT, 200)?)?.session_token)
}

impl Form {
    fn asks_for(&self, name: &str) -> bool {
        self.nodes.iter().any(|node| node.attributes.name == name)
    }
}

/// What the form asks to know: e-mail addresses are this one, everything else is a word.
fn traits(form: &Form, email: &str) -> Value {
    let mut traits = Map::new();
    for node in &form.nodes {
        let Attributes { name, kind } = &node.attributes;
        let Some(path) = name.strip_prefix("traits.") else {
            continue;
        };
        let value = match kind.as_str() {
            "email" => json!(email),
            "text" => json!("Bench"),
            _ => continue,
        };
        put(&mut traits, path, value);
    }
    Value::Object(traits)
}

fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((head, rest)) = path.split_once('.') else {
        into.insert(path.to_owned(), value);
        return;
    };
    let inner = into.entry(head).or_insert_with(|| json!({}));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

fn read<'a, T: Deserialize<'a>>(what: &'static str, answer: &'a Answer) -> Result<T, Trouble> {
    serde_json::from_slice(&answer.body).map_err(|_| Trouble::Unexpected(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_follow_the_form() {
        let form: Form = serde_json::from_value(json!({"nodes": [
            {"attributes": {"name": "csrf_token", "type": "hidden"}},
            {"attributes": {"name": "traits.email", "type": "email"}},
            {"attributes": {"name": "traits.name.first", "type": "text"}},
            {"attributes": {"name": "traits.name.last", "type": "text"}},
            {"attributes": {"name": "traits.news", "type": "checkbox"}},
            {"attributes": {"src": "x", "node_type": "img"}},
        ]}))
        .unwrap();
        assert_eq!(
            traits(&form, "a@b.example"),
            json!({"email": "a@b.example", "name": {"first": "Bench", "last": "Bench"}})
        );
        assert!(!form.asks_for("password"));
    }
}
