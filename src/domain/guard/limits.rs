//! The limits of an account or of a key, as they are stored and as they are typed.

use diesel::prelude::*;

use super::destinations::{DestinationRule, Prefixes};
use super::senders::AllowedSenders;
use crate::domain::audit::EventBuilder;
use crate::domain::message::phone_number::PhoneNumber;
use crate::error::{Error, FieldErrors, Result};
use crate::format::grouped;
use crate::store::schema::guards;

/// So many of the latest messages to a recipient are read.
const MAX_TO_RECIPIENT: i64 = 1_000;
const MAX_MESSAGES_MINUTE: i64 = 1_000_000;
const MAX_CREDITS_DAY: i64 = 1_000_000_000;
/// What a new account starts with.
const DEFAULT_RECIPIENT_10_MINUTES: i64 = 5;
const DEFAULT_RECIPIENT_DAY: i64 = 20;

/// The limits; `None` is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = guards, treat_none_as_null = true)]
pub struct Limits {
    /// Messages to one recipient in 10 minutes.
    pub recipient_10_minutes: Option<i64>,
    /// Messages to one recipient in 24 hours.
    pub recipient_day: Option<i64>,
    /// Messages in a minute.
    pub messages_minute: Option<i64>,
    /// Credits in a day of UTC.
    pub credits_day: Option<i64>,
    /// What the prefixes mean.
    pub destinations: DestinationRule,
    /// The prefixes of numbers.
    pub prefixes: Prefixes,
    /// The senders that messages may name.
    pub senders: AllowedSenders,
}

/// Limits as a form has them; an empty field is no limit.
#[derive(Debug, Clone, Default)]
pub struct TypedLimits<'a> {
    /// Messages to one recipient in 10 minutes.
    pub recipient_10_minutes: &'a str,
    /// Messages to one recipient in 24 hours.
    pub recipient_day: &'a str,
    /// Messages in a minute.
    pub messages_minute: &'a str,
    /// Credits in a day.
    pub credits_day: &'a str,
    /// What the prefixes mean; empty for anything.
    pub destinations: &'a str,
    /// Prefixes of numbers.
    pub prefixes: &'a str,
    /// Senders.
    pub senders: &'a str,
}

impl Limits {
    /// No limit at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            recipient_10_minutes: None,
            recipient_day: None,
            messages_minute: None,
            credits_day: None,
            destinations: DestinationRule::Any,
            prefixes: Prefixes::default(),
            senders: AllowedSenders::default(),
        }
    }

    /// What a new account starts with: few messages to one recipient, and none to numbers
    /// at premium rates.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            recipient_10_minutes: Some(DEFAULT_RECIPIENT_10_MINUTES),
            recipient_day: Some(DEFAULT_RECIPIENT_DAY),
            destinations: DestinationRule::Except,
            prefixes: Prefixes::premium(),
            ..Self::none()
        }
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self { prefixes: self.prefixes.clone(), ..Self::none() }
    }

    /// Whether it has a limit that is counted.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.recipient_10_minutes.is_some()
            || self.recipient_day.is_some()
            || self.messages_minute.is_some()
            || self.credits_day.is_some()
    }

    /// Whether messages may go to a number.
    #[must_use]
    pub fn allow(&self, number: &PhoneNumber) -> bool {
        match self.destinations {
            DestinationRule::Any => true,
            DestinationRule::Except => self.prefixes.prefix_of(number).is_none(),
            DestinationRule::Only => self.prefixes.prefix_of(number).is_some(),
        }
    }

    /// What is limited, one text for each limit.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let numbers = [
            (self.recipient_10_minutes, "to one phone in 10 minutes"),
            (self.recipient_day, "to one phone a day"),
            (self.messages_minute, "messages a minute"),
            (self.credits_day, "credits a day"),
        ];
        let numbers = numbers.into_iter().filter_map(|(limit, words)| Some(format!("{} {words}", grouped(limit?))));
        let senders = self.senders.iter().map(|sender| format!("sender {sender}"));
        let places = Some(self.destinations_text()).filter(|places| !places.is_empty());
        numbers.chain(places).chain(senders).collect()
    }

    /// Where messages may go, in one text; empty for anywhere.
    fn destinations_text(&self) -> String {
        match self.destinations {
            DestinationRule::Any => String::new(),
            DestinationRule::Except => format!("all but {}", self.prefixes.as_str()),
            DestinationRule::Only => format!("only {}", self.prefixes.as_str()),
        }
    }

    /// Adds what differs from `before` to an event.
    #[must_use]
    pub fn changed_since(&self, before: &Self, event: EventBuilder) -> EventBuilder {
        event
            .field("recipient_10_minutes", before.recipient_10_minutes, self.recipient_10_minutes)
            .field("recipient_day", before.recipient_day, self.recipient_day)
            .field("messages_minute", before.messages_minute, self.messages_minute)
            .field("credits_day", before.credits_day, self.credits_day)
            .field("destinations", before.destinations_text(), self.destinations_text())
            .field("senders", before.senders.as_str().replace('\n', ", "), self.senders.as_str().replace('\n', ", "))
    }
}

