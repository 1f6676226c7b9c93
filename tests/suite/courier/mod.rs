//! Outgoing messages: how they are shown, and what becomes of them.

mod administration;
