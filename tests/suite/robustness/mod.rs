//! What hostile, unlucky and overwhelming requests do, and what goes on without PostgreSQL.

mod admission;
mod bad_input;
mod floods;
mod fuzz;
mod known;
mod odds;
mod outages;
mod shares;
mod strangers;
mod vanished;
