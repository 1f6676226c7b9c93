//! What a project's transaction cannot reach: other projects, the installation's own tables.
//!
//! Looks inside: the tables.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenants::{ConnectionState, Project, ids};
use tests::{Database, World, sqlstate, story};

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

#[story]
async fn another_projects_tables_are_out_of_reach(w: World) {
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
}

/// Every table of a schema, as a superuser sees it.
async fn tables(world: &World, schema: &str) -> Vec<String> {
    let mut all = world.database().superuser().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'p') order by 1",
    )
    .bind(schema)
    .fetch_all(&mut all)
    .await
    .unwrap();
    assert!(tables.len() >= 6, "{tables:?}");
    tables
}

/// The heart of it: what our own code gets wrong, Postgres refuses. Every table, every verb.
#[story]
async fn postgres_refuses_every_verb_on_every_table_of_another_project(w: World) {
    let (a, b) = (w.project().await, w.neighbour().clone());
    let ((own, role), (schema, foreign)) = (names(&w, &a).await, names(&w, &b).await);
    let verbs = |table: &str| {
        [
            format!("select count(*) from {table}"),
            format!("select 1 from {table} for update"),
            format!("insert into {table} select * from {table}"),
            format!("delete from {table}"),
            format!("truncate {table}"),
            format!("lock table {table}"),
            format!("copy {table} to stdout"),
            format!("alter table {table} add column mine int"),
            format!("create index on {table} ((1))"),
            format!("drop table {table}"),
            format!("grant all on {table} to current_user"),
        ]
    };
    for table in tables(&w, &schema).await {
        for sql in verbs(&format!("{schema}.{table}")) {
            let mut tx = a.begin().await.unwrap();
            let is: String = sqlx::query_scalar("select current_user::text")
                .fetch_one(tx.conn())
                .await
                .unwrap();
            assert_eq!(is, role, "the role that is refused is the project's");
            let (state, text) = refused(tx.conn(), sql.clone()).await;
            assert_eq!(state, DENIED, "{sql}: {text}");
        }
        // With the same words it reads its own, so that it is the schema that is refused.
        let mut tx = a.begin().await.unwrap();
        let sql = format!("select count(*) from {own}.{table}");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(tx.conn())
            .await
            .unwrap();
    }
    let mut tx = a.begin().await.unwrap();
    let sql = format!("select * from {own}.identities join {schema}.identities using (id)");
    let (state, text) = refused(tx.conn(), sql).await;
    assert_eq!(state, DENIED, "not even beside its own: {text}");
    drop(tx);
    // And the role itself, by whichever login, has no way into the other one.
    let mut alone = w.database().superuser().await;
    let become_project = format!("set session authorization {role}");
    sqlx::raw_sql(AssertSqlSafe(become_project))
        .execute(&mut alone)
        .await
        .unwrap();
    let (state, text) = refused(&mut alone, format!("set role {foreign}")).await;
    assert_eq!(state, DENIED, "{text}");
}

/// Two locks: the schema's, and one on each table, should the first ever be opened by mistake.
#[story]
async fn a_role_holds_no_privilege_in_another_projects_schema(w: World) {
    let a = w.project().await;
    let ((own, role), (schema, _)) = (names(&w, &a).await, names(&w, w.neighbour()).await);
    let mut all = w.database().superuser().await;
    let held = "select n.nspname::text, c.relname::text, p.privilege
          from pg_class c join pg_namespace n on n.oid = c.relnamespace,
               unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) as p(privilege)
         where n.nspname = any($2) and c.relkind = 'r' and has_table_privilege($1, c.oid, p.privilege)
         union all
        select s, '', 'USAGE' from unnest($2) as s where has_schema_privilege($1, s, 'USAGE')
         union all
        select s, '', 'CREATE' from unnest($2) as s where has_schema_privilege($1, s, 'CREATE')";
    let held: Vec<(String, String, String)> = sqlx::query_as(held)
        .bind(&role)
        .bind(vec![own.clone(), schema.clone()])
        .fetch_all(&mut all)
        .await
        .unwrap();
    let of = |which: &str| held.iter().filter(|(of, ..)| of == which).count();
    assert_eq!(of(&schema), 0, "{held:?}");
    assert!(
        of(&own) > 4 * 6,
        "it has its own: this test can tell: {held:?}"
    );
}

