//! What people type to find messages: part of a number, of a text or of a reference.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::record::MessageId;
use crate::store::MultiBackend;
use crate::store::schema::messages;

/// Longer searches are cut off: nothing that is worth finding needs more.
pub const MAX_SEARCH_CHARS: usize = 200;
/// Stands before a character that would be a wildcard in `LIKE`.
const ESCAPE: char = '!';

diesel::define_sql_function! {
    /// In lower case; SQLite knows the letters of ASCII only.
    fn lower(text: Text) -> Text;
}

/// A search, which a message fits by its number, its text, its reference or its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSearch {
    text: String,
    /// `LIKE` patterns of the recipient; none for what is no part of a number.
    numbers: Vec<String>,
}

type SearchCondition<'a> =
    Box<dyn BoxableExpression<messages::table, MultiBackend, SqlType = diesel::sql_types::Bool> + 'a>;

impl MessageSearch {
    /// Reads what was typed; `None` when it is blank.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        // PostgreSQL has no NUL in texts.
        let text: String = typed.trim().chars().filter(|c| *c != '\0').take(MAX_SEARCH_CHARS).collect();
        let numbers = number_patterns(&text);
        (!text.is_empty()).then_some(Self { text, numbers })
    }

    /// What was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn condition(&self) -> SearchCondition<'_> {
        let part = format!("%{}%", escaped(&self.text));
        let mut any: SearchCondition<'_> = Box::new(
            lower(messages::text)
                .like(lower(part.clone()))
                .escape(ESCAPE)
                .or(lower(messages::reference).like(lower(part)).escape(ESCAPE)),
        );
        for pattern in &self.numbers {
            any = Box::new(any.or(messages::recipient.like(pattern)));
        }
        match self.text.parse::<MessageId>() {
            Ok(id) => Box::new(any.or(messages::id.eq(id))),
            Err(()) => any,
        }
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            escaped.push(ESCAPE);
        }
        escaped.push(c);
    }
    escaped
}

/// The patterns of the recipients that hold this part of a number, however it is
/// written: `+420 777`, `00420777`, `420777`, or `0777` as inside a country.
fn number_patterns(text: &str) -> Vec<String> {
    let is_between = |c: char| matches!(c, ' ' | '\u{a0}' | '-' | '(' | ')' | '/' | '.');
    let written: String = text.chars().filter(|c| !is_between(*c)).collect();
    let (is_whole, digits) = match written.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (false, &*written),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Vec::new();
    }
    if is_whole {
        return vec![format!("+{digits}%")];
    }
    let mut patterns = vec![format!("%{digits}%")];
    if let Some(rest) = digits.strip_prefix("00").filter(|rest| !rest.is_empty()) {
        patterns.push(format!("+{rest}%"));
    } else if let Some(rest) = digits.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        patterns.push(format!("%{rest}%"));
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_number_is_understood_however_it_is_written() {
        for (typed, patterns) in [
            ("420777", vec!["%420777%"]),
            (" +420 777 ", vec!["+420777%"]),
            ("(777) 123-456", vec!["%777123456%"]),
            ("00420777", vec!["%00420777%", "+420777%"]),
            ("0777", vec!["%0777%", "%777%"]),
            ("0", vec!["%0%"]),
            ("+", vec![]),
            ("order-42", vec![]),
            ("٤٢٠", vec![]),
            ("4%2", vec![]),
        ] {
            assert_eq!(MessageSearch::parse(typed).unwrap().numbers, patterns, "{typed}");
        }
    }

    #[test]
    fn a_blank_search_is_none_and_a_long_one_is_cut() {
        assert_eq!(MessageSearch::parse(" \0 "), None);
        assert_eq!(MessageSearch::parse(&"ž".repeat(300)).unwrap().as_str(), "ž".repeat(MAX_SEARCH_CHARS));
    }

    #[test]
    fn wildcards_of_like_are_ordinary_characters() {
        assert_eq!(escaped("100%_!"), "100!%!_!!");
    }
}
