//! A pool whose connections are not waited for while the database is away.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction, pool::PoolConnection};

use crate::reach::{self, Reach};

/// Connections of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    inner: PgPool,
    reach: Arc<Reach>,
}

impl Pool {
    pub(crate) fn new(inner: PgPool, reach: Arc<Reach>) -> Self {
        Self { inner, reach }
    }

    /// A connection, for one statement or several. The wait for it ends when the database turns out to be away.
    pub(crate) async fn take(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        tokio::select! {
            biased;
            () = self.reach.until_away() => Err(reach::away()),
            taken = self.inner.acquire() => taken,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        Transaction::begin(self.take().await?, None).await
    }

    /// Begin with a statement of one's own.
    pub(crate) async fn begin_with(
        &self,
        sql: &Arc<str>,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        use sqlx::SqlSafeStr as _;
        let sql = AssertSqlSafe(Arc::clone(sql)).into_sql_str();
        Transaction::begin(self.take().await?, Some(sql)).await
    }

    pub(crate) fn connections_max(&self) -> u32 {
        self.inner.options().get_max_connections()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    pub(crate) async fn close(&self) {
        self.inner.close().await;
    }
}
