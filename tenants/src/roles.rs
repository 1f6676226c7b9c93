//! Roles, grants and row-level security of the control schema. Run as owner, after the migrations,
//! every time: each statement can be repeated.
//!
//! Three kinds of role: *owner* (owns schemas, CREATEROLE, used by `migrate` and the worker alone),
//! *gate* (what the server logs in as; no right on any project's table), and one role per project,
//! a member of *tenant*, which may only add jobs and invalidations in its own name.

use sqlx::{AssertSqlSafe, PgConnection, postgres::PgConnectOptions};

use crate::{Fault, schema};

/// Who the gate login is, read from its URL.
pub(crate) struct Gate {
    pub(crate) name: String,
    pub(crate) password: Option<String>,
}

impl Gate {
    /// Reads user and password out of a Postgres URL; the driver does not hand the password back.
    pub(crate) fn of_url(url: &str) -> Result<Self, Fault> {
        let options: PgConnectOptions = url.parse().map_err(Fault::from)?;
        let password = url::Url::parse(url)
            .ok()
            .and_then(|u| u.password().map(percent_decoded));
        Ok(Self {
            name: options.get_username().to_owned(),
            password,
        })
    }
}

fn percent_decoded(text: &str) -> String {
    // A one-pair form decodes percent signs; `+` must stay itself, so it is escaped first.
    let form = format!("p={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}

/// Write roles, grants and policies.
pub(crate) async fn apply(
    owner: &mut PgConnection,
    prefix: &str,
    gate: &Gate,
) -> Result<(), Fault> {
    let tenant = quoted(&schema::tenant_role(prefix));
    let gate_name = quoted(&gate.name);
    if !exists(owner, &gate.name).await? {
        let password = gate
            .password
            .as_deref()
            .map_or_else(String::new, |p| format!(" PASSWORD {}", literal(p)));
        run(
            owner,
            format!("CREATE ROLE {gate_name} LOGIN NOINHERIT{password}"),
        )
        .await?;
    }
    if !exists(owner, &schema::tenant_role(prefix)).await? {
        run(owner, format!("CREATE ROLE {tenant} NOLOGIN")).await?;
    }
    run(owner, statements(&tenant, &gate_name)).await
}

fn statements(tenant: &str, gate: &str) -> String {
    format!(
        "ALTER ROLE {gate} SET search_path = pg_catalog, pg_temp;
         REVOKE ALL ON SCHEMA public FROM PUBLIC;
         DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
                     EXECUTE format('GRANT CONNECT ON DATABASE %I TO {gate}', current_database()); END $$;
         GRANT USAGE ON SCHEMA control TO {gate}, {tenant};
         GRANT SELECT ON control.migrations, control.installation, control.clusters TO {gate};
         GRANT SELECT, INSERT, UPDATE ON control.projects, control.api_keys TO {gate};
         REVOKE UPDATE ON control.slots FROM {gate};
         GRANT SELECT, UPDATE (state, project) ON control.slots TO {gate};
         GRANT SELECT, INSERT, DELETE ON control.config_revisions, control.invalidation TO {gate};
         GRANT SELECT, INSERT ON control.events TO {gate};
         GRANT SELECT, INSERT, UPDATE, DELETE ON control.jobs TO {gate};
         GRANT INSERT ON control.jobs, control.invalidation TO {tenant};
         ALTER TABLE control.jobs ENABLE ROW LEVEL SECURITY;
         ALTER TABLE control.invalidation ENABLE ROW LEVEL SECURITY;
         DROP POLICY IF EXISTS own_rows ON control.jobs;
         DROP POLICY IF EXISTS own_rows ON control.invalidation;
         DROP POLICY IF EXISTS every_row ON control.jobs;
         DROP POLICY IF EXISTS every_row ON control.invalidation;
         CREATE POLICY own_rows ON control.jobs FOR INSERT TO {tenant} WITH CHECK (db_role = current_user);
         CREATE POLICY own_rows ON control.invalidation FOR INSERT TO {tenant} WITH CHECK (db_role = current_user);
         CREATE POLICY every_row ON control.jobs FOR ALL TO {gate} USING (true) WITH CHECK (true);
         CREATE POLICY every_row ON control.invalidation FOR ALL TO {gate} USING (true) WITH CHECK (true);"
    )
}

/// Make the roles of several slots at once: a new role empties the membership cache of every backend.
pub(crate) async fn create_batch(
    owner: &mut PgConnection,
    prefix: &str,
    gate: &str,
    count: i32,
) -> Result<(), Fault> {
    let tenant = quoted(&schema::tenant_role(prefix));
    let gate = quoted(gate);
    let mut tx = sqlx::Connection::begin(owner).await?;
    for _ in 0..count {
        let slot = sqlx::query_scalar!(r#"select nextval('control.slot_numbers')::int as "slot!""#)
            .fetch_one(&mut *tx)
            .await?;
        let role = schema::role_name(prefix, slot);
        let create = format!("CREATE ROLE {role} NOLOGIN IN ROLE {tenant} ROLE {gate}");
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&mut *tx)
            .await?;
        sqlx::query!("insert into control.slots (slot, db_role, state, schema_version) values ($1, $2, 'ROLE', 0)", slot, role)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Drop the roles of schemas that are gone, up to `batch` in one transaction.
pub(crate) async fn drop_batch(owner: &mut PgConnection, batch: i64) -> Result<usize, Fault> {
    let mut tx = sqlx::Connection::begin(owner).await?;
    let gone = sqlx::query!("select slot, db_role from control.slots where state = 'DROPPED' order by slot limit $1 for update", batch)
        .fetch_all(&mut *tx)
        .await?;
    for row in &gone {
        sqlx::raw_sql(AssertSqlSafe(format!(
            "DROP ROLE IF EXISTS {}",
            quoted(&row.db_role)
        )))
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "update control.slots set state = 'GONE' where slot = $1",
            row.slot
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(gone.len())
}

async fn exists(owner: &mut PgConnection, role: &str) -> Result<bool, Fault> {
    let row = sqlx::query_scalar!(
        r#"select exists(select from pg_catalog.pg_roles where rolname = $1) as "yes!""#,
        role
    );
    Ok(row.fetch_one(owner).await?)
}

async fn run(owner: &mut PgConnection, sql: String) -> Result<(), Fault> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(owner).await?;
    Ok(())
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    // Works whatever standard_conforming_strings says.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