impl TypedLimits<'_> {
    /// Validates the limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
    pub fn parse(&self) -> Result<Limits> {
        let mut errors = FieldErrors::default();
        let mut number = |field, typed, max| errors.collect(limit(field, typed, max)).map(Option::flatten);
        let recipient_10_minutes = number("recipient_10_minutes", self.recipient_10_minutes, MAX_TO_RECIPIENT)?;
        let recipient_day = number("recipient_day", self.recipient_day, MAX_TO_RECIPIENT)?;
        let messages_minute = number("messages_minute", self.messages_minute, MAX_MESSAGES_MINUTE)?;
        let credits_day = number("credits_day", self.credits_day, MAX_CREDITS_DAY)?;
        if let (Some(short), Some(day)) = (recipient_10_minutes, recipient_day)
            && short > day
        {
            errors.add("recipient_10_minutes", format!("This is more than a day allows. Use at most {day}."));
        }
        let destinations = errors.collect(destination_rule(self.destinations))?;
        let prefixes = match destinations {
            Some(DestinationRule::Any) => Some(Prefixes::default()),
            _ => errors.collect(Prefixes::parse(self.prefixes))?,
        };
        if prefixes.as_ref().is_some_and(|prefixes| prefixes.as_str().is_empty())
            && destinations.is_some_and(|rule| rule != DestinationRule::Any)
        {
            errors.add("prefixes", "Name at least one prefix, or choose Everywhere.");
        }
        let senders = errors.collect(AllowedSenders::parse(self.senders))?;
        match (destinations, prefixes, senders) {
            (Some(destinations), Some(prefixes), Some(senders)) if errors.is_empty() => Ok(Limits {
                recipient_10_minutes,
                recipient_day,
                messages_minute,
                credits_day,
                destinations,
                prefixes,
                senders,
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

fn destination_rule(typed: &str) -> Result<DestinationRule> {
    if typed.is_empty() {
        return Ok(DestinationRule::Any);
    }
    typed.parse().map_err(|()| Error::invalid("destinations", "Choose where messages may go."))
}

fn limit(field: &'static str, typed: &str, max: i64) -> Result<Option<i64>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let digits = typed.replace([',', ' '], "");
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    match digits.parse() {
        Ok(limit) if is_number && (1..=max).contains(&limit) => Ok(Some(limit)),
        _ => {
            let message = format!("Use a whole number from 1 to {}, or nothing for no limit.", grouped(max));
            Err(Error::invalid(field, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(typed: &TypedLimits<'_>) -> Vec<&'static str> {
        match typed.parse() {
            Err(Error::Invalid(errors)) => errors.iter().map(|(field, _)| field).collect(),
            other => panic!("{typed:?} gave {other:?}"),
        }
    }

    #[test]
    fn limits_are_whole_numbers_and_nothing_is_no_limit() {
        assert!(TypedLimits::default().parse().unwrap().is_none());
        let typed = TypedLimits { messages_minute: " 60 ", credits_day: "1,000", ..TypedLimits::default() };
        let limits = typed.parse().unwrap();
        assert_eq!((limits.messages_minute, limits.credits_day), (Some(60), Some(1_000)));
        assert!(limits.counts() && !limits.is_none());
        assert_eq!(limits.words(), ["60 messages a minute", "1,000 credits a day"]);
        for number in ["0", "-1", "1.5", "many", "1001"] {
            let typed = TypedLimits { recipient_day: number, ..TypedLimits::default() };
            assert_eq!(wrong(&typed), ["recipient_day"], "{number}");
        }
    }

    #[test]
    fn limits_that_contradict_each_other_are_told() {
        let typed = TypedLimits { recipient_10_minutes: "6", recipient_day: "5", ..TypedLimits::default() };
        assert_eq!(wrong(&typed), ["recipient_10_minutes"]);
        for rule in ["only", "except"] {
            assert_eq!(wrong(&TypedLimits { destinations: rule, ..TypedLimits::default() }), ["prefixes"]);
        }
        assert_eq!(wrong(&TypedLimits { destinations: "some", ..TypedLimits::default() }), ["destinations"]);
    }

    #[test]
    fn the_usual_limits_keep_out_premium_numbers() {
        let limits = Limits::usual();
        let allows = |number: &str| limits.allow(&PhoneNumber::parse("to", number).unwrap());
        assert!(allows("+420777123456") && !allows("+881612345678") && !allows("+97912345678"));
        let only = Limits { destinations: DestinationRule::Only, prefixes: Prefixes::parse("+420").unwrap(), ..limits };
        assert!(only.allow(&PhoneNumber::parse("to", "+420777123456").unwrap()));
        assert!(!only.allow(&PhoneNumber::parse("to", "+4915112345678").unwrap()));
    }
}
