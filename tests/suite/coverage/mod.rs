//! What keeps the suite honest: every route, field and trap has a test, heads say which files look inside, and
//! the fixture keeps its promises.

mod fixture;
mod heads;
mod routes_are_covered;
mod traps_are_covered;
