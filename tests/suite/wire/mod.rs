//! What clients see on the wire: whole answers, headers, the published description, and the official SDK.

mod cors;
mod golden;
mod headers;
mod openapi;
mod pages;
pub(crate) mod sdk;
