//! Where the settings of a carrier over HTTP come from: a URL, or a table of a file.

use std::str::FromStr;

use toml::de::DeTable;

use super::config::HttpConfig;
use super::toml_reader::syntax_problem;
use super::variables::VariableSource;
use super::{file, presets, twilio};

const TWILIO: [&str; 2] = ["twilio:", "twilio+http:"];
const FILE: &str = "http-file:";
const PRESET: &str = "http-preset:";

impl HttpConfig {
    /// Whether a setting names a carrier over HTTP.
    #[must_use]
    pub fn has_scheme(text: &str) -> bool {
        TWILIO.iter().chain(&[FILE, PRESET]).any(|scheme| text.starts_with(scheme))
    }

    /// Reads a table that describes a carrier, or names a preset. `file` is the whole file,
    /// for the numbers of lines in messages, and `others` are keys that somebody else reads.
    /// `environment` has the values of variables.
    ///
    /// # Errors
    /// A sentence that begins with the number of the line.
    pub fn from_table(
        table: &DeTable<'_>,
        file: &str,
        others: &[&str],
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        if table.contains_key("preset") {
            return presets::read(table, file, environment, others);
        }
        file::read(table, file, VariableSource::References(environment), others)
    }
}

impl FromStr for HttpConfig {
    type Err = String;

    /// Reads `twilio://…`, `http-preset://NAME?…` or `http-file:///path`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with(PRESET) {
            return presets::parse_url(text);
        }
        let Some(path) = text.strip_prefix(FILE) else { return twilio::parse(text) };
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.starts_with('/') {
            return Err(
                "http-file: needs the whole path of a file, such as http-file:///etc/keyfob/carrier.toml".to_owned()
            );
        }
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| format!("the file {path} can't be read ({})", error.kind()))?;
        let table = DeTable::parse(&text).map_err(|error| format!("{path}, {}", syntax_problem(&text, &error)))?;
        let environment = |name: &str| std::env::var(name).ok();
        Self::from_table(table.get_ref(), &text, &[], &environment).map_err(|problem| format!("{path}, {problem}"))
    }
}