/// Statistics hold samples of values, and every role may ask for them.
#[story]
async fn statistics_show_nothing_of_another_project(w: World) {
    let a = w.project().await;
    add_identity(&a).await;
    add_identity(&a).await;
    let mut all = w.database().superuser().await;
    let (own, (schema, _)) = (names(&w, &a).await.0, names(&w, w.neighbour()).await);
    for schema in [&own, &schema] {
        sqlx::raw_sql(AssertSqlSafe(format!("analyze {schema}.identities")))
            .execute(&mut all)
            .await
            .unwrap();
    }
    let seen = "select count(*) from pg_stats where schemaname = $1";
    let count = async |conn: &mut PgConnection, schema: &str| -> i64 {
        let count = sqlx::query_scalar(seen).bind(schema.to_owned());
        count.fetch_one(conn).await.unwrap()
    };
    assert!(count(&mut all, &schema).await > 0, "there is something");
    let mut tx = a.begin().await.unwrap();
    assert!(count(tx.conn(), &own).await > 0, "its own are shown");
    assert_eq!(count(tx.conn(), &schema).await, 0);
    drop(tx);
}

#[story]
async fn a_project_may_write_jobs_and_changes_in_its_own_name_alone(w: World) {
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
}

#[story]
async fn the_installations_tables_are_out_of_reach(w: World) {
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
}

#[story]
async fn the_gate_login_by_itself_sees_no_projects_table(w: World) {
    let (schema, _) = names(&w, w.neighbour()).await;
    let mut gate = w.database().gate().await;
    let (state, text) = refused(&mut gate, format!("select * from {schema}.identities")).await;
    assert_eq!(state, DENIED, "{text}");
    let (state, text) = refused(&mut gate, "select * from identities".to_owned()).await;
    assert_eq!(state, NO_SUCH_TABLE, "{text}");
}

#[story]
async fn one_prepared_statement_gives_each_project_its_own_rows() {
    // Four connections: one that reads changes, one for control, one for the worker, one for all projects.
    let w = World::on(Database::shared().await, |settings| {
        settings.connections = 4;
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
}

#[story]
async fn a_connection_belongs_to_no_project_after_commit_and_after_drop() {
    let w = World::on(Database::shared().await, |settings| {
        settings.connections = 4;
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
}

/// A backend that missed the making of a role refuses it until memberships change again: that is a
/// database to try again, not a fault of ours.
#[story(World::own())]
async fn a_role_that_a_connection_does_not_know(w: World) {
    let project = w.project().await;
    let (_, role) = names(&w, &project).await;
    let mut gate = w.database().gate().await;
    let gate: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut gate)
        .await
        .unwrap();
    // PostgreSQL 16 and later revoke what the same role granted.
    let mut owner = PgConnection::connect(w.database().owner_url())
        .await
        .unwrap();
    let away = format!("revoke {role} from {gate}");
    sqlx::raw_sql(AssertSqlSafe(away))
        .execute(&mut owner)
        .await
        .unwrap();
    let refused = project.begin().await.err();
    assert!(
        matches!(refused, Some(tenants::Fault::Unavailable(_))),
        "{refused:?}"
    );
    let back = format!("grant {role} to {gate}");
    sqlx::raw_sql(AssertSqlSafe(back))
        .execute(&mut owner)
        .await
        .unwrap();
    add_identity(&project).await;
    assert_eq!(owners(&project).await, [project.slug()]);
}

/// A slot belongs to one role for good; the server hands slots out, and nothing else of them is its own to write.
#[story]
async fn the_gate_login_cannot_hand_a_slot_to_another_role(w: World) {
    let mut gate = w.database().gate().await;
    for set in [
        "db_role = db_role",
        "slot = slot",
        "schema_version = schema_version",
    ] {
        let (state, text) = refused(&mut gate, format!("update control.slots set {set}")).await;
        assert_eq!(state, DENIED, "{text}");
    }
    w.project().await;
}
