//! `[carriers.NAME]`: a carrier.

use std::ops::Range;

use super::reader::Section;
use super::secrets::{content, fill_in};
use crate::domain::carrier::CarrierName;
use crate::environment::Environment;
use crate::sms::carriers::config::CarrierConfig;
use crate::sms::transport::TransportConfig;
use crate::sms::transport::http::HttpConfig;

/// The keys of a carrier, to choose from. With `preset` or `url` those of a description come
/// in the place of `transport`.
const KEYS: [&str; 6] = ["transport", "transport_file", "preset", "url", "enabled", "sender"];
/// The keys that every carrier may have.
const COMMON_KEYS: [&str; 2] = ["enabled", "sender"];

/// The carriers in the order of the file; at least one.
pub(super) fn read_carriers(top: Section<'_>, environment: Environment<'_>) -> Result<Vec<CarrierConfig>, String> {
    let nothing = "the file has no carrier: write [carriers.NAME] and below it transport = \"smpp://…\"";
    let Some(value) = top.get("carriers") else { return Err(top.problem(nothing)) };
    let all = Section::of(top.file, "carriers", value)?;
    let mut carriers = Vec::new();
    for (key, value) in all.entries() {
        let name = key.get_ref().parse().map_err(|problem: String| all.file.problem(&key.span(), &problem))?;
        let table = Section::of(all.file, &format!("the carrier {name}"), value)?;
        carriers.push(read_carrier(name, table, &key.span(), environment)?);
    }
    if carriers.is_empty() { Err(all.problem(nothing)) } else { Ok(carriers) }
}

fn read_carrier(
    name: CarrierName,
    table: Section<'_>,
    place: &Range<usize>,
    environment: Environment<'_>,
) -> Result<CarrierConfig, String> {
    let described = ["preset", "url"].iter().any(|key| table.get(key).is_some());
    if !described {
        table.check_keys("a carrier", &KEYS)?;
    }
    let sender = table.text("sender")?.map(|(text, at)| {
        let problem = |problem: String| table.file.problem(&at, &format!("sender {text:?}: {problem}"));
        text.parse().map_err(problem)
    });
    Ok(CarrierConfig {
        transport: if described {
            let config = HttpConfig::from_table(table.table, table.file.0, &COMMON_KEYS, environment)?;
            TransportConfig::Http(Box::new(config))
        } else {
            read_transport(&name, table, place, environment)?
        },
        is_on: table.flag("enabled")?.unwrap_or(true),
        sender: sender.transpose()?,
        name,
    })
}

fn read_transport(
    name: &CarrierName,
    table: Section<'_>,
    place: &Range<usize>,
    environment: Environment<'_>,
) -> Result<TransportConfig, String> {
    let (url, key, at) = match (table.text("transport")?, table.text("transport_file")?) {
        (Some((text, at)), None) => (fill_in(text, environment), "transport", at),
        (None, Some((path, at))) => (content(path), "transport_file", at),
        (Some(_), Some((_, at))) => {
            return Err(table.file.problem(&at, "a carrier has transport or transport_file, not both"));
        }
        (None, None) => {
            let what = format!(
                "the carrier {name} needs transport = \"smpp://…\", transport_file with such a URL, or preset or url"
            );
            return Err(table.file.problem(place, &what));
        }
    };
    let problem = |problem: String| table.file.problem(&at, &format!("{key}: {problem}"));
    let url = url.map_err(problem)?;
    match url.parse() {
        Ok(TransportConfig::Sandbox { .. }) => {
            Err(problem("sandbox is no carrier; without --carriers every message is rehearsed".to_owned()))
        }
        Ok(transport) => Ok(transport),
        Err(sentence) => Err(problem(without_flag(&sentence))),
    }
}

/// The sentence about a URL, which may begin with the flag that usually holds it.
fn without_flag(sentence: &str) -> String {
    let sentence = sentence.strip_prefix("--sms-transport: ").unwrap_or(sentence);
    sentence
        .replace("--sms-transport", "it")
        .replace("neither the sandbox nor a carrier", "no carrier")
        .replace("write sandbox, or ", "write ")
        .replace("write sandbox, ", "write ")
}
