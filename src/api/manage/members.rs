//! Members of requests about keys, and what they stand for.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::api_key::{AllowedIps, Expiry, Scopes};
use crate::error::{Error, Result};
use crate::store::UtcTime;

/// Tells a member that is `null` from one that is not there, which is `None`.
///
/// # Errors
/// For another value than a `T` or `null`.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// Reads a time with its zone.
///
/// # Errors
/// [`Error::Invalid`] for `field`.
pub(super) fn parse_time(field: &'static str, text: &str) -> Result<UtcTime> {
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339);
    let wrong = |_| Error::invalid(field, "Write a time with its zone, such as 2027-11-28T12:00:00Z.");
    time.map(UtcTime::from).map_err(wrong)
}

/// The end that `expires_at` or `expires_in_days` asks for; `None` if neither is there.
///
/// # Errors
/// [`Error::Invalid`] for what is no end, and for both at once.
pub(super) fn expiry(at: Option<&Option<String>>, in_days: Option<i64>) -> Result<Option<Expiry>> {
    match (at, in_days) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Error::invalid("expires_in_days", "Send expires_at or expires_in_days, not both.")),
        (None, Some(days)) if days > 0 => Ok(Some(Expiry::Days(days))),
        (None, Some(_)) => Err(Error::invalid("expires_in_days", "Write a number of days from 1 on.")),
        (Some(None), None) => Ok(Some(Expiry::Never)),
        (Some(Some(text)), None) => parse_time("expires_at", text).map(|end| Some(Expiry::At(end))),
    }
}

/// Reads `scopes`.
///
/// # Errors
/// [`Error::Invalid`] for `scopes`.
pub(super) fn scopes(names: &[String]) -> Result<Scopes> {
    Scopes::parse(names.iter().map(String::as_str))
}

/// Reads `allowed_ips`; an empty list is anywhere.
///
/// # Errors
/// [`Error::Invalid`] for `allowed_ips`.
pub(super) fn allowed_ips(entries: &[String]) -> Result<AllowedIps> {
    // A program whose variable is empty must not get a key that works from anywhere.
    if entries.iter().any(|entry| entry.trim().is_empty()) {
        return Err(Error::invalid("allowed_ips", "One of these is empty. Write 203.0.113.9 or 10.0.0.0/8."));
    }
    AllowedIps::parse(&entries.join(" "))
}
