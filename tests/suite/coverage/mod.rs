//! What keeps the suite honest: every route, field and rule has a test, heads say which files look inside, the
//! fixture keeps its promises, and the documents for maintainers name what exists.

mod documents;
mod fixture;
mod heads;
mod layers;
mod routes_are_covered;
mod wire_rules_are_covered;
