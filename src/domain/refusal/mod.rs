//! Refused requests: with which key, why, how often and from where last. They are counted
//! and not listed one by one, so that whoever is refused can't fill the database.

mod by_address;
mod by_hour;
mod list;
mod pruning;
mod record;
mod unknown;
mod upsert;
mod write;

pub use by_address::{RefusedAddress, refused_addresses};
pub use by_hour::refused_by_hour;
pub use list::{REFUSALS_PER_PAGE, RefusalCursor, RefusalEntry, RefusalFilter, RefusalList, list};
pub use pruning::{needs_pruning, prune};
pub use record::{
    ALL_ADDRESSES, KeyRefusal, NO_ADDRESS, NewRefusals, REFUSAL_DAYS, RefusalCount, RefusalId, RefusalKind, UnknownKey,
    day_of, hour_of, oldest_kept,
};
pub use unknown::{count_unknown_keys, counts, unknown_keys};
pub use write::{MAX_ADDRESSES_PER_HOUR, MAX_UNKNOWN_KEYS, add};
