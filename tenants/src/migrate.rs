//! `insula migrate`: control schema, roles, then every project, a bounded number at a time, one
//! transaction each. It can be stopped at any moment and run again.
//!
//! It works on one cluster, named by its logins: before the first migration there is none to connect to.

use sqlx::{Connection as _, PgConnection};

use crate::{Fault, ids, migrations, roles, roles::Gate, schema};

/// The advisory lock that lets one migrator at a time work on a cluster.
const MIGRATE_LOCK: i64 = 0x1_a5_01;

/// What there is to do, or what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Projects and spare schemas already at the newest version.
    pub done: usize,
    /// All of them.
    pub total: usize,
}

/// What `insula migrate --check` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Version of the control schema; 0 when there is none.
    pub control: i32,
    /// The version this binary wants.
    pub control_wanted: i32,
    /// Project schemas below the version this binary wants.
    pub projects: usize,
    /// The version this binary wants projects to have.
    pub project_wanted: i32,
}

impl Pending {
    /// Nothing to do?
    pub fn is_none(&self) -> bool {
        self.control == self.control_wanted && self.projects == 0
    }
}

/// Look, change nothing.
pub async fn check(owner_url: &str) -> Result<Pending, Fault> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let control = control_version(&mut owner).await?;
    let projects = if control == 0 {
        0
    } else {
        behind(&mut owner).await?.len()
    };
    Ok(Pending {
        control,
        control_wanted: migrations::control_version(),
        projects,
        project_wanted: migrations::project_version(),
    })
}

/// Bring everything to the versions this binary wants. `report` is called after each project.
///
/// A project whose tables are locked for longer than two seconds is tried three times more at the end;
/// the call fails if one is still behind then.
pub async fn migrate(
    owner_url: &str,
    gate_url: &str,
    at_once: usize,
    report: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), Fault> {
    let mut owner = PgConnection::connect(owner_url).await?;
    sqlx::query!("select pg_advisory_lock($1)", MIGRATE_LOCK)
        .execute(&mut owner)
        .await?;
    migrate_control(&mut owner).await?;
    let prefix = ensure_prefix(&mut owner).await?;
    roles::apply(&mut owner, &prefix, &Gate::of_url(gate_url)?).await?;
    for attempt in 0..4u8 {
        if migrate_projects(&mut owner, owner_url, at_once, report).await? == 0 {
            break;
        }
        if attempt == 3 {
            return Err(Fault::broken(
                "some projects are still behind: their tables stayed locked; run `insula migrate` again",
            ));
        }
    }
    owner.close().await?;
    Ok(())
}

async fn migrate_control(owner: &mut PgConnection) -> Result<(), Fault> {
    let version = control_version(owner).await?;
    for migration in migrations::CONTROL.iter().filter(|m| m.version > version) {
        let mut tx = owner.begin().await?;
        sqlx::raw_sql(migration.sql).execute(&mut *tx).await?;
        sqlx::query!(
            "insert into control.migrations (version) values ($1)",
            migration.version
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn control_version(owner: &mut PgConnection) -> Result<i32, Fault> {
    let exists =
        sqlx::query_scalar!(r#"select to_regclass('control.migrations') is not null as "yes!""#)
            .fetch_one(&mut *owner)
            .await?;
    if !exists {
        return Ok(0);
    }
    let version = sqlx::query_scalar!(
        r#"select coalesce(max(version), 0) as "version!" from control.migrations"#
    );
    Ok(version.fetch_one(owner).await?)
}

async fn ensure_prefix(owner: &mut PgConnection) -> Result<String, Fault> {
    let fresh = format!("i{}", ids::alphanumeric(5).to_lowercase());
    sqlx::query!("insert into control.installation (prefix, created_at) values ($1, now()) on conflict do nothing", fresh)
        .execute(&mut *owner)
        .await?;
    Ok(
        sqlx::query_scalar!("select prefix from control.installation")
            .fetch_one(owner)
            .await?,
    )
}

struct Behind {
    slot: i32,
    db_role: String,
    version: i32,
}

async fn behind(owner: &mut PgConnection) -> Result<Vec<Behind>, Fault> {
    let rows = sqlx::query!(
        "select slot, db_role, schema_version from control.slots
          where state in ('SPARE', 'USED') and schema_version < $1 order by slot",
        migrations::project_version()
    );
    let rows = rows.fetch_all(owner).await?;
    Ok(rows
        .into_iter()
        .map(|r| Behind {
            slot: r.slot,
            db_role: r.db_role,
            version: r.schema_version,
        })
        .collect())
}

/// One pass over all that are behind. Answers how many still are.
async fn migrate_projects(
    owner: &mut PgConnection,
    owner_url: &str,
    at_once: usize,
    report: &(dyn Fn(Progress) + Send + Sync),
) -> Result<usize, Fault> {
    let mut waiting = behind(owner).await?;
    let total = waiting.len();
    if total == 0 {
        return Ok(0);
    }
    waiting.reverse();
    let waiting = std::sync::Mutex::new(waiting);
    let (done, locked) = (
        std::sync::atomic::AtomicUsize::new(0),
        std::sync::atomic::AtomicUsize::new(0),
    );
    let lanes = (0..at_once.clamp(1, total)).map(|_| async {
        let mut connection = PgConnection::connect(owner_url).await?;
        loop {
            let next = waiting
                .lock()
                .map_err(|_| Fault::broken("a migration lane panicked"))?
                .pop();
            let Some(Behind {
                slot,
                db_role,
                version,
            }) = next
            else {
                break;
            };
            match schema::migrate(&mut connection, slot, &db_role, version).await {
                Ok(()) => {
                    let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                    report(Progress { done, total });
                }
                Err(Fault::Unavailable(error)) if error.as_database_error().is_some() => {
                    tracing::warn!(slot, %error, "schema is busy; it is tried again at the end");
                    locked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                Err(other) => return Err(other),
            }
        }
        connection.close().await?;
        Ok(())
    });
    futures_util::future::try_join_all(lanes).await?;
    Ok(locked.into_inner())
}
