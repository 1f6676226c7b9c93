//! A route or field that the isolation table does not know cannot be released.

use std::collections::BTreeSet;

use crate::tenancy::isolation_table::{
    fields::{self, Needs},
    rows::{ADMIN, INSTALLATION, PUBLIC, Row},
};

/// Fails with what is to be done.
fn same(what: &str, file: &str, served: &BTreeSet<String>, rows: &BTreeSet<String>) {
    let missing: Vec<_> = served.difference(rows).collect();
    assert!(
        missing.is_empty(),
        "no row of the isolation table calls {missing:?}: add one to tests/suite/tenancy/isolation_table/{file} \
         that calls it with the project's own things and swaps each for the neighbour's"
    );
    let stale: Vec<_> = rows.difference(served).collect();
    assert!(
        stale.is_empty(),
        "tests/suite/tenancy/isolation_table/{file} has rows for {stale:?}, but no such {what} is served: remove or rename them"
    );
}

fn named(rows: &[Row]) -> impl Iterator<Item = String> {
    rows.iter().map(|row| row.route.to_owned())
}

#[test]
fn every_route_has_a_row() {
    let (project, installation) = api::routes();
    assert!(
        project.len() > 20 && installation.len() > 3,
        "routes are listed"
    );
    let rows = named(PUBLIC).chain(named(ADMIN)).collect();
    same(
        "route of a project",
        "rows/",
        &project.into_iter().collect(),
        &rows,
    );
    let rows = named(INSTALLATION).collect();
    let served = installation.into_iter().collect();
    same("route of the installation", "rows/", &served, &rows);
}

#[test]
fn every_row_swaps_something() {
    for row in PUBLIC.iter().chain(ADMIN).chain(INSTALLATION) {
        assert!(
            !row.swaps.is_empty(),
            "{} is called with nothing foreign",
            row.route
        );
    }
}

#[test]
fn every_field_has_a_row() {
    let all = fields::all();
    let served = api::graphql::fields().into_iter().collect();
    let rows: BTreeSet<String> = all.iter().map(|field| field.name.clone()).collect();
    assert_eq!(rows.len(), all.len(), "a field has two rows");
    same("field", "fields.rs", &served, &rows);
}

/// A field that has no operation of its own is asked for by the one it names.
#[test]
fn fields_of_payloads_are_asked_for() {
    let all = fields::all();
    for field in &all {
        let Needs::Within(through) = field.needs else {
            continue;
        };
        let row = all.iter().find(|other| other.name == through).unwrap();
        let (_, name) = field.name.split_once('.').unwrap();
        let (_, selected) = row.document.split_once(") {").unwrap();
        assert!(
            selected
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == name),
            "{through} does not ask for {}",
            field.name
        );
    }
}
