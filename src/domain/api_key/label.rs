//! What an operator writes about a key.

use diesel::prelude::*;

use super::list::{find, forget};
use super::record::{ApiKeyEntry, ApiKeyId};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::text;
use crate::error::{Error, FieldErrors, Result};
use crate::store::Tx;
use crate::store::schema::api_keys;

/// What an operator writes about a key.
#[derive(Debug, PartialEq, Eq)]
pub struct Label {
    pub(super) name: String,
    pub(super) description: String,
}

impl Label {
    /// Holds a name and a description against the rules.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
    pub fn parse(name: &str, description: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let name = errors.collect(text::line("name", "Key Name", 100, name))?;
        let description = errors.collect(text::paragraph("description", "Key Description", 500, description))?;
        match (name, description) {
            (Some(name), Some(description)) => Ok(Self { name, description }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// Gives a key another name and description, if it still is as it was at
/// `version`; the same again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's;
/// [`Error::ChangedMeanwhile`] when somebody else edited it since.
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
    let changed = diesel::update(api_keys::table.find(id).filter(api_keys::version.eq(version)))
        .set((
            api_keys::name.eq(&label.name),
            api_keys::description.eq(&label.description),
            api_keys::version.eq(api_keys::version + 1),
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
