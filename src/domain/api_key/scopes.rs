//! Scopes: what a key may do. A service's catalogue says which ones there are
//! ([`service_scope`](crate::domain::service_scope)).

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::error::{Error, Result};
use crate::store::types::text_column;

/// The most scopes that a key has, and that a question may ask for.
pub const MAX_SCOPES: usize = 50;
/// The longest name of a scope, in bytes.
const MAX_SCOPE_BYTES: usize = 64;
/// All scopes of the key's service, those of later catalogues too.
const FULL: &str = "*";

/// Whether a text has the syntax of a scope: `[a-z0-9][a-z0-9_.:-]{0,63}`. `*` is none.
#[must_use]
pub fn is_scope(text: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= MAX_SCOPE_BYTES
        && text.as_bytes().first().is_some_and(is_plain)
        && text.bytes().all(|byte| is_plain(&byte) || b"_.:-".contains(&byte))
}

/// The scopes that a key has: some, sorted, none, or full access.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Scopes(String);

impl Scopes {
    /// Everything of the key's service, now and later.
    #[must_use]
    pub fn full() -> Self {
        Self(FULL.to_owned())
    }

    /// No scope.
    #[must_use]
    pub const fn none() -> Self {
        Self(String::new())
    }

    /// Whether a key that has these may give all of `others` to keys.
    #[must_use]
    pub fn include(&self, others: &Self) -> bool {
        others.names().all(|name| self.include_name(name))
    }

    /// Whether a scope of this name is among them; `*` only in full access.
    #[must_use]
    pub fn include_name(&self, name: &str) -> bool {
        self.is_full() || self.names().any(|own| own == name)
    }

    /// Validates names of scopes, in any order. None at all is a key that opens only
    /// doors that ask for no scope.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `scopes`: a name without the syntax of a scope, `*` beside
    /// others, or more than [`MAX_SCOPES`].
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        if names == [FULL] {
            return Ok(Self::full());
        }
        if names.contains(&FULL) {
            return Err(invalid("Full access includes every scope. Choose it alone, or choose scopes.".to_owned()));
        }
        if let Some(wrong) = names.iter().find(|name| !is_scope(name)) {
            let shown: String = wrong.chars().take(MAX_SCOPE_BYTES).collect();
            return Err(invalid(format!(
                "“{shown}” is no scope. Use 1 to 64 lower-case letters, digits, or . _ : - after the first."
            )));
        }
        if names.len() > MAX_SCOPES {
            return Err(invalid(format!("{} scopes; {MAX_SCOPES} is the most.", names.len())));
        }
        Ok(Self(names.join(" ")))
    }

    /// Checks that scopes are written out, as those of a management key are.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `scopes`: full access, or none.
    pub fn require_named(&self) -> Result<()> {
        match self.as_str() {
            FULL => Err(invalid("Choose scopes: a management key gets no scopes of later versions.".to_owned())),
            "" => Err(invalid("Choose at least one scope.".to_owned())),
            _ => Ok(()),
        }
    }

    /// As stored: names with a space between two, or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the key may do everything of its service.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0 == FULL
    }

    /// The names, sorted; `*` for full access.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|name| !name.is_empty())
    }

    /// The same without one scope.
    #[must_use]
    pub fn without(&self, scope: &str) -> Self {
        Self(self.names().filter(|name| *name != scope).collect::<Vec<_>>().join(" "))
    }
}

fn invalid(message: String) -> Error {
    Error::invalid("scopes", message)
}

text_column!(Scopes, |text: &str| Some(Scopes(text.to_owned())));

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(names: &[&str]) -> Option<String> {
        Scopes::parse(names.iter().copied()).ok().map(|scopes| scopes.0)
    }

    #[test]
    fn scopes_are_sorted_and_written_once() {
        assert_eq!(parsed(&[]).as_deref(), Some(""));
        assert_eq!(parsed(&["b", "a", "b"]).as_deref(), Some("a b"));
        assert_eq!(parsed(&["*"]).as_deref(), Some("*"));
        assert_eq!(Scopes::full().without("a"), Scopes::full());
        assert_eq!(Scopes::parse(["a", "b"]).unwrap().without("a").as_str(), "b");
    }

    #[test]
    fn what_has_not_the_syntax_of_a_scope_is_refused() {
        let longest = "x".repeat(64);
        for fine in ["a", "0", "messages.send", "a_b-c:d.e", &longest] {
            assert_eq!(parsed(&[fine]).as_deref(), Some(fine));
        }
        let too_long = "x".repeat(65);
        for wrong in ["", " ", "A", "é", ".a", "-a", "a b", "a,b", "messages.*", "a/b", "a\"", &too_long] {
            assert_eq!(parsed(&[wrong]), None, "{wrong:?}");
        }
        assert_eq!(parsed(&["*", "a"]), None);
    }

    #[test]
    fn fifty_scopes_are_the_most() {
        let names: Vec<String> = (0..=MAX_SCOPES).map(|number| format!("s{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(parsed(&names[..MAX_SCOPES]).is_some());
        assert_eq!(parsed(&names), None);
    }
}
