//! When a key ends, and the installation's rules about it.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use crate::domain::management;
use crate::domain::setting::{self, Setting};
use crate::error::{Error, Result};
use crate::store::{Conn, UtcTime};

const SECONDS_PER_DAY: i64 = 86_400;
/// Nobody means a later end than this; who does means never.
const MAX_DAYS_AHEAD: i64 = 36_525;
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// When a key is to end, as somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// As the installation's default says.
    #[default]
    Default,
    /// Never.
    Never,
    /// With the end of the day, in UTC, that is so many days after today.
    Days(i64),
    /// At a moment.
    At(UtcTime),
}

impl Expiry {
    /// Reads what a form offers: nothing for the default, `never`, a day such as
    /// `2027-11-28` that ends in UTC, a number of days, or `date` for the day in `date`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `expires_at`.
    pub fn parse(choice: &str, date: &str) -> Result<Self> {
        match choice.trim() {
            "" => Ok(Self::Default),
            "never" => Ok(Self::Never),
            "date" => end_of(date).map(Self::At),
            day if day.contains('-') => end_of(day).map(Self::At),
            days => match days.parse() {
                Ok(days) if days > 0 => Ok(Self::Days(days)),
                _ => Err(invalid("Choose when the key ends.")),
            },
        }
    }

    /// The moment, under the installation's rules.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `expires_at`: a moment that has passed, or that is later
    /// than the rules allow.
    pub fn resolve(self, rules: Lifetimes, now: UtcTime) -> Result<Option<UtcTime>> {
        let end = match self {
            Self::Default if rules.default_days > 0 => Some(rules.capped(rules.default_days, now)),
            Self::Default => rules.latest(now),
            Self::Never => None,
            Self::Days(days) => Some(days_after(now, days.min(MAX_DAYS_AHEAD + 1))),
            Self::At(end) => Some(end),
        };
        let Some(end) = end else {
            return match rules.latest(now) {
                None => Ok(None),
                Some(latest) => Err(invalid(&format!(
                    "Every key has to end after at most {} days. Choose {} or earlier.",
                    rules.max_days,
                    day(latest)
                ))),
            };
        };
        if end <= now {
            return Err(invalid("This moment has passed. Choose a later one."));
        }
        match rules.latest(now) {
            Some(latest) if end > latest => Err(invalid(&format!(
                "Keys last at most {} days here. Choose {} or earlier.",
                rules.max_days,
                day(latest)
            ))),
            None if end > days_after(now, MAX_DAYS_AHEAD) => {
                Err(invalid("This is more than 100 years away. Choose an earlier date, or never."))
            }
            _ => Ok(Some(end)),
        }
    }
}

/// The installation's rules about the ends of keys, in days; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetimes {
    /// What a key gets when nobody chose.
    pub default_days: i64,
    /// The longest that a key may have.
    pub max_days: i64,
}

impl Lifetimes {
    /// The rules as they are stored.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(conn: &mut Conn) -> Result<Self> {
        let mut days = |setting| -> Result<i64> {
            Ok(setting::get(conn, setting)?.and_then(|text| text.parse().ok()).unwrap_or_default())
        };
        Ok(Self { default_days: days(Setting::DefaultLifetimeDays)?, max_days: days(Setting::MaxLifetimeDays)? })
    }

    /// The same for a management key, which ends unless somebody chose that it does not.
    #[must_use]
    pub const fn for_management(self) -> Self {
        Self { default_days: management::DEFAULT_LIFETIME_DAYS, ..self }
    }

    /// The latest end that a key may have from now on; `None` when there is no limit.
    #[must_use]
    pub fn latest(self, now: UtcTime) -> Option<UtcTime> {
        (self.max_days > 0).then(|| days_after(now, self.max_days))
    }

    fn capped(self, days: i64, now: UtcTime) -> UtcTime {
        days_after(now, if self.max_days > 0 { days.min(self.max_days) } else { days })
    }
}

/// The last second of the day, in UTC, that is `days` days after today.
#[must_use]
pub fn days_after(now: UtcTime, days: i64) -> UtcTime {
    last_second(now.plus_seconds(days.saturating_mul(SECONDS_PER_DAY)).to_datetime().date())
}

