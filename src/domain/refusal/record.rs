//! What is kept of refused requests.

use diesel::prelude::*;

use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::id::id;
use crate::store::UtcTime;
use crate::store::schema::{key_refusals, refusal_counts, unknown_keys};
use crate::store::types::text_enum;

/// For how many days refusals are kept.
pub const REFUSAL_DAYS: i64 = 30;
/// The source of refusals that are counted for all addresses together.
pub const ALL_ADDRESSES: &str = "*";
/// The source of refusals whose address was not known.
pub const NO_ADDRESS: &str = "";
const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

id! {
    /// The id of a [`KeyRefusal`]'s row.
    RefusalId = "ref_"
}

/// Requests with a key that were refused for one reason within an hour, as far as they are
/// counted together.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = key_refusals)]
pub struct KeyRefusal {
    /// Whose the key is.
    pub account_id: AccountId,
    /// The key.
    pub api_key_id: ApiKeyId,
    /// The beginning of the hour.
    pub hour: UtcTime,
    /// Why, as the answer named it.
    pub code: String,
    /// The address that they are counted by, [`NO_ADDRESS`] or [`ALL_ADDRESSES`].
    pub source: String,
    /// How many.
    pub requests: i64,
    /// When the first one was refused.
    pub first_at: UtcTime,
    /// When the last one was refused.
    pub last_at: UtcTime,
    /// From where the last one came; empty when not known.
    pub address: String,
    /// With which program the last one came; may be empty.
    pub user_agent: String,
}

/// Requests with one key that has the shape of a key and is not known, from one address.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = unknown_keys)]
pub struct UnknownKey {
    /// The last characters of the key; the rest of it is never kept.
    pub tail: String,
    /// From where they came; empty when not known.
    pub address: String,
    /// How many.
    pub requests: i64,
    /// When the first one came.
    pub first_at: UtcTime,
    /// When the last one came.
    pub last_at: UtcTime,
    /// With which program the last one came; may be empty.
    pub user_agent: String,
}

text_enum! {
    /// Refused requests of which nothing but their number is kept.
    RefusalKind {
        /// What was sent has not the shape of a key. It may be somebody's password.
        Malformed = "malformed",
        /// There was no room to count them by their key.
        Unlisted = "unlisted",
    }
}

/// How many requests of a kind were refused on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = refusal_counts)]
pub struct RefusalCount {
    /// The beginning of the day in UTC.
    pub day: UtcTime,
    /// Which ones.
    pub kind: RefusalKind,
    /// How many.
    pub requests: i64,
}

/// Refusals that are to be added to the stored ones.
#[derive(Debug, Default)]
pub struct NewRefusals {
    /// Of keys.
    pub keys: Vec<KeyRefusal>,
    /// Of keys that are not known.
    pub unknown: Vec<UnknownKey>,
    /// Of which only the number is kept.
    pub counts: Vec<RefusalCount>,
}

/// The beginning of the hour.
#[must_use]
pub const fn hour_of(time: UtcTime) -> UtcTime {
    beginning_of(time, HOUR_SECONDS)
}

/// The beginning of the day in UTC.
#[must_use]
pub const fn day_of(time: UtcTime) -> UtcTime {
    beginning_of(time, DAY_SECONDS)
}

/// From when on refusals are kept.
#[must_use]
pub const fn oldest_kept(now: UtcTime) -> UtcTime {
    now.plus_seconds(-REFUSAL_DAYS * DAY_SECONDS)
}

const fn beginning_of(time: UtcTime, seconds: i64) -> UtcTime {
    let micros = time.micros();
    UtcTime::from_micros(micros.saturating_sub(micros.rem_euclid(seconds * 1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_and_a_day_begin_where_the_clock_says_so_also_before_1970() {
        let at = |seconds: i64| UtcTime::from_micros(seconds * 1_000_000);
        for (time, hour, day) in
            [(0, 0, 0), (3_599, 0, 0), (3_600, 3_600, 0), (86_400, 86_400, 86_400), (-1, -3_600, -86_400)]
        {
            assert_eq!((hour_of(at(time)), day_of(at(time))), (at(hour), at(day)), "{time}");
        }
        assert_eq!(hour_of(UtcTime::from_micros(i64::MIN)), UtcTime::from_micros(i64::MIN));
    }
}
