//! Reading settings in TOML, with the line in every message.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table within a file.
#[derive(Clone, Copy)]
pub(super) struct TomlTable<'a> {
    table: &'a DeTable<'a>,
    /// The whole file, for the numbers of lines.
    file: &'a str,
    /// Where the table stands.
    start: usize,
}

/// A value with where it stands.
pub(super) type TomlValue<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> TomlTable<'a> {
    pub(super) fn new(table: &'a DeTable<'a>, file: &'a str) -> Self {
        let start = table.iter().map(|(key, _)| key.span().start).min().unwrap_or_default();
        Self { table, file, start }
    }

    /// A message about what stands at `span`.
    pub(super) fn problem(&self, span: &Range<usize>, what: &str) -> String {
        let before = self.file.get(..span.start).unwrap_or_default();
        format!("line {}: {what}", before.matches('\n').count() + 1)
    }

    /// A message about the table as a whole.
    pub(super) fn problem_here(&self, what: &str) -> String {
        self.problem(&(self.start..self.start), what)
    }

    /// Refuses keys that are not among these.
    pub(super) fn check_keys(&self, known: &[&str]) -> Result<(), String> {
        let unknown = self.table.iter().map(|(key, _)| key).find(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown {
            None => Ok(()),
            Some(key) => {
                let what = format!("{:?} is not known here; there are {}", key.get_ref(), known.join(", "));
                Err(self.problem(&key.span(), &what))
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<TomlValue<'a>> {
        self.table.get(key)
    }

    /// The text of a key, with where it stands.
    pub(super) fn text(&self, key: &str) -> Result<Option<(&'a str, Range<usize>)>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        self.as_text(key, value).map(|text| Some((text, value.span())))
    }

    pub(super) fn as_text(&self, name: &str, value: TomlValue<'a>) -> Result<&'a str, String> {
        let problem = || self.problem(&value.span(), &format!("{name} is a text, in quotes"));
        value.get_ref().as_str().ok_or_else(problem)
    }

    /// The text of a number or of a text.
    pub(super) fn as_word(&self, name: &str, value: TomlValue<'a>) -> Result<String, String> {
        match value.get_ref() {
            DeValue::Integer(number) => Ok(number.to_string()),
            _ => self.as_text(name, value).map(str::to_owned),
        }
    }

    pub(super) fn table(&self, key: &str) -> Result<Option<Self>, String> {
        self.get(key).map(|value| self.as_table(key, value)).transpose()
    }

    pub(super) fn as_table(&self, name: &str, value: TomlValue<'a>) -> Result<Self, String> {
        let problem = || self.problem(&value.span(), &format!("{name} is a table"));
        let table = value.get_ref().as_table().ok_or_else(problem)?;
        Ok(Self { table, file: self.file, start: value.span().start })
    }

    /// The entries in the order in which they stand in the file.
    pub(super) fn entries(&self) -> Vec<(&'a str, TomlValue<'a>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().as_ref(), value)).collect()
    }
}

/// The problem of a file that is not TOML.
pub(super) fn syntax_problem(file: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = file.get(..at).unwrap_or_default().matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}
