//! The first role and database of a cluster, made as often as one likes.

use crate::{Error, Server};

/// Makes the login `owner` (CREATEROLE, no superuser) and `database`, owned by it; sets both right
/// when they exist.
pub fn ensure_database(server: &Server, database: &str, owner: &str) -> Result<(), Error> {
    let role = ident(owner);
    let named = literal(owner);
    let known = server.sql(
        "postgres",
        &format!("select 1 from pg_catalog.pg_roles where rolname = {named};"),
    )?;
    let verb = if known.is_empty() { "create" } else { "alter" };
    server.sql(
        "postgres",
        &format!("{verb} role {role} login createrole nosuperuser nocreatedb noreplication;"),
    )?;
    let known = server.sql(
        "postgres",
        &format!(
            "select 1 from pg_catalog.pg_database where datname = {};",
            literal(database)
        ),
    )?;
    let name = ident(database);
    server.sql(
        "postgres",
        &if known.is_empty() {
            format!("create database {name} owner {role};")
        } else {
            format!("alter database {name} owner to {role};")
        },
    )?;
    Ok(())
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::{ident, literal};

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(ident("a\"; drop"), "\"a\"\"; drop\"");
        assert_eq!(literal("o'clock"), "'o''clock'");
    }
}
