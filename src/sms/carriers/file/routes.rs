//! `[[routes]]`: which numbers go by which carriers.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use super::reader::{PlacedText, PlacedValue, Section, list};
use crate::domain::carrier::{CarrierName, MAX_CREDITS_PER_SEGMENT, Route, RouteTable, SenderRule};
use crate::domain::message::phone_number::MAX_DIGITS;
use crate::sms::carriers::config::CarrierConfig;

const KEYS: [&str; 5] = ["prefix", "carriers", "credits", "sender", "max_throttled"];
/// The longest time for which a carrier may throttle, in seconds.
const MAX_THROTTLED_SECONDS: i64 = 86_400;
/// What a sender rule may be, for messages about a wrong one.
const SENDER_RULES: &str = "sender is \"as_is\", \"numeric\" or {replace = \"SENDER\"}";

/// The routes of the file; without any, all carriers in their order for one credit.
pub(super) fn read_routes(top: Section<'_>, carriers: &[CarrierConfig]) -> Result<RouteTable, String> {
    let names: Vec<&CarrierName> = carriers.iter().map(|carrier| &carrier.name).collect();
    let Some(value) = top.get("routes") else {
        let all = names.into_iter().cloned().collect();
        let route = Route { carriers: all, ..Route::over(CarrierName::default_carrier()) };
        return Ok(RouteTable::new([(String::new(), route)]));
    };
    let wrong = || top.file.problem(&value.span(), "routes are tables: write [[routes]] above each");
    let array = value.get_ref().as_array().ok_or_else(wrong)?;
    if array.is_empty() {
        return Err(top.file.problem(&value.span(), "routes is an empty list; leave it out to send by all carriers"));
    }
    let mut table: Vec<(String, Route)> = Vec::new();
    let mut lines = HashMap::new();
    for item in array.iter() {
        let section = Section::of(top.file, "a route", item)?;
        let route = read_route(section, &names)?;
        for (prefix, at) in read_prefixes(section)? {
            let line = top.file.line(at.start);
            if let Some(other) = lines.insert(prefix.clone(), line) {
                let shown = if prefix.is_empty() { "every number".to_owned() } else { format!("+{prefix}") };
                let what = format!("there is a route for {shown} already, in line {other}");
                return Err(top.file.problem(&at, &what));
            }
            table.push((prefix, route.clone()));
        }
    }
    Ok(RouteTable::new(table))
}

fn read_route(section: Section<'_>, names: &[&CarrierName]) -> Result<Route, String> {
    section.check_keys("a route", &KEYS)?;
    let missing = || section.problem("the route names no carriers: write carriers = [\"NAME\"]");
    let mut carriers: Vec<CarrierName> = Vec::new();
    for (text, at) in section.texts("carriers")?.ok_or_else(missing)? {
        let Some(name) = names.iter().find(|name| name.as_str() == text) else {
            let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            let what = format!("there is no carrier {text:?}; the file has {}", list(&known));
            return Err(section.file.problem(&at, &what));
        };
        if carriers.contains(name) {
            return Err(section.file.problem(&at, &format!("the route names the carrier {text:?} twice")));
        }
        carriers.push((*name).clone());
    }
    let seconds = section.number("max_throttled", "seconds", 0, MAX_THROTTLED_SECONDS)?;
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Ok(Route {
        carriers,
        credits: section.number("credits", "credits a segment", 0, MAX_CREDITS_PER_SEGMENT)?.unwrap_or(1),
        sender: section.get("sender").map(|value| read_sender_rule(section, value)).transpose()?.unwrap_or_default(),
        max_throttled: seconds.map_or(Route::DEFAULT_MAX_THROTTLED, Duration::from_secs),
    })
}

fn read_sender_rule<'a>(section: Section<'a>, value: PlacedValue<'a>) -> Result<SenderRule, String> {
    if value.get_ref().is_table() {
        let table = Section::of(section.file, "sender", value)?;
        table.check_keys("the rule for senders", &["replace"])?;
        let (text, at) = table.text("replace")?.ok_or_else(|| table.problem(SENDER_RULES))?;
        let problem = |problem: String| section.file.problem(&at, &format!("sender {text:?}: {problem}"));
        return text.parse().map(SenderRule::Replace).map_err(problem);
    }
    match value.get_ref().as_str() {
        Some("as_is") => Ok(SenderRule::AsIs),
        Some("numeric") => Ok(SenderRule::Numeric),
        _ => Err(section.file.problem(&value.span(), SENDER_RULES)),
    }
}

/// The digits of each prefix, and its place.
fn read_prefixes(section: Section<'_>) -> Result<Vec<(String, Range<usize>)>, String> {
    let Some(texts) = section.texts("prefix")? else {
        return Ok(vec![(String::new(), section.place())]);
    };
    let digits = |(text, at): PlacedText<'_>| {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !fits || digits.starts_with('0') || digits.len() > MAX_DIGITS {
            let what = format!("{text:?} is not how a phone number begins: write the country code first, as in +420");
            return Err(section.file.problem(&at, &what));
        }
        Ok((digits.to_owned(), at))
    };
    texts.into_iter().map(digits).collect()
}
