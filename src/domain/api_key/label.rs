//! Names and descriptions of keys.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::external_id::ExternalId;
use super::list::{find, forget};
use super::record::ApiKeyId;
use super::secret_scan::refuse_secrets;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::folded_text::search_columns;
use crate::store::Tx;
use crate::store::schema::api_keys;

/// A validated name and description.
#[derive(Debug, PartialEq, Eq)]
pub struct Label {
    pub(in crate::domain) name: String,
    pub(in crate::domain) description: String,
}

impl Label {
    /// Validates a name and a description, without a secret of a key.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every invalid field.
    pub fn parse(name: &str, description: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let name = errors.collect(without_secret("name", text::line("name", "Key Name", 100, name)))?;
        let description = text::paragraph("description", "Key Description", 500, description);
        let description = errors.collect(without_secret("description", description))?;
        match (name, description) {
            (Some(name), Some(description)) => Ok(Self { name, description }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// Everybody who sees the key sees its name, and so do the services that ask about it.
fn without_secret(field: &'static str, text: Result<String>) -> Result<String> {
    text.and_then(|text| refuse_secrets(field, &text).map(|()| text))
}

/// Replaces a key's name and description, if neither was changed since the key had this
/// `version` (optimistic locking); the same values change nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's;
/// [`Error::ChangedMeanwhile`] when one of them was.
pub fn relabel(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &ApiKeyId,
    label: &Label,
    version: i64,
) -> Result<ApiKeyEntry> {
    let entry = find(tx, account, id)?;
    if entry.key.name == label.name && entry.key.description == label.description {
        return Ok(entry);
    }
    let (sort_name, search) =
        search_columns(&label.name, &label.description, entry.key.external_id.as_ref().map(ExternalId::as_str));
    let changed = diesel::update(api_keys::table.find(id).filter(api_keys::label_version.le(version)))
        .set((
            api_keys::name.eq(&label.name),
            api_keys::description.eq(&label.description),
            api_keys::sort_name.eq(sort_name),
            api_keys::search.eq(search),
            api_keys::version.eq(api_keys::version + 1),
            api_keys::label_version.eq(api_keys::version + 1),
        ))
        .execute(tx.conn())?;
    if changed == 0 {
        return Err(Error::ChangedMeanwhile);
    }
    forget(tx, id)?;
    let event = entry.key.event(Action::ApiKeyRelabelled).field("name", &entry.key.name, &label.name);
    tx.audit(event.field("description", &entry.key.description, &label.description).done())?;
    find(tx, account, id)
}
