//! What deserves a look among many keys, each with its number and a link to the keys.

use super::filter::KeyFilterQuery;
use super::paths::PATH;
use crate::domain::account::AccountId;
use crate::domain::api_key::{EndFilter, KeyFilter, KeyMark, KeyUse, MAX_KEY_COUNT, count_matching};
use crate::error::Result;
use crate::format::grouped;
use crate::store::{Conn, UtcTime};

/// A list that is not longer is looked through anyway.
pub(super) const FEW_KEYS: usize = 10;

/// One of them.
pub(super) struct Card {
    /// Such as `12`, or `1,000+`.
    pub(super) count: String,
    pub(super) words: &'static str,
    pub(super) href: String,
}

/// Counts the keys of each card; a card without keys is left out.
///
/// # Errors
/// When the database fails.
pub(super) fn cards(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Vec<Card>> {
    let all = KeyFilter::default;
    let cards = [
        ("expire soon", KeyFilter { end: Some(EndFilter::Soon), ..all() }),
        ("never expire", KeyFilter { end: Some(EndFilter::Never), ..all() }),
        ("unused for 90 days", KeyFilter { usage: Some(KeyUse::Unused), ..all() }),
        ("without address or scope limit", KeyFilter { marks: [KeyMark::Unlimited].into(), ..all() }),
    ];
    let mut counted = Vec::with_capacity(cards.len());
    for (words, filter) in cards {
        let count = count_matching(conn, account, &filter, now, MAX_KEY_COUNT + 1)?;
        if count == 0 {
            continue;
        }
        let most = grouped(i64::try_from(count.min(MAX_KEY_COUNT)).unwrap_or(i64::MAX));
        counted.push(Card {
            count: if count > MAX_KEY_COUNT { format!("{most}+") } else { most },
            words,
            href: format!("{PATH}{}", KeyFilterQuery { filter, ..KeyFilterQuery::default() }.query()),
        });
    }
    Ok(counted)
}
