//! The one binary, `insula`.
fn main() {}
