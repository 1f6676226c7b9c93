//! Drawing the form of a flow again: what it says when it was refused, or goes on to another screen.

use super::{
    cx::Cx,
    decision::{Error, Halt, Refusal},
    flow::{Flow, NewFlow},
    kind::Kind,
    store,
};
use crate::ui::{Message, Ui, violation};
use identity::schemas::{ProjectSchema, Schemas};
use uuid::Uuid;

/// Draw the form of a flow anew: no message survives, values come from its data. A method cannot refuse here.
pub async fn draw<K: Kind>(cx: &Cx<'_>, flow: &mut Flow<K>) -> Result<(), Error> {
    let mut ui = Ui::new(flow.ui.action.clone());
    ui.push(flow.csrf_node(cx));
    K::common_nodes(cx, flow, &mut ui);
    let screen = flow.active_screen();
    if screen.is_some() {
        K::order_nodes(cx, flow, &mut ui);
    }
    let exclusive = screen.filter(|screen| screen.exclusive);
    for strategy in K::strategies() {
        if exclusive.is_none_or(|screen| screen.method == strategy.id()) {
            let drawn = strategy.draw(cx, flow, &mut ui).await;
            drawn.map_err(unsayable)?;
        }
    }
    if screen.is_none() {
        K::order_nodes(cx, flow, &mut ui);
    }
    flow.ui = ui;
    Ok(())
}

/// A refusal where there is no form yet to say it on: none of ours should be.
pub(crate) fn unsayable(halt: Halt) -> Error {
    match halt {
        Halt::Stopped(error, _) => error,
        _ => tenants::Fault::broken("a flow was refused by a method while it was drawn").into(),
    }
}

/// The form anew, with what to say.
pub(crate) async fn redraw<K: Kind>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    refusal: Option<&Refusal>,
) -> Result<(), Error> {
    draw(cx, flow).await?;
    match refusal {
        Some(refusal) => say(cx, flow, refusal),
        None => K::notices(flow),
    }
    flow.updated_at = cx.project.now();
    Ok(())
}

fn say<K: Kind>(cx: &Cx<'_>, flow: &mut Flow<K>, refusal: &Refusal) {
    for (node, message) in &refusal.complaints {
        flow.ui.complain(node.as_deref(), message.clone());
    }
    violation::place(&mut flow.ui, &refusal.violations);
    // A complaint about something without a field has made one: it finds its place.
    let mut ui = std::mem::replace(&mut flow.ui, Ui::new(""));
    K::order_nodes(cx, flow, &mut ui);
    flow.ui = ui;
}

/// The schema a flow is about: the one chosen at init, else the default.
pub(crate) fn schema_of<K: Kind>(cx: &Cx<'_>, flow: &Flow<K>) -> Result<ProjectSchema, Halt> {
    let schemas = Schemas::of(cx.project);
    let id = flow.identity_schema.as_deref().unwrap_or_default();
    let found = schemas.get(id).cloned();
    found.ok_or_else(|| {
        tenants::Fault::broken(format!("identity schema {id:?} is not configured")).into()
    })
}

/// Another flow in the place of one that is of no further use, stored; it says why.
pub(crate) async fn successor<K: Kind>(
    cx: &Cx<'_>,
    former: &Flow<K>,
    message: Message,
) -> Result<Uuid, Error> {
    let (data, state) = K::renewed(cx, former);
    let new = NewFlow {
        transport: former.transport,
        request_url: former.request_url.clone(),
        return_to: former.return_to.clone(),
        identity_schema: former.identity_schema.clone(),
        lifespan: K::lifespan(cx),
        data,
        state,
    };
    let mut fresh = Flow::<K>::new(cx, new);
    draw(cx, &mut fresh).await?;
    fresh.ui.messages.push(message);
    store::insert(cx.project, &fresh).await?;
    Ok(fresh.id)
}
