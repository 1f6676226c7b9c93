//! From what is to be said to the texts that are sent: the built-in words, and those of a project, which are tried
//! out when its configuration is written and held so tightly that they cannot use up the server.

mod built_in;
mod dry_run;
mod engine;
#[cfg(test)]
mod fuzz;
mod go_template;
mod language;
mod layout;
mod project_templates;
mod render;
mod restrict;
mod sample_messages;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use dry_run::of_texts;
pub use render::render;
