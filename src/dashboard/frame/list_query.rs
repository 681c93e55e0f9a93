//! What lists have in common that are filtered by their address: days, choices, and
//! the address of the same list with another choice.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::Date;
use time::macros::format_description;

use crate::error::{Error, FieldErrors, Result};
use crate::store::UtcTime;

const DAY_SECONDS: i64 = 24 * 3600;
/// No place is further from UTC, in minutes.
const MAX_UTC_OFFSET: i64 = 24 * 60;
/// What stands for itself in the query of an address (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One thing to choose.
pub struct Choice {
    /// What the address has.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// The days of a list, from the first to the last.
#[derive(Debug, Default)]
pub struct Days {
    /// The beginning of the first day.
    pub from: Option<UtcTime>,
    /// The end of the last day.
    pub until: Option<UtcTime>,
    /// What is wrong with the days, which can be typed.
    pub errors: FieldErrors,
}

impl Days {
    /// Reads two days as `2026-11-27`, and how many minutes east of UTC they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an offset that is no number or out of range.
    pub fn parse(from: &str, to: &str, utc_offset: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let offset: i64 = written(utc_offset)?.unwrap_or_default();
        if !(-MAX_UTC_OFFSET..=MAX_UTC_OFFSET).contains(&offset) {
            return Err(Error::NotFound);
        }
        let mut day = |field, text: &str| -> Result<Option<UtcTime>> {
            Ok(errors.collect(parse_day(field, text))?.flatten().map(|start| start.plus_seconds(-60 * offset)))
        };
        let (from, last) = (day("from", from)?, day("to", to)?);
        if from.zip(last).is_some_and(|(from, last)| last < from) {
            errors.collect::<()>(Err(Error::invalid("to", "To can't be before From.")))?;
        }
        Ok(Self { from, until: last.map(|last| last.plus_seconds(DAY_SECONDS)), errors })
    }
}

/// Reads a part of an address; empty is none.
///
/// # Errors
/// [`Error::NotFound`] for a malformed parameter.
pub fn written<T: std::str::FromStr>(text: &str) -> Result<Option<T>> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::NotFound),
    }
}

/// What follows the path of an address, with the `?`; empty parts are left out.
#[must_use]
pub fn query_string(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> =
        parts.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// The beginning of a day in UTC.
fn parse_day(field: &'static str, text: &str) -> Result<Option<UtcTime>> {
    match text.trim() {
        "" => Ok(None),
        text => match Date::parse(text, format_description!("[year]-[month]-[day]")) {
            Ok(day) => Ok(Some(day.midnight().assume_utc().into())),
            Err(_) => Err(Error::invalid(field, "Write the day as 2026-11-27.")),
        },
    }
}
