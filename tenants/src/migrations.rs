//! The migrations this binary carries, and the versions it can serve.

/// One step. `sql` may hold several statements; it runs in one transaction.
pub(crate) struct Migration {
    pub(crate) version: i32,
    pub(crate) sql: &'static str,
}

/// Of the `control` schema, in order.
pub(crate) const CONTROL: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("../../migrations/control/0001_control.sql"),
    },
    Migration {
        version: 2,
        sql: include_str!("../../migrations/control/0002_session_cookies.sql"),
    },
];

/// Of each project's schema, in order. Unqualified: the search path says whose tables they are.
pub(crate) const PROJECT: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("../../migrations/project/0001_people.sql"),
    },
    Migration {
        version: 2,
        sql: include_str!("../../migrations/project/0002_mail.sql"),
    },
    Migration {
        version: 3,
        sql: include_str!("../../migrations/project/0003_limits.sql"),
    },
    Migration {
        version: 4,
        sql: include_str!("../../migrations/project/0004_messages_stay.sql"),
    },
    Migration {
        version: 5,
        sql: include_str!("../../migrations/project/0005_places.sql"),
    },
];

/// The oldest project schema this binary still serves; others answer 503 `project_migrating`.
pub(crate) const PROJECT_MIN: i32 = 5;

/// The version that `insula migrate` moves every project to.
pub(crate) fn project_version() -> i32 {
    PROJECT.last().map_or(0, |m| m.version)
}

pub(crate) fn control_version() -> i32 {
    CONTROL.last().map_or(0, |m| m.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in the folder that the list forgets would silently never run.
    #[test]
    fn every_file_is_listed_in_order() {
        for (folder, list) in [("control", CONTROL), ("project", PROJECT)] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../migrations")
                .join(folder);
            let mut files: Vec<_> = std::fs::read_dir(path)
                .unwrap()
                .map(|f| f.unwrap().path())
                .collect();
            files.sort();
            assert_eq!(files.len(), list.len(), "{folder}: files and list differ");
            for (index, (file, migration)) in files.iter().zip(list).enumerate() {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                assert_eq!(
                    name[..4].parse::<i32>().unwrap(),
                    migration.version,
                    "{folder}/{name}"
                );
                assert_eq!(
                    migration.version,
                    i32::try_from(index).unwrap() + 1,
                    "{folder}: versions have no gaps"
                );
                assert_eq!(
                    std::fs::read_to_string(file).unwrap(),
                    migration.sql,
                    "{folder}/{name}"
                );
            }
        }
    }
}
