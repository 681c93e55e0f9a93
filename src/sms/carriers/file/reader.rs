//! Tables of a file in TOML, whose problems say the line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of the file.
#[derive(Clone, Copy)]
pub(super) struct CarriersFile<'a>(pub(super) &'a str);

impl CarriersFile<'_> {
    /// The line in which a place of the file is, from 1.
    pub(super) fn line(self, at: usize) -> usize {
        self.0.get(..at).unwrap_or_default().matches('\n').count() + 1
    }

    pub(super) fn problem(self, at: &Range<usize>, what: &str) -> String {
        format!("line {}: {what}", self.line(at.start))
    }

    /// The message of the parser, without the line itself, which may hold a password.
    pub(super) fn syntax_problem(self, error: &toml::de::Error) -> String {
        let at = error.span().unwrap_or_default();
        match error.message() {
            "duplicate key" => self.problem(&at, "this name is there twice; a carrier or a key stands in one place"),
            message => self.problem(&at, message.lines().next().unwrap_or_default()),
        }
    }
}

/// A value and its place.
pub(super) type PlacedValue<'a> = &'a Spanned<DeValue<'a>>;

/// A text and its place.
pub(super) type PlacedText<'a> = (&'a str, Range<usize>);

/// A table, with its place in the file.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) file: CarriersFile<'a>,
    pub(super) table: &'a DeTable<'a>,
    start: usize,
}

impl<'a> Section<'a> {
    /// The file as a whole.
    pub(super) const fn top(file: CarriersFile<'a>, table: &'a DeTable<'a>) -> Self {
        Self { file, table, start: 0 }
    }

    /// A table within the file.
    pub(super) fn of(file: CarriersFile<'a>, name: &str, value: PlacedValue<'a>) -> Result<Self, String> {
        let wrong = || file.problem(&value.span(), &format!("{name} has to be a table"));
        let table = value.get_ref().as_table().ok_or_else(wrong)?;
        Ok(Self { file, table, start: value.span().start })
    }

    /// Where the table begins.
    pub(super) const fn place(self) -> Range<usize> {
        self.start..self.start
    }

    /// A problem of the table as a whole.
    pub(super) fn problem(self, what: &str) -> String {
        self.file.problem(&self.place(), what)
    }

    /// Refuses keys that are not among those that `owner` has.
    pub(super) fn check_keys(self, owner: &str, known: &[&str]) -> Result<(), String> {
        match self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => {
                let what = format!("the key {:?} is unknown; {owner} has {}", key.get_ref(), list(known));
                Err(self.file.problem(&key.span(), &what))
            }
        }
    }

    pub(super) fn get(self, key: &str) -> Option<PlacedValue<'a>> {
        self.table.get(key)
    }

    /// The names of the table and their values, in the order of the file.
    pub(super) fn entries(self) -> Vec<(&'a Spanned<std::borrow::Cow<'a, str>>, PlacedValue<'a>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    pub(super) fn text(self, key: &str) -> Result<Option<PlacedText<'a>>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        self.as_text(key, value).map(|text| Some((text, value.span())))
    }

    pub(super) fn as_text(self, key: &str, value: PlacedValue<'a>) -> Result<&'a str, String> {
        let wrong = || self.file.problem(&value.span(), &format!("{key} has to be a text in quotes"));
        value.get_ref().as_str().ok_or_else(wrong)
    }

    pub(super) fn flag(self, key: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || self.file.problem(&value.span(), &format!("{key} is true or false"));
        value.get_ref().as_bool().map(Some).ok_or_else(wrong)
    }

    /// A whole number between two others.
    pub(super) fn number(self, key: &str, unit: &str, least: i64, most: i64) -> Result<Option<i64>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.get_ref().as_integer().and_then(|number| {
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
            (least..=most).contains(&number).then_some(number)
        });
        let wrong = || format!("{key} is a whole number of {unit} from {least} to {most}");
        number.map(Some).ok_or_else(|| self.file.problem(&value.span(), &wrong()))
    }

    /// A list with at least one text, each with its place; one text is a list of one.
    pub(super) fn texts(self, key: &str) -> Result<Option<Vec<PlacedText<'a>>>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let Some(array) = value.get_ref().as_array() else {
            return Ok(Some(vec![(self.as_text(key, value)?, value.span())]));
        };
        if array.is_empty() {
            return Err(self.file.problem(&value.span(), &format!("{key} is an empty list")));
        }
        array.iter().map(|item| Ok((self.as_text(key, item)?, item.span()))).collect::<Result<_, _>>().map(Some)
    }
}

/// `a, b and c`.
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
