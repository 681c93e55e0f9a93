//! Requests that belong to no key, and so to no account: shown to those who answer for the
//! installation.

use super::filter::WantedRefusals;
use super::words::kind_words;
use crate::dashboard::frame::ago::Age;
use crate::dashboard::frame::layout::When;
use crate::domain::refusal::{self, MAX_UNKNOWN_KEYS, UnknownKey};
use crate::error::Result;
use crate::format::{count, grouped};
use crate::store::{Conn, UtcTime};

/// Unknown keys that are shown at first.
const KEYS_IN_SIGHT: i64 = 20;

/// The section.
pub(super) struct UnknownKeysView {
    pub(super) rows: Vec<UnknownKeyRow>,
    /// The link to all of them, where there are more: its text and address.
    pub(super) more: Option<(String, String)>,
    /// What is only counted.
    pub(super) counts: Vec<String>,
}

/// An unknown key's row.
pub(super) struct UnknownKeyRow {
    /// Its last characters.
    pub(super) tail: String,
    pub(super) address: String,
    pub(super) user_agent: String,
    pub(super) requests: String,
    pub(super) last: When,
    pub(super) age: Age,
    pub(super) first: Option<When>,
}

impl UnknownKeysView {
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, all: bool, now: UtcTime) -> Result<Self> {
        let limit = if all { MAX_UNKNOWN_KEYS } else { KEYS_IN_SIGHT };
        let keys = refusal::unknown_keys(conn, now, limit)?;
        let total = refusal::count_unknown_keys(conn, now)?;
        let has_more = !all && total > KEYS_IN_SIGHT;
        let more = || (format!("Show all {}", grouped(total)), WantedRefusals::url_of_all_unknown());
        let counts = refusal::counts(conn, now)?;
        Ok(Self {
            rows: keys.into_iter().map(|key| UnknownKeyRow::new(key, now)).collect(),
            more: has_more.then(more),
            counts: counts.into_iter().map(|(kind, requests)| kind_words(kind, requests)).collect(),
        })
    }
}

impl UnknownKeyRow {
    fn new(key: UnknownKey, now: UtcTime) -> Self {
        Self {
            tail: key.tail,
            address: key.address,
            user_agent: key.user_agent,
            requests: count(key.requests, "request"),
            last: key.last_at.into(),
            age: Age::of(key.last_at, now),
            first: (key.requests > 1).then(|| key.first_at.into()),
        }
    }
}
