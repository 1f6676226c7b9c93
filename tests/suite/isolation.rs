//! What a project's transaction cannot reach: other projects, the installation's own tables.

use sqlx::{AssertSqlSafe, PgConnection};
use tenants::{ConnectionState, Project, ids};
use tests::{Database, World, run, sqlstate};

const DENIED: &str = "42501";
const NO_SUCH_TABLE: &str = "42P01";

/// Schema and role of a project, as only a superuser can look them up.
async fn names(world: &World, project: &Project) -> (String, String) {
    let mut all = world.database().superuser().await;
    let (slot, role): (i32, String) =
        sqlx::query_as("select slot, db_role from control.slots where project = $1")
            .bind(project.id().uuid())
            .fetch_one(&mut all)
            .await
            .unwrap();
    (format!("t_{slot:06}"), role)
}

/// The SQLSTATE with which a statement is refused; panics when it is not.
async fn refused(connection: &mut PgConnection, sql: String) -> (String, String) {
    let error = sqlx::raw_sql(AssertSqlSafe(sql.clone()))
        .execute(connection)
        .await
        .err()
        .unwrap_or_else(|| panic!("went through: {sql}"));
    (sqlstate(&error).unwrap(), error.to_string())
}

async fn add_identity(project: &Project) {
    let mut tx = project.begin().await.unwrap();
    sqlx::query(
        "insert into identities (id, schema_id, state, state_changed_at, traits, created_at, updated_at)
         values ($1, 'preset://email', 'active', $2, jsonb_build_object('of', $3::text), $2, $2)",
    )
    .bind(ids::v4())
    .bind(project.now())
    .bind(project.slug())
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// The owners named in all rows of `identities`, by a statement that is prepared once a connection.
async fn owners(project: &Project) -> Vec<String> {
    let mut tx = project.begin().await.unwrap();
    sqlx::query_scalar("select traits->>'of' from identities")
        .fetch_all(tx.conn())
        .await
        .unwrap()
}

#[test]
fn another_projects_tables_are_out_of_reach() {
    run(async {
        let w = World::new().await;
        let (a, b) = (w.project().await, w.neighbour().clone());
        let (schema, _) = names(&w, &b).await;
        for sql in [
            format!("select * from {schema}.identities"),
            format!("delete from {schema}.identities"),
            format!("drop table {schema}.identities"),
        ] {
            let mut tx = a.begin().await.unwrap();
            let (state, text) = refused(tx.conn(), sql).await;
            assert_eq!(state, DENIED, "{text}");
        }
        let mut tx = a.begin().await.unwrap();
        let (state, text) = refused(
            tx.conn(),
            format!("set local search_path to {schema}; select * from identities"),
        )
        .await;
        assert_eq!(state, NO_SUCH_TABLE, "{text}");
        drop(tx);
        w.finish().await;
    });
}

#[test]
fn a_project_may_write_jobs_and_changes_in_its_own_name_alone() {
    run(async {
        let w = World::new().await;
        let a = w.project().await;
        let (_, own) = names(&w, &a).await;
        let (_, other) = names(&w, w.neighbour()).await;
        let job = |role: &str| {
            let (id, far) = (ids::v7(), "'2999-01-01'");
            format!(
                "insert into control.jobs (id, db_role, kind, run_at, created_at) values ('{id}', '{role}', 'sweep_expired', {far}, {far})"
            )
        };
        let change = |role: &str| {
            format!(
                "insert into control.invalidation (db_role, key) values ('{role}', '{}')",
                ids::v4()
            )
        };
        for forged in [job(&other), change(&other)] {
            let mut tx = a.begin().await.unwrap();
            let (state, text) = refused(tx.conn(), forged).await;
            assert_eq!(state, DENIED);
            assert!(text.contains("row-level security"), "{text}");
        }
        let mut tx = a.begin().await.unwrap();
        for honest in [job(&own), change(&own)] {
            sqlx::raw_sql(AssertSqlSafe(honest))
                .execute(tx.conn())
                .await
                .unwrap();
        }
        drop(tx);
        w.finish().await;
    });
}

#[test]
fn the_installations_tables_are_out_of_reach() {
    run(async {
        let w = World::new().await;
        let a = w.project().await;
        let mut all = w.database().superuser().await;
        let tables: Vec<String> = sqlx::query_scalar(
            "select format('control.%I', relname) from pg_class where relnamespace = 'control'::regnamespace and relkind = 'r'",
        )
        .fetch_all(&mut all)
        .await
        .unwrap();
        assert!(tables.len() >= 9, "{tables:?}");
        for table in tables {
            for sql in [
                format!("select 1 from {table}"),
                format!("delete from {table}"),
                format!("truncate {table}"),
            ] {
                let mut tx = a.begin().await.unwrap();
                let (state, text) = refused(tx.conn(), sql.clone()).await;
                assert_eq!(state, DENIED, "{sql}: {text}");
            }
        }
        for sql in [
            "create schema mine",
            "create temp table mine (a int)",
            "create table mine (a int)",
        ] {
            let mut tx = a.begin().await.unwrap();
            let (state, text) = refused(tx.conn(), sql.to_owned()).await;
            assert_eq!(state, DENIED, "{sql}: {text}");
        }
        w.finish().await;
    });
}

#[test]
fn the_gate_login_by_itself_sees_no_projects_table() {
    run(async {
        let w = World::new().await;
        let (schema, _) = names(&w, w.neighbour()).await;
        let mut gate = w.database().gate().await;
        let (state, text) = refused(&mut gate, format!("select * from {schema}.identities")).await;
        assert_eq!(state, DENIED, "{text}");
        let (state, text) = refused(&mut gate, "select * from identities".to_owned()).await;
        assert_eq!(state, NO_SUCH_TABLE, "{text}");
        w.finish().await;
    });
}

#[test]
fn one_prepared_statement_gives_each_project_its_own_rows() {
    run(async {
        // Three connections: one for control, one for the worker, one for all projects.
        let w = World::on(Database::shared().await, |settings| {
            settings.connections = 3;
        })
        .await;
        let mut projects = Vec::new();
        for _ in 0..3 {
            let project = w.project().await;
            add_identity(&project).await;
            projects.push(project);
        }
        for _ in 0..8 {
            for project in &projects {
                assert_eq!(owners(project).await, [project.slug()]);
            }
        }
        w.finish().await;
    });
}

#[test]
fn a_connection_is_nobodys_after_commit_and_after_drop() {
    run(async {
        let w = World::on(Database::shared().await, |settings| {
            settings.connections = 3;
        })
        .await;
        let project = w.project().await;
        let clean = |state: ConnectionState| {
            assert_eq!(state.search_path, "pg_catalog, pg_temp");
            assert_eq!(state.user, state.session_user);
            assert!(!state.in_transaction);
        };
        let tx = project.begin().await.unwrap();
        tx.commit().await.unwrap();
        clean(project.probe_connection().await.unwrap());
        let mut tx = project.begin().await.unwrap();
        let path: String = sqlx::query_scalar("select current_setting('search_path')")
            .fetch_one(tx.conn())
            .await
            .unwrap();
        let (schema, _) = names(&w, &project).await;
        assert_eq!(path, format!("{schema}, pg_temp"), "the pin itself");
        drop(tx);
        clean(project.probe_connection().await.unwrap());
        w.finish().await;
    });
}
