//! What keeps the suite honest: every route, field and trap has a test, and the fixture its promises.

mod fixture;
mod routes_are_covered;
mod traps_are_covered;
