//! Names and DDL of a project's schema: made from a slot number, so that there is nothing to inject.
//!
//! Besides `roles.rs` this is the only place that builds SQL text.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    Fault,
    migrations::{self, Migration},
};

/// Reserved for the reference schema that compile-time checking uses. Never given out.
pub(crate) const REFERENCE_SLOT: i32 = 0;

/// The schema of a slot, such as `t_000123`.
pub(crate) fn schema_name(slot: i32) -> String {
    format!("t_{slot:06}")
}

/// The role of a slot, such as `i7k2q_t_000123`: roles are server-wide, so they carry the installation's prefix.
pub(crate) fn role_name(prefix: &str, slot: i32) -> String {
    format!("{prefix}_t_{slot:06}")
}

/// The role every project's role is a member of.
pub(crate) fn tenant_role(prefix: &str) -> String {
    format!("{prefix}_tenant")
}

/// The statement that pins a transaction to one project, in one round trip.
pub(crate) fn begin_sql(slot: i32, role: &str) -> String {
    format!(
        "BEGIN; SET LOCAL ROLE {role}; SET LOCAL search_path TO {schema}, pg_temp; \
         SET LOCAL statement_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '10s'",
        schema = schema_name(slot)
    )
}

/// Build one spare schema, in one transaction. Run as owner.
pub(crate) async fn create(owner: &mut PgConnection, slot: i32, role: &str) -> Result<(), Fault> {
    debug_assert_ne!(slot, REFERENCE_SLOT);
    let schema = schema_name(slot);
    let mut tx = owner.begin().await?;
    // Two statements, never `CREATE SCHEMA … CREATE TABLE`: a sharding extension refuses that form.
    let opening = format!(
        "CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}, pg_temp; SET LOCAL check_function_bodies = off"
    );
    sqlx::raw_sql(AssertSqlSafe(opening))
        .execute(&mut *tx)
        .await?;
    for migration in migrations::PROJECT {
        sqlx::raw_sql(migration.sql).execute(&mut *tx).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(grants(&schema, role)))
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "update control.slots set state = 'SPARE', schema_version = $2 where slot = $1 and state = 'ROLE'",
        slot,
        migrations::project_version()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Move one schema up to the newest version, in one transaction with short locks. Run as owner.
pub(crate) async fn migrate(
    owner: &mut PgConnection,
    slot: i32,
    role: &str,
    from: i32,
) -> Result<(), Fault> {
    let schema = schema_name(slot);
    let mut tx = owner.begin().await?;
    let opening =
        format!("SET LOCAL lock_timeout = '2s'; SET LOCAL search_path TO {schema}, pg_temp");
    sqlx::raw_sql(AssertSqlSafe(opening))
        .execute(&mut *tx)
        .await?;
    for Migration { sql, .. } in migrations::PROJECT.iter().filter(|m| m.version > from) {
        sqlx::raw_sql(*sql).execute(&mut *tx).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(grants(&schema, role)))
        .execute(&mut *tx)
        .await?;
    let moved = sqlx::query!(
        "update control.slots set schema_version = $2 where slot = $1 and schema_version = $3",
        slot,
        migrations::project_version(),
        from
    )
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() == 1 {
        // Replicas that know the project by its former version look again, be it to serve or to stop.
        sqlx::query!(
            "insert into control.invalidation (db_role, key) select db_role, project from control.slots where slot = $1 and project is not null",
            slot
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Drop one schema: one per transaction, because each table takes a lock. Run as owner.
pub(crate) async fn drop(owner: &mut PgConnection, slot: i32) -> Result<(), Fault> {
    debug_assert_ne!(slot, REFERENCE_SLOT);
    let mut tx = owner.begin().await?;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "DROP SCHEMA IF EXISTS {} CASCADE",
        schema_name(slot)
    )))
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update control.slots set state = 'DROPPED' where slot = $1",
        slot
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

fn grants(schema: &str, role: &str) -> String {
    format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
    )
}
