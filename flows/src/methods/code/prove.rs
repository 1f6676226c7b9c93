//! Whose a code of a login is, and the sign-in that it is good for.

use std::sync::Arc;

use identity::{
    Identity,
    addresses::AddressWrite,
    credentials::CredentialKind,
    identities,
    one_time::{self, CodeWrite, Purpose},
    schema::Address,
    sessions::Aal,
};
use uuid::Uuid;

use super::{
    CodeConfig, ID,
    recipient::{addresses_of, has_fallback},
    used_already,
};
use crate::{
    engine::{
        cx::Cx,
        decision::{Effects, Halt, Judged, Refusal, SignIn},
        flow::Flow,
        limits,
    },
    kinds::login::Login,
    ui::text,
};

/// A code that fits, and whose it is.
pub(super) struct Proved {
    code: Uuid,
    pub(super) identity: Identity,
    address: Address,
    revision: Option<i32>,
    /// No code credential holds the address: only the account does.
    by_fallback: bool,
}

/// Whose code this is. The address must still be one that codes go to.
pub(super) async fn prove(cx: &Cx<'_>, flow: &Flow<Login>, code: &str) -> Result<Proved, Halt> {
    let mut tx = cx.project.begin().await?;
    let judged = one_time::judge(&mut tx, (flow.id, Purpose::Login), code).await?;
    let found = match judged {
        one_time::Judged::Right(found) => found,
        one_time::Judged::Used => return Err(used_already()),
        one_time::Judged::Expired => return Err(wrong_code()),
        one_time::Judged::Wrong => {
            drop(tx);
            limits::wrong(cx).await?;
            return Err(wrong_code());
        }
    };
    let owner = found.identity_id.ok_or_else(wrong_code)?;
    let identity = identities::store::get(&mut tx, owner).await?;
    let identity = identity.ok_or_else(wrong_code)?;
    let (addresses, revision) = addresses_of(cx, &mut tx, &identity).await?;
    let by_credential = revision.is_some() && addresses.contains(&found.address);
    let by_fallback = !by_credential && has_fallback(cx);
    if by_fallback {
        identity.verifiable(&found.address).ok_or_else(wrong_code)?;
    } else if !by_credential {
        return Err(wrong_code());
    }
    Ok(Proved {
        code: found.id,
        identity,
        address: found.address,
        revision,
        by_fallback,
    })
}

/// The sign-in that such a code is good for. It shows that its address is read, too.
pub(super) fn sign_in(cx: &Cx<'_>, proved: Proved) -> SignIn {
    let Proved {
        code,
        mut identity,
        address,
        revision,
        by_fallback,
    } = proved;
    let mut effects = Effects::one(CodeWrite::Consume(code));
    if by_fallback {
        effects.push(AddressWrite::IsTheirs {
            identity_id: identity.id,
            address: address.clone(),
        });
    }
    if identity
        .verifiable(&address)
        .is_some_and(|own| !own.verified)
    {
        identity.note_verified(&address, cx.project.now());
        effects.push(AddressWrite::Verified {
            identity_id: identity.id,
            address,
        });
    }
    let second = cx.project.config::<CodeConfig>().mfa_enabled;
    let judged = revision.map(|revision| Judged {
        kind: CredentialKind::Code,
        revision,
    });
    SignIn {
        identity: Arc::new(identity),
        amr: cx.completed(ID, if second { Aal::Aal2 } else { Aal::Aal1 }),
        judged: judged.into_iter().collect(),
        effects,
    }
}

pub(super) fn wrong_code() -> Halt {
    Halt::refused(Refusal::form(text::wrong_login_code()))
}
