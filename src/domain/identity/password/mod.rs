//! Passwords of operators: the rules for new ones, and their hashes.

mod hashing;
mod rules;

pub use hashing::{Check, Passwords, hash};
pub use rules::Password;
