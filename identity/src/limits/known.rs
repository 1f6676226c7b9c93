//! Networks from which an identity signed in: a visitor from there is not taken for a stranger to it.

use chrono::{Days, NaiveDate};
use tenants::{Fault, Project, Tx};

use super::{Network, bucket::key};
use crate::sessions::{RequiredAal, Session, code_as_factor};

/// A network is known for so long after the last sign-in from there.
const KNOWN_DAYS: u64 = 90;

/// The network of an address as it is stored.
pub(crate) fn digest(project: &Project, address: &str) -> Vec<u8> {
    key(project, "known network", &Network::of(address).narrow)
}

/// Is a session proof enough to make its browser and its network known? A first factor alone is none to an account
/// that has a second.
pub fn is_proven_by(project: &Project, session: &Session) -> bool {
    session.satisfies(RequiredAal::HighestAvailable, code_as_factor(project))
}

/// The network where a session began, if the session makes it known.
pub(crate) fn shown_by(project: &Project, session: &Session) -> Option<Vec<u8>> {
    let began_at = session.devices.last()?;
    is_proven_by(project, session).then(|| digest(project, &began_at.ip_address))
}

/// A session has become surer: its network is known from now on.
pub(crate) async fn note(tx: &mut Tx, session: &Session) -> Result<(), Fault> {
    let project = tx.project();
    let Some(network) = shown_by(project, session) else {
        return Ok(());
    };
    let today = project.now().date_naive();
    sqlx::query!(
        "insert into known_networks as n (identity_id, network, seen_on) values ($1, $2, $3)
         on conflict (identity_id, network) do update set seen_on = excluded.seen_on where n.seen_on < excluded.seen_on",
        session.identity.id,
        network,
        today
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Networks seen last on that day or earlier are known no more.
pub(super) fn known_after(project: &Project) -> NaiveDate {
    let today = project.now().date_naive();
    today
        .checked_sub_days(Days::new(KNOWN_DAYS))
        .unwrap_or(today)
}

/// Forget up to `limit` networks that are known no more. Answers how many.
pub async fn sweep(tx: &mut Tx, limit: i64) -> Result<u64, Fault> {
    let gone = sqlx::query!(
        "delete from known_networks where (identity_id, network) in
           (select identity_id, network from known_networks where seen_on <= $1 order by seen_on limit $2)",
        known_after(tx.project()),
        limit
    );
    Ok(gone.execute(tx.conn()).await?.rows_affected())
}
