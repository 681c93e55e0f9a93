//! What a key may do, as the key's page shows it and lets it be chosen.

use super::choices::{FULL_ACCESS, ScopeChoice};
use crate::dashboard::frame::form::parse_form;
use crate::domain::api_key::{ApiKey, Scopes};
use crate::domain::service_scope::{self, ServiceScope};
use crate::error::{Error, FieldErrors, Result};
use crate::store::Conn;

/// What is filled in.
pub(in crate::dashboard::api_keys) struct KeyScopesForm {
    is_full: bool,
    names: Vec<String>,
    /// The scopes that the form was drawn with.
    pub(in crate::dashboard::api_keys) was: Option<String>,
}

impl KeyScopesForm {
    /// Reads a submitted form, or a draft of one.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a form that does not say whether everything is allowed.
    pub(in crate::dashboard::api_keys) fn read(body: &[u8]) -> Result<Self> {
        let (mut access, mut names, mut was) = (None, Vec::new(), None);
        for (name, value) in parse_form::<Vec<(String, String)>>(body)? {
            match name.as_str() {
                "access" => access = Some(value),
                "scopes" => names.push(value),
                "was" => was = Some(value),
                _ => {}
            }
        }
        // Full access is never what a form means that says nothing.
        let Some(access) = access else { return Err(Error::Malformed("Choose what the key may do.".to_owned())) };
        Ok(Self { is_full: access == FULL_ACCESS, names, was })
    }

    /// The scopes that are chosen.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `scopes`.
    pub(in crate::dashboard::api_keys) fn parse(&self) -> Result<Scopes> {
        if self.is_full { Ok(Scopes::full()) } else { Scopes::parse(self.names.iter().map(String::as_str)) }
    }
}

/// The section, as the key is or as it was filled in.
pub(in crate::dashboard::api_keys) struct KeyScopesView {
    catalogue: Vec<ServiceScope>,
    /// What the key may do now, in words.
    pub(in crate::dashboard::api_keys) fact: String,
    /// The scopes that the key has now, as stored.
    pub(in crate::dashboard::api_keys) was: String,
    pub(in crate::dashboard::api_keys) is_full: bool,
    /// Whether they are those of a management key, which has no full access.
    pub(in crate::dashboard::api_keys) are_of_management: bool,
    pub(in crate::dashboard::api_keys) choice: ScopeChoice,
    pub(in crate::dashboard::api_keys) is_open: bool,
    pub(in crate::dashboard::api_keys) errors: FieldErrors,
    pub(in crate::dashboard::api_keys) alert: Option<String>,
}

impl KeyScopesView {
    /// The scopes of a key, and those of its service.
    pub(in crate::dashboard::api_keys) fn read(conn: &mut Conn, key: &ApiKey) -> Result<Self> {
        let catalogue = service_scope::list(conn, &key.service)?;
        let are_of_management = key.is_for_management();
        let choice = if are_of_management {
            ScopeChoice::of_management(&key.scopes.names().map(str::to_owned).collect::<Vec<_>>())
        } else {
            ScopeChoice::of(catalogue.clone(), &key.scopes)
        };
        Ok(Self {
            are_of_management,
            catalogue,
            fact: in_words(&key.scopes),
            was: key.scopes.as_str().to_owned(),
            is_full: key.scopes.is_full(),
            choice,
            is_open: !key.scopes.is_full(),
            errors: FieldErrors::default(),
            alert: None,
        })
    }

    /// The same as it was filled in.
    pub(in crate::dashboard::api_keys) fn fill_in(&mut self, form: &KeyScopesForm) {
        self.choice = if self.are_of_management {
            ScopeChoice::of_management(&form.names)
        } else {
            ScopeChoice::typed(self.catalogue.clone(), form.is_full, &form.names)
        };
        self.is_open = true;
    }

    /// The same as it was filled in before a login, if it was.
    pub(in crate::dashboard::api_keys) fn fill_in_draft(&mut self, draft: Option<String>) {
        if let Some(form) = draft.and_then(|draft| KeyScopesForm::read(draft.as_bytes()).ok()) {
            self.fill_in(&form);
        }
    }
}

/// Scopes in a sentence.
pub(in crate::dashboard::api_keys) fn in_words(scopes: &Scopes) -> String {
    if scopes.is_full() {
        return "Full access".to_owned();
    }
    let names: Vec<&str> = scopes.names().collect();
    if names.is_empty() { "Nothing that asks for a scope".to_owned() } else { names.join(", ") }
}
