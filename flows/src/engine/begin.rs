//! How every flow begins: judge where it may end and which schema it is about, let the methods that send
//! something at once do so, draw, store.

use identity::schemas::Schemas;

use super::{
    cx::Cx,
    decision::{Effects, Error, Halt},
    flow::Flow,
    form::{draw, unsayable},
    kind::Kind,
    pages::Pages,
    rows, store,
};

pub use super::init::Init;

/// It is stored with its flow.
const RETURN_TO_BYTES_MAX: usize = 2048;

/// Begin a flow: drawn and stored, in one commit with what its methods send at once.
pub async fn begin<K: Kind>(cx: &Cx<'_>, init: Init, params: &K::Params) -> Result<Flow<K>, Error> {
    let mut flow = Flow::<K>::new(cx, K::open(cx, init, params)?);
    for configured in K::hooks_before(cx) {
        if let Some(hook) = K::hook(&configured) {
            hook.before_flow(cx, &flow.about())
                .await
                .map_err(unsayable)?;
        }
    }
    let mut sent = None;
    for strategy in K::strategies() {
        if sent.is_none() {
            sent = strategy.at_init(cx, &mut flow, params).await?;
        }
    }
    draw(cx, &mut flow).await?;
    if sent.is_some() {
        K::notices(&mut flow);
    } else {
        K::welcome(cx, &mut flow);
    }
    insert(cx, &flow, &sent.unwrap_or_default()).await?;
    Ok(flow)
}

/// Store a new flow and what goes with it, in one commit.
pub(super) async fn insert<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    effects: &Effects,
) -> Result<(), Error> {
    let row = store::row(flow)?;
    let mut tx = cx.project.begin().await?;
    rows::insert(&mut tx, &row).await?;
    let session = cx.session.map(AsRef::as_ref);
    let written = effects.write(&mut tx, session).await;
    written.map_err(|error| unsayable(Halt::unwritten(error)))?;
    Ok(tx.commit().await?)
}

/// The return URL as it was asked for, if it is allowed. Empty is none.
pub(crate) fn return_to(cx: &Cx<'_>, asked: Option<&str>) -> Result<Option<String>, Error> {
    let Some(asked) = asked.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    if asked.len() > RETURN_TO_BYTES_MAX {
        return Err(Error::BadRequest(format!(
            "return_to is longer than {RETURN_TO_BYTES_MAX} bytes."
        )));
    }
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

/// The answer to a visitor who is signed in already where there is nothing to do: on to the return URL that was
/// asked for, which was judged, else to the project's default.
pub(crate) fn signed_in_already(cx: &Cx<'_>, return_to: Option<&str>) -> Error {
    let pages = Pages::of(cx.project);
    let allowed = return_to.and_then(|asked| pages.return_to().check(asked).ok());
    let default = || pages.return_to().default_url().to_string();
    Error::AlreadySignedIn {
        target: allowed.map_or_else(default, String::from),
    }
}
