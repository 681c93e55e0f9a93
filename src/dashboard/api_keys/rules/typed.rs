//! The rules of a key as they were typed into a form.

use super::choices::FULL_ACCESS;
use crate::domain::api_key::{AllowedIps, Expiry, KeyRules, Scopes};
use crate::error::{Error, FieldErrors, Result};

/// What was typed; the fields of `templates/_key_rules.html`.
#[derive(Debug, Clone, Default)]
pub struct TypedRules {
    /// When the key ends: an entry of the list.
    pub ends: String,
    /// The day beside the list.
    pub ends_on: String,
    /// Everything, or only some scopes.
    access: String,
    /// The scopes that were ticked.
    pub scopes: Vec<String>,
    /// Addresses and ranges.
    pub allowed_ips: String,
}

impl TypedRules {
    /// Takes a field of a submitted form, if it is one of these. `scopes` comes once
    /// for each box that is ticked.
    pub fn take(&mut self, name: &str, value: String) {
        match name {
            "ends" => self.ends = value,
            "ends_on" => self.ends_on = value,
            "access" => self.access = value,
            "scopes" => self.scopes.push(value),
            "allowed_ips" => self.allowed_ips = value,
            _ => {}
        }
    }

    /// Whether everything was chosen: also where nobody chose.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.access == FULL_ACCESS || (self.access.is_empty() && self.scopes.is_empty())
    }

    /// When the key is to end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `expires_at`.
    pub fn expiry(&self) -> Result<Expiry> {
        Expiry::parse(&self.ends, &self.ends_on)
    }

    /// What the key may do.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `scopes`.
    pub fn scopes(&self) -> Result<Scopes> {
        if self.is_full() { Ok(Scopes::full()) } else { Scopes::parse(self.scopes.iter().map(String::as_str)) }
    }

    /// The rules of a new key.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
    pub fn parse(&self) -> Result<KeyRules> {
        let mut errors = FieldErrors::default();
        let expiry = errors.collect(self.expiry())?;
        let scopes = errors.collect(self.scopes())?;
        let allowed_ips = errors.collect(AllowedIps::parse(&self.allowed_ips))?;
        match (expiry, scopes, allowed_ips) {
            (Some(expiry), Some(scopes), Some(allowed_ips)) => Ok(KeyRules { expiry, scopes, allowed_ips }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}
