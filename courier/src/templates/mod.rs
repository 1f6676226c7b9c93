//! From what is to be said to the texts that are sent: the built-in words, and those of a project, which are tried
//! out when its configuration is written and held so tightly that they cannot use up the server.

mod built_in;
mod engine;
mod go;
mod language;
mod layout;
mod own;
mod render;
mod restrict;
mod samples;
#[cfg(test)]
mod tests;
mod trial;
mod variables;

pub use render::render;
pub(crate) use trial::of_texts;
