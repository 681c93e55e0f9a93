//! How commands write a moment.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::store::UtcTime;

const MINUTE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]");

/// A moment to the minute, in UTC.
pub(super) fn minute(time: UtcTime) -> String {
    time.to_datetime().format(MINUTE).unwrap_or_default()
}
