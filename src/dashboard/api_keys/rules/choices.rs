//! The rules of a key as forms show them: when it ends, what it may do, and from
//! where. Each is filled from a key or from what was typed; the macros of
//! `templates/_key_rules.html` draw them.

use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::dashboard::frame::layout::When;
use crate::domain::api_key::{AllowedIps, Lifetimes, Scopes, days_after};
use crate::domain::management::ManagementScope;
use crate::domain::service_scope::ServiceScope;
use crate::store::UtcTime;

/// The value of `access` for everything of the service.
pub const FULL_ACCESS: &str = "full";
/// The value of `ends` for a key that has no end.
pub const NEVER: &str = "never";
/// The value of `ends` for the day in `ends_on`.
pub const ON_A_DATE: &str = "date";
/// The value of `ends` that leaves a key's end as it is.
pub const KEEP: &str = "keep";

const DAYS_OFFERED: [i64; 5] = [7, 30, 90, 180, 365];
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DAY_IN_WORDS: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:short] [year]");

/// When a key ends, to choose from.
pub struct ExpiryChoice {
    /// The list.
    pub options: Vec<ExpiryOption>,
    /// The day beside the list, for [`ON_A_DATE`].
    pub day: String,
    /// The first day that can be picked.
    pub first_day: String,
    /// The last day that can be picked, where the installation has a maximum.
    pub last_day: Option<String>,
    /// The value that is chosen before anybody chooses.
    preselected: String,
}

/// One entry of the list.
pub struct ExpiryOption {
    /// The value of `ends`.
    pub value: String,
    /// What people read.
    pub label: String,
    /// The moment in RFC 3339, where the entry has one.
    pub moment: Option<String>,
    /// Its day, such as `28 Feb 2027`.
    day: Option<String>,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

impl ExpiryChoice {
    /// The choice for a new key: `chosen` and `day` are what was typed, or empty.
    #[must_use]
    pub fn for_new_key(rules: Lifetimes, now: UtcTime, chosen: &str, day: &str) -> Self {
        let preselected = preselected_days(rules).map_or_else(|| NEVER.to_owned(), |days| date(days_after(now, days)));
        Self::new(rules, now, None, preselected, chosen, day)
    }

    /// The choice for a key that ends at `end`: what was typed, or its end as it is.
    #[must_use]
    pub fn for_key(end: Option<UtcTime>, rules: Lifetimes, now: UtcTime, chosen: &str, day: &str) -> Self {
        let label = match end {
            None if rules.max_days == 0 => None,
            None => Some("As it is: never".to_owned()),
            Some(end) if end <= now => Some(format!("As it is: ended {}", When::from(end).text)),
            Some(end) => Some(format!("As it is: {}", When::from(end).text)),
        };
        let keep = label.map(|label| ExpiryOption::without_moment(KEEP, label));
        let preselected = if keep.is_some() { KEEP } else { NEVER };
        Self::new(rules, now, keep, preselected.to_owned(), chosen, day)
    }

    fn new(
        rules: Lifetimes,
        now: UtcTime,
        keep: Option<ExpiryOption>,
        preselected: String,
        chosen: &str,
        day: &str,
    ) -> Self {
        let chosen = if chosen.is_empty() { preselected.clone() } else { chosen.to_owned() };
        let mut offered: Vec<i64> = DAYS_OFFERED.into_iter().chain(preselected_days(rules)).collect();
        offered.extend(Some(rules.max_days).filter(|days| *days > 0));
        offered.retain(|days| rules.max_days == 0 || *days <= rules.max_days);
        offered.sort_unstable();
        offered.dedup();
        let mut options: Vec<ExpiryOption> = keep.into_iter().collect();
        options.extend((rules.max_days == 0).then(|| ExpiryOption::without_moment(NEVER, "Never".to_owned())));
        options.extend(offered.into_iter().map(|days| ExpiryOption::after(days, now)));
        options.push(ExpiryOption::without_moment(ON_A_DATE, "On a date".to_owned()));
        // A day that was offered before midnight is no longer in the list.
        let is_other_day = Date::parse(&chosen, DAY).is_ok() && options.iter().all(|option| option.value != chosen);
        let (chosen, day) = if is_other_day { (ON_A_DATE, chosen.as_str()) } else { (chosen.as_str(), day) };
        for option in &mut options {
            option.is_chosen = option.value == chosen;
        }
        let last_day = rules.latest(now).map(date);
        Self { options, day: day.to_owned(), first_day: date(now), last_day, preselected }
    }

