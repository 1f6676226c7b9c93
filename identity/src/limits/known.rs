//! Networks from which an identity signed in: a visitor from there is not taken for a stranger to it.

use chrono::{Days, NaiveDate};
use tenants::{Fault, Project, Tx};

use super::{Network, bucket::key};

/// A network is known for so long after the last sign-in from there.
const KNOWN_DAYS: u64 = 90;

/// The network of an address as it is stored.
pub(crate) fn digest(project: &Project, address: &str) -> Vec<u8> {
    key(project, "known network", &Network::of(address).narrow)
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
