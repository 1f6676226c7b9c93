//! A pool whose connections are not waited for while the database is away, and forgotten when it is back.

use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::reach::{self, Reach};

/// Connections of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    current: Arc<RwLock<PgPool>>,
    kind: PgPoolOptions,
    to: PgConnectOptions,
    reach: Arc<Reach>,
}

impl Pool {
    /// Opens nothing yet.
    pub(crate) fn new(kind: PgPoolOptions, to: PgConnectOptions, reach: Arc<Reach>) -> Self {
        let current = kind.clone().connect_lazy_with(to.clone());
        Self {
            current: Arc::new(RwLock::new(current)),
            kind,
            to,
            reach,
        }
    }

    fn current(&self) -> PgPool {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begin anew: connections that are out may wait for a peer that vanished without a word, and would for a quarter
    /// of an hour. A request that has one keeps it.
    pub(crate) fn renew(&self) {
        let current = self.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.is_closed() {
            return;
        }
        let fresh = self.kind.clone().connect_lazy_with(self.to.clone());
        let former = std::mem::replace(&mut *current, fresh);
        drop(current);
        tokio::spawn(async move { former.close().await });
    }

    /// A connection, for one statement or several. The wait for it ends when the database turns out to be away.
    pub(crate) async fn take(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let pool = self.current();
        tokio::select! {
            biased;
            () = self.reach.until_away() => Err(reach::away()),
            taken = pool.acquire() => taken,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        Transaction::begin(self.take().await?, None).await
    }

    /// Begin with that statement.
    pub(crate) async fn begin_with(
        &self,
        sql: &Arc<str>,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        use sqlx::SqlSafeStr as _;
        let sql = AssertSqlSafe(Arc::clone(sql)).into_sql_str();
        Transaction::begin(self.take().await?, Some(sql)).await
    }

    pub(crate) fn connections_max(&self) -> u32 {
        self.kind.get_max_connections()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.current().is_closed()
    }

    pub(crate) async fn close(&self) {
        self.current().close().await;
    }
}
