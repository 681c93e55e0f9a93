//! The providers that Keyfob knows: templates in the form of `file`, each with the
//! variables that its user sets.

use toml::de::DeTable;
use url::Url;
use zeroize::Zeroizing;

use super::config::{HttpConfig, HttpLimits};
use super::file;
use super::toml_reader::{TomlTable, syntax_problem};
use super::variables::{PresetValue, REFER_TO_SECRET, VariableSource, check_receipt_secret, resolve, whole_reference};
use crate::environment::Environment;

/// Each with its name.
const PRESETS: [(&str, &str); 9] = [
    ("46elks", include_str!("presets/46elks.toml")),
    ("infobip", include_str!("presets/infobip.toml")),
    ("jasmin", include_str!("presets/jasmin.toml")),
    ("kannel", include_str!("presets/kannel.toml")),
    ("plivo", include_str!("presets/plivo.toml")),
    ("sms-gate", include_str!("presets/sms-gate.toml")),
    ("telnyx", include_str!("presets/telnyx.toml")),
    ("textbee", include_str!("presets/textbee.toml")),
    ("vonage", include_str!("presets/vonage.toml")),
];
/// The key of a file for what a preset otherwise derives.
const RECEIPT_SECRET: &str = "receipt_secret";

/// What a user gives a preset, by name.
struct GivenValue {
    name: String,
    value: Zeroizing<String>,
    /// Where it stands, for messages about it.
    line: String,
}

/// Reads `http-preset://telnyx?api_key=…&from=…`. No message repeats a value.
pub(super) fn parse_url(text: &str) -> Result<HttpConfig, String> {
    let problem = |_| "http-preset:// can't be read; write http-preset://NAME?VARIABLE=VALUE&…".to_owned();
    let url = Url::parse(text).map_err(problem)?;
    let given = url.query_pairs().map(|(name, value)| GivenValue {
        name: name.into_owned(),
        value: Zeroizing::new(value.into_owned()),
        line: String::new(),
    });
    use_preset(url.host_str().unwrap_or_default(), &given.collect::<Vec<_>>())
}

/// Reads a table that names a preset and sets its variables. `others` are keys that
/// somebody else reads.
pub(super) fn read(
    table: &DeTable<'_>,
    file: &str,
    environment: Environment<'_>,
    others: &[&str],
) -> Result<HttpConfig, String> {
    let table = TomlTable::new(table, file);
    let (name, at) = table.text("preset")?.ok_or_else(|| table.problem_here("preset is missing"))?;
    let preset = preset(name).map_err(|problem| table.problem(&at, &problem))?;
    let declared = declared(preset)?;
    let mut given = Vec::new();
    for (name, value) in table.entries().into_iter().filter(|(name, _)| *name != "preset" && !others.contains(name)) {
        let line = table.problem(&value.span(), "");
        let text = table.as_word(name, value)?;
        let is_secret = name == RECEIPT_SECRET || declared.iter().any(|known| known.name == name && known.is_secret);
        let value = match whole_reference(&text) {
            Some(reference) => resolve(reference, environment).map_err(|problem| format!("{line}{problem}"))?,
            None if is_secret => return Err(format!("{line}{}", REFER_TO_SECRET)),
            None => Zeroizing::new(text),
        };
        given.push(GivenValue { name: name.to_owned(), value, line });
    }
    use_preset(name, &given)
}

fn preset(name: &str) -> Result<&'static str, String> {
    let found = PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| format!("there is no preset {name:?}; there are {}", names.join(", ")))
}

/// A variable of a preset.
struct DeclaredVariable {
    name: String,
    about: String,
    default: Option<String>,
    is_secret: bool,
}

fn declared(preset: &'static str) -> Result<Vec<DeclaredVariable>, String> {
    let parsed = DeTable::parse(preset).map_err(|error| syntax_problem(preset, &error))?;
    let table = TomlTable::new(parsed.get_ref(), preset);
    let Some(variables) = table.table("variables")? else { return Ok(Vec::new()) };
    let read = |(name, value)| {
        let variable = variables.as_table(name, value)?;
        Ok(DeclaredVariable {
            name: name.to_owned(),
            about: variable.text("about")?.map(|(text, _)| text.to_owned()).unwrap_or_default(),
            default: variable.text("default")?.map(|(text, _)| text.to_owned()),
            is_secret: variable.get("secret").is_some(),
        })
    };
    variables.entries().into_iter().map(read).collect()
}

fn use_preset(name: &str, given: &[GivenValue]) -> Result<HttpConfig, String> {
    let text = preset(name)?;
    let declared = declared(text)?;
    let mut limits = HttpLimits::default();
    let mut receipt_secret = None;
    for GivenValue { name: variable, value, line } in given {
        if HttpLimits::NAMES.contains(&variable.as_str()) {
            limits.set(variable, value).map_err(|problem| format!("{line}{problem}"))?;
        } else if variable == RECEIPT_SECRET {
            receipt_secret = Some(check_receipt_secret(value).map_err(|problem| format!("{line}{problem}"))?);
        } else if !declared.iter().any(|known| known.name == *variable) {
            let known: Vec<&str> = declared.iter().map(|known| known.name.as_str()).chain(HttpLimits::NAMES).collect();
            // Without a value, it may be the rest of one with an & in it.
            let unknown = if value.is_empty() { "such variable".to_owned() } else { format!("{variable:?}") };
            return Err(format!("{line}the preset {name} has no {unknown}; there are {}", known.join(", ")));
        }
    }
    let mut values = Vec::new();
    for DeclaredVariable { name: variable, about, default, is_secret } in declared {
        let value = given.iter().rev().find(|given| given.name == variable).map(|given| given.value.clone());
        let value = value.filter(|value| !value.is_empty()).or(default.map(Zeroizing::new));
        let value = value.ok_or_else(|| format!("the preset {name} needs {variable}: {about}"))?;
        values.push(PresetValue { name: variable, value, is_secret });
    }
    let parsed = DeTable::parse(text).map_err(|error| syntax_problem(text, &error))?;
    let config = file::read(parsed.get_ref(), text, VariableSource::Preset(&values), &[])
        .map_err(|problem| format!("the preset {name} can't be used with these values: {problem}"))?;
    Ok(HttpConfig { limits, receipt_secret, ..config })
}

#[cfg(test)]
mod tests;
