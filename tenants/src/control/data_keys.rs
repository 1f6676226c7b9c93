//! The projects' data keys, each wrapped with one of the installation's master keys.

use super::directory::Directory;
use crate::{
    Fault, ProjectId, ids,
    secrets::{DataKey, MasterKeys},
};

impl Directory {
    /// The server must not start when something is stored that no configured key can open.
    pub(crate) async fn check_master_keys(&self) -> Result<(), Fault> {
        for (id, count) in self.master_key_use().await? {
            if !self.settings().master_keys.ids().any(|known| known == id) {
                return Err(Fault::broken(format!(
                    "{count} project key(s) are sealed with master key {id}, which INSULA_SECRETS does not contain; add that key to the list"
                )));
            }
        }
        Ok(())
    }

    pub(crate) async fn master_key_use(&self) -> Result<Vec<(String, usize)>, Fault> {
        let wrapped =
            sqlx::query_scalar!("select data_key from control.projects where state <> 'DELETED'");
        let mut count = std::collections::BTreeMap::<String, usize>::new();
        let wrapped = wrapped
            .fetch_all(&mut *self.home().pools().control.take().await?)
            .await?;
        for sealed in wrapped {
            let id = MasterKeys::key_id_of(&sealed)
                .ok_or_else(|| Fault::broken("a stored project key is not a sealed value"))?;
            *count.entry(id).or_default() += 1;
        }
        Ok(count.into_iter().collect())
    }

    pub(crate) async fn rewrap_keys(&self) -> Result<usize, Fault> {
        let rows =
            sqlx::query!("select id, data_key from control.projects where state <> 'DELETED'");
        let primary = self.settings().master_keys.primary_id().to_owned();
        let mut connection = self.home().pools().control.take().await?;
        let mut moved = 0;
        for row in rows.fetch_all(&mut *connection).await? {
            if MasterKeys::key_id_of(&row.data_key).as_deref() == Some(&primary) {
                continue;
            }
            let key = self.unwrap_key(ProjectId(row.id), &row.data_key)?;
            let wrapped = self.wrap_key(ProjectId(row.id), &key);
            // Only over what was read: a change in between is left for the next run.
            let done = sqlx::query!(
                "update control.projects set data_key = $3 where id = $1 and data_key = $2",
                row.id,
                row.data_key,
                wrapped
            )
            .execute(&mut *connection)
            .await?;
            moved += usize::try_from(done.rows_affected()).unwrap_or(0);
        }
        Ok(moved)
    }

    pub(crate) fn wrap_key(&self, project: ProjectId, key: &DataKey) -> Vec<u8> {
        key.wrap(
            &self.settings().master_keys,
            project.uuid().as_bytes(),
            ids::bytes(),
        )
    }

    pub(crate) fn unwrap_key(&self, project: ProjectId, wrapped: &[u8]) -> Result<DataKey, Fault> {
        let key = DataKey::unwrap(
            &self.settings().master_keys,
            project.uuid().as_bytes(),
            wrapped,
        );
        key.map_err(|e| Fault::broken(format!("key of project {project}: {e}")))
    }
}
