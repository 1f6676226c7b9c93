//! What every flow does first: judge where it may end and which schema it is about, draw, store.

use identity::schemas::Schemas;

use crate::{
    config::Pages,
    cx::Cx,
    decision::{Effects, Error, Halt},
    flow::{Flow, Kind, Transport},
    store::{self, NewFlow},
    write,
};

/// What the init request says, whatever the kind.
#[derive(Clone, Debug)]
pub struct Init {
    /// `/browser` or `/api`.
    pub transport: Transport,
    /// The absolute URL of the request, as the visitor sees it.
    pub request_url: String,
    /// Where to go at the end.
    pub return_to: Option<String>,
    /// A schema other than the default.
    pub identity_schema: Option<String>,
}

/// The return URL as it was asked for, if it is allowed. Empty is none.
pub(crate) fn return_to(cx: &Cx<'_>, asked: Option<&str>) -> Result<Option<String>, Error> {
    let Some(asked) = asked.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    match Pages::of(cx.project).return_to().check(asked) {
        Ok(_) => Ok(Some(asked.to_owned())),
        Err(_) => Err(Error::ReturnToForbidden {
            url: asked.to_owned(),
        }),
    }
}

/// The schema asked for, if a visitor may choose it. Empty is the default.
pub(crate) fn identity_schema(cx: &Cx<'_>, asked: Option<&str>) -> Result<Option<String>, Error> {
    let Some(asked) = asked.filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    match Schemas::of(cx.project).selectable(asked) {
        Some(schema) => Ok(Some(schema.id.clone())),
        None => Err(Error::BadRequest(format!(
            "The identity schema {asked:?} does not exist or cannot be chosen."
        ))),
    }
}

/// Where somebody goes who is signed in already: the return URL they asked for, which was judged, else
/// the project's default.
pub(crate) fn signed_in_target(cx: &Cx<'_>, return_to: Option<&str>) -> String {
    let pages = Pages::of(cx.project);
    let allowed = return_to.and_then(|asked| pages.return_to().check(asked).ok());
    allowed.map_or_else(|| pages.return_to().default_url().to_string(), String::from)
}

/// Store a new flow and what goes with it, in one commit.
pub(crate) async fn insert<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    effects: &Effects,
) -> Result<(), Error> {
    let row = NewFlow::of(flow)?;
    let mut tx = cx.project.begin().await?;
    store::insert_row(&mut tx, &row).await?;
    let session = cx.session.map(AsRef::as_ref);
    write::carry_out(&mut tx, effects, session)
        .await
        .map_err(unsayable)?;
    Ok(tx.commit().await?)
}

/// A refusal where there is no form yet to say it on: none of ours should be.
fn unsayable(halt: Halt) -> Error {
    match halt {
        Halt::Stopped(error) => error,
        Halt::Refused(..) => tenants::Fault::broken("a new flow was refused by a method").into(),
    }
}

/// Draw a new flow. A method cannot refuse here: there is no form yet to say it on.
pub(crate) async fn draw<K: Kind>(cx: &Cx<'_>, flow: &mut Flow<K>) -> Result<(), Error> {
    flow.draw(cx).await.map_err(unsayable)
}
