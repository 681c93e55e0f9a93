//! Keys that end later than the maximum allows, in words.

use crate::dashboard::frame::layout::When;
use crate::domain::api_key::Shortening;
use crate::format::{count, grouped};

/// What is said about them, and what the button says.
pub(super) struct ShorteningView {
    /// How many there are: `14 keys end`.
    pub(super) found: String,
    /// What would be done: `Shorten 14 keys`.
    pub(super) action: String,
    /// Whether more are left after it.
    pub(super) is_part: bool,
    /// The end that they would get.
    pub(super) end: When,
    pub(super) total: i64,
    pub(super) micros: i64,
}

impl ShorteningView {
    pub(super) fn new(shortening: Shortening) -> Self {
        let Shortening { total, end } = shortening;
        let (at_once, verb) = (shortening.at_once(), if total == 1 { "ends" } else { "end" });
        let is_part = at_once < total;
        let keys = count(total, "key");
        Self {
            found: format!("{keys} {verb}"),
            action: if is_part { format!("Shorten {} of {keys}", grouped(at_once)) } else { format!("Shorten {keys}") },
            is_part,
            end: end.into(),
            total,
            micros: end.micros(),
        }
    }
}