/// The last second of a day in UTC, such as `2027-11-28`.
fn end_of(date: &str) -> Result<UtcTime> {
    let date = date.trim();
    if date.is_empty() {
        return Err(invalid("Choose the day on which the key ends."));
    }
    let parsed = Date::parse(date, DATE).map_err(|_| invalid("There is no such day. Write it like 2027-11-28."))?;
    Ok(last_second(parsed))
}

fn last_second(date: Date) -> UtcTime {
    OffsetDateTime::new_utc(date, Time::from_hms(23, 59, 59).unwrap_or(Time::MIDNIGHT)).into()
}

fn day(time: UtcTime) -> String {
    time.to_datetime().date().format(DATE).unwrap_or_default()
}

fn invalid(message: &str) -> Error {
    Error::invalid("expires_at", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28, 15:30:00 UTC.
    const NOW: UtcTime = UtcTime::from_micros(1_795_879_800_000_000);

    fn end(choice: &str, date: &str, rules: Lifetimes) -> Result<Option<String>, String> {
        match Expiry::parse(choice, date).and_then(|expiry| expiry.resolve(rules, NOW)) {
            Ok(end) => Ok(end.map(|end| end.to_datetime().to_string())),
            Err(Error::Invalid(errors)) => Err(errors.get("expires_at").unwrap().to_owned()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_day_means_its_end_in_utc() {
        let free = Lifetimes::default();
        assert_eq!(end("7", "", free).unwrap().unwrap(), "2026-12-05 23:59:59.0 +00:00:00");
        assert_eq!(end("365", "", free).unwrap().unwrap(), "2027-11-28 23:59:59.0 +00:00:00");
        assert_eq!(end("date", "2026-11-28", free).unwrap().unwrap(), "2026-11-28 23:59:59.0 +00:00:00");
        assert_eq!(end("date", " 2028-02-29 ", free).unwrap().unwrap(), "2028-02-29 23:59:59.0 +00:00:00");
        assert_eq!(end("2026-12-05", "", free), end("7", "", free));
        assert_eq!(end("never", "", free), Ok(None));
        assert_eq!(end("", "", free), Ok(None));
    }

    #[test]
    fn what_is_no_day_to_come_is_refused() {
        let free = Lifetimes::default();
        for date in ["", "2026-11-27", "2027-02-29", "2027-13-01", "9999-12-31", "10000-01-01", "28.11.2027", "soon"] {
            assert!(end("date", date, free).is_err(), "{date}");
        }
        for choice in ["0", "-7", "1.5", "tomorrow", "99999999999999999999"] {
            assert!(end(choice, "", free).is_err(), "{choice}");
        }
        assert!(end("9223372036854775807", "", free).is_err());
    }

    #[test]
    fn a_maximum_holds_for_every_choice_and_its_last_day_is_allowed() {
        let rules = Lifetimes { default_days: 0, max_days: 30 };
        assert_eq!(end("30", "", rules), end("date", "2026-12-28", rules));
        assert!(end("31", "", rules).unwrap_err().contains("2026-12-28"));
        assert!(end("date", "2026-12-29", rules).is_err());
        assert!(end("never", "", rules).is_err());
        assert_eq!(end("", "", rules), end("30", "", rules), "nobody chose");
        let latest = rules.latest(NOW).unwrap();
        assert_eq!(Expiry::At(latest).resolve(rules, NOW).unwrap(), Some(latest));
        assert!(Expiry::At(latest.plus_seconds(1)).resolve(rules, NOW).is_err());
        let both = Lifetimes { default_days: 90, max_days: 30 };
        assert_eq!(end("", "", both), end("30", "", both), "the maximum wins over the default");
    }

    #[test]
    fn a_moment_that_has_passed_is_refused() {
        assert!(Expiry::At(NOW).resolve(Lifetimes::default(), NOW).is_err());
        assert!(Expiry::At(NOW.plus_seconds(1)).resolve(Lifetimes::default(), NOW).is_ok());
    }
}
