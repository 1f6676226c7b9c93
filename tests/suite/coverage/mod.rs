//! What keeps the suite honest: every route, field and rule has a test, heads say which files look inside, and
//! the fixture keeps its promises.

mod fixture;
mod heads;
mod routes_are_covered;
mod wire_rules_are_covered;
