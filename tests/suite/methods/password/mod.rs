//! Passwords: which may be chosen, and how often one may guess.

mod breaches;
mod guesses;
mod policy;
