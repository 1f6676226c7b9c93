//! One-time secrets: six digits to type, or the token of a link. Minted here, stored as an HMAC, judged in
//! constant time, consumed by a conditional update (docs/wire.md, W9.1).
//!
//! Knows nothing of flows beyond their ids: a secret is good for one flow and one purpose alone.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tenants::{Fault, Project, Tx, ids};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    schema::{Address, Via},
    write::WriteError,
};

const CODE_DIGITS: u32 = 6;
const TOKEN_LENGTH: usize = 32;

/// What a secret proves when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the flow of that name")]
pub enum Purpose {
    Login,
    Registration,
    Recovery,
    Verification,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Recovery => "recovery",
            Self::Verification => "verification",
        }
    }
}

/// What a secret is minted for.
#[derive(Clone, Debug)]
pub struct CodeSpec {
    /// In which flow it is good.
    pub flow_id: Uuid,
    /// For what.
    pub purpose: Purpose,
    /// The identity that it is for; none in a registration.
    pub identity_id: Option<Uuid>,
    /// Where it goes.
    pub address: Address,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// A fresh secret, and what is stored of it.
pub struct Minted {
    /// To be sent, and forgotten.
    pub secret: Zeroizing<String>,
    /// To be written in the commit that sends it.
    pub code: NewCode,
}

/// What is stored of a secret.
#[derive(Clone, Debug)]
pub struct NewCode {
    id: Uuid,
    spec: CodeSpec,
    mac: [u8; 32],
}

/// Six digits.
pub fn code(project: &Project, spec: CodeSpec) -> Minted {
    let digits = ids::below(10u64.pow(CODE_DIGITS));
    mint(
        project,
        spec,
        format!("{digits:0width$}", width = CODE_DIGITS as usize),
    )
}

/// The token of a link: 32 of `[A-Za-z0-9]`, 190 bits.
pub fn token(project: &Project, spec: CodeSpec) -> Minted {
    mint(project, spec, ids::alphanumeric(TOKEN_LENGTH))
}

fn mint(project: &Project, spec: CodeSpec, secret: String) -> Minted {
    let mac = mac(project, spec.flow_id, spec.purpose, &secret);
    let code = NewCode {
        id: ids::v4(),
        spec,
        mac,
    };
    Minted {
        secret: Zeroizing::new(secret),
        code,
    }
}

fn mac(project: &Project, flow_id: Uuid, purpose: Purpose, secret: &str) -> [u8; 32] {
    let key = project.data_key().derive("one-time code");
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.chain_update(flow_id.as_bytes())
        .chain_update(purpose.as_str())
        .chain_update([0])
        .chain_update(secret)
        .finalize()
        .into_bytes()
        .into()
}

/// Write what is stored of a secret.
pub async fn insert(tx: &mut Tx, code: &NewCode) -> Result<(), Fault> {
    let now = tx.project().now();
    let spec = &code.spec;
    sqlx::query!(
        "insert into codes (id, flow_id, purpose, secret_mac, identity_id, via, address, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        code.id,
        spec.flow_id,
        spec.purpose.as_str(),
        &code.mac[..],
        spec.identity_id,
        spec.address.via.as_str(),
        spec.address.value,
        spec.expires_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Delete the flow's codes: before new ones are sent.
pub async fn drop_of_flow(tx: &mut Tx, flow_id: Uuid) -> Result<(), Fault> {
    sqlx::query!("delete from codes where flow_id = $1", flow_id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A write of what is stored of secrets.
#[derive(Debug)]
pub enum CodeWrite {
    /// Store what is kept of a secret.
    Store(Box<NewCode>),
    /// Forget the codes of a flow, before new ones are sent.
    DropOfFlow(Uuid),
    /// Use a code up, and with it all others of its flow. The submission is outdated when another was faster.
    Consume(Uuid),
}

impl CodeWrite {
    /// Carry it out.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        match self {
            Self::Store(code) => insert(tx, code).await?,
            Self::DropOfFlow(flow_id) => drop_of_flow(tx, *flow_id).await?,
            Self::Consume(id) => {
                if !consume(tx, *id).await? {
                    return Err(WriteError::Outdated);
                }
            }
        }
        Ok(())
    }
}

/// What a secret turned out to be.
#[derive(Clone, Debug)]
pub enum Judged {
    /// Not one of this flow's.
    Wrong,
    /// It was one, and it was used.
    Used,
    /// It was one; it is too late.
    Expired,
    /// It is one. Still to be consumed.
    Right(Found),
}

/// A code that fits.
#[derive(Clone, Debug)]
pub struct Found {
    /// What [`consume`] takes.
    pub id: Uuid,
    /// Whose it is.
    pub identity_id: Option<Uuid>,
    /// Where it was sent; an empty value: an administrator handed it over.
    pub address: Address,
}

/// Compare with each of the flow's codes.
pub async fn judge(
    tx: &mut Tx,
    (flow_id, purpose): (Uuid, Purpose),
    secret: &str,
) -> Result<Judged, Fault> {
    let now = tx.project().now();
    let given = mac(tx.project(), flow_id, purpose, secret);
    let rows = sqlx::query!(
        "select id, secret_mac, identity_id, via, address, used_at, expires_at from codes
          where flow_id = $1 and purpose = $2 order by created_at, id",
        flow_id,
        purpose.as_str()
    );
    let mut judged = Judged::Wrong;
    for row in rows.fetch_all(tx.conn()).await? {
        if !bool::from(row.secret_mac[..].ct_eq(&given[..])) {
            continue;
        }
        judged = if row.used_at.is_some() {
            Judged::Used
        } else if row.expires_at <= now {
            Judged::Expired
        } else {
            let via = if row.via == "sms" {
                Via::Sms
            } else {
                Via::Email
            };
            Judged::Right(Found {
                id: row.id,
                identity_id: row.identity_id,
                address: Address {
                    via,
                    value: row.address,
                },
            })
        };
    }
    Ok(judged)
}

/// Use a code up, and with it all others of its flow. False: another submission was faster.
pub async fn consume(tx: &mut Tx, id: Uuid) -> Result<bool, Fault> {
    let now = tx.project().now();
    let used = sqlx::query!(
        "update codes set used_at = $2
          where flow_id = (select flow_id from codes where id = $1 and used_at is null) and used_at is null",
        id,
        now
    );
    Ok(used.execute(tx.conn()).await?.rows_affected() > 0)
}
