//! What a person can do: the self-service flows, their methods and hooks, and the forms they draw.

pub mod csrf;
pub mod methods;
pub mod return_to;
pub mod ui;