    /// Whether something else is chosen than what is chosen before anybody chooses.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.options.iter().all(|option| !option.is_chosen || option.value != self.preselected)
    }

    /// The last day of the entry that is chosen, such as `28 Feb 2027`.
    #[must_use]
    pub fn chosen_day(&self) -> Option<String> {
        self.options.iter().find(|option| option.is_chosen)?.day.clone()
    }
}

impl ExpiryOption {
    fn without_moment(value: &str, label: String) -> Self {
        Self { value: value.to_owned(), label, moment: None, day: None, is_chosen: false }
    }

    fn after(days: i64, now: UtcTime) -> Self {
        let end = days_after(now, days);
        let day = end.to_datetime().format(DAY_IN_WORDS).unwrap_or_default();
        let length = match days {
            1 => "1 day".to_owned(),
            365 => "1 year".to_owned(),
            days => format!("{days} days"),
        };
        Self {
            // Not the number of days: the form may be sent on another day than it was drawn.
            value: date(end),
            label: format!("{length} (until {day})"),
            moment: Some(When::from(end).iso),
            day: Some(day),
            is_chosen: false,
        }
    }
}

fn date(time: UtcTime) -> String {
    time.to_datetime().date().format(DAY).unwrap_or_default()
}

/// How many days a new key gets when nobody chooses; `None` for no end.
fn preselected_days(rules: Lifetimes) -> Option<i64> {
    match (rules.default_days, rules.max_days) {
        (0, 0) => None,
        (days, 0) | (0, days) => Some(days),
        (default, max) => Some(default.min(max)),
    }
}

/// What a key may do, to choose from.
pub struct ScopeChoice {
    /// Everything, now and later.
    pub is_full: bool,
    /// The scopes to choose from.
    pub options: Vec<ScopeOption>,
}

/// A scope of the service's catalogue.
pub struct ScopeOption {
    /// Its name.
    pub name: String,
    /// What it allows, in a sentence.
    pub description: String,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

impl ScopeChoice {
    /// The catalogue of a service with what was typed: everything, or some names.
    #[must_use]
    pub fn typed(catalogue: Vec<ServiceScope>, is_full: bool, names: &[String]) -> Self {
        let option = |ServiceScope { name, description, .. }: ServiceScope| ScopeOption {
            is_chosen: names.contains(&name),
            name,
            description,
        };
        Self { is_full, options: catalogue.into_iter().map(option).collect() }
    }

    /// The catalogue of a key's service with the scopes that the key has.
    #[must_use]
    pub fn of(catalogue: Vec<ServiceScope>, scopes: &Scopes) -> Self {
        let names: Vec<String> = scopes.names().map(str::to_owned).collect();
        Self::typed(catalogue, scopes.is_full(), &names)
    }

    /// The scopes of management keys, of which these are ticked.
    #[must_use]
    pub fn of_management(names: &[String]) -> Self {
        let option = |scope: &ManagementScope| ScopeOption {
            name: scope.as_str().to_owned(),
            description: scope.description().to_owned(),
            is_chosen: names.iter().any(|name| name == scope.as_str()),
        };
        Self { is_full: false, options: ManagementScope::VARIANTS.iter().map(option).collect() }
    }

    /// Whether there is something else than full access to choose.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        !self.is_full || !self.options.is_empty()
    }
}

/// From where a key may be used.
pub struct AllowedIpsChoice {
    /// One address or range a line, or as it was typed.
    pub text: String,
}

impl AllowedIpsChoice {
    /// The addresses that a key has.
    #[must_use]
    pub fn of(allowed: &AllowedIps) -> Self {
        Self { text: allowed.entries().collect::<Vec<_>>().join("\n") }
    }
}
