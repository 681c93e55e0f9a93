//! What people type to find keys: part of a name or a description, an id, or the end of a secret.

use super::record::ApiKeyId;
use super::secret::TAIL_CHARS;
use crate::error::{Error, Result};
use crate::folded_text::fold;

/// Shorter searches fit nearly every key.
pub const MIN_SEARCH_CHARS: usize = 2;
/// No name is longer.
pub const MAX_SEARCH_CHARS: usize = 200;
/// Stands before a character that would be a wildcard in `LIKE`.
pub(super) const ESCAPE: char = '!';

/// A search for keys by their names, descriptions, ids and the ends of their secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySearch {
    text: String,
    /// The `LIKE` pattern of the folded name and description.
    pub(super) pattern: String,
    /// The end of a secret, if it can be one.
    pub(super) tail: Option<String>,
    /// The id of a key, if it is one.
    pub(super) id: Option<ApiKeyId>,
}

impl KeySearch {
    /// Reads what was typed; `None` when it is blank.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `q` when it is too short or too long.
    pub fn parse(typed: &str) -> Result<Option<Self>> {
        // PostgreSQL has no NUL in texts.
        let text: String = typed.trim().chars().filter(|c| *c != '\0').collect();
        match text.chars().count() {
            0 => return Ok(None),
            count if count < MIN_SEARCH_CHARS => return Err(Error::invalid("q", "Type at least 2 characters.")),
            count if count > MAX_SEARCH_CHARS => {
                return Err(Error::invalid("q", "Search for at most 200 characters."));
            }
            _ => {}
        }
        let is_tail = text.len() == TAIL_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Ok(Some(Self {
            pattern: format!("%{}%", escaped(&fold(&text))),
            tail: is_tail.then(|| text.clone()),
            id: text.parse().ok(),
            text,
        }))
    }

    /// What was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key whose whole id was typed.
    #[must_use]
    pub const fn id(&self) -> Option<&ApiKeyId> {
        self.id.as_ref()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn search(typed: &str) -> KeySearch {
        KeySearch::parse(typed).unwrap().unwrap()
    }

    #[test]
    fn a_search_is_folded_and_has_no_wildcards() {
        assert_eq!(search(" Žluťoučký ").pattern, "%zlutoucky%");
        assert_eq!(search("100%_!\\").pattern, "%100!%!_!!\\%");
        assert_eq!(search("a\0b").as_str(), "ab");
    }

    #[test]
    fn four_letters_and_digits_may_be_the_end_of_a_secret() {
        assert_eq!(search("R5jT").tail.as_deref(), Some("R5jT"));
        for other in ["R5j", "R5jTx", "R5j_", "žluť", "ža5"] {
            assert_eq!(search(other).tail, None, "{other}");
        }
    }

    #[test]
    fn a_blank_search_is_none_and_a_short_or_long_one_is_refused() {
        assert_eq!(KeySearch::parse(" \0 ").unwrap(), None);
        for wrong in ["a".to_owned(), "😀".to_owned(), "ž".repeat(MAX_SEARCH_CHARS + 1)] {
            assert!(matches!(KeySearch::parse(&wrong), Err(Error::Invalid(_))), "{wrong}");
        }
        assert_eq!(search(&"ž".repeat(MAX_SEARCH_CHARS)).as_str(), "ž".repeat(MAX_SEARCH_CHARS));
    }
}
