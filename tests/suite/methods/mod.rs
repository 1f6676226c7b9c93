//! Each method, through all the flows in which it takes part.

pub(crate) mod code;
mod identifier_first;
mod password;
