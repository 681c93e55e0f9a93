//! Changes of what a key is and may do, several at once or none.

use super::remit::KeyRemit;
use crate::domain::api_key::{
    self, AllowedIps, AllowedIpsChange, ApiKey, ApiKeyEntry, ApiKeyId, Expiry, ExternalId, Label, Metadata, Scopes,
};
use crate::error::{Error, FieldErrors, Result};
use crate::store::Tx;

/// What is to be changed; `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct KeyChanges {
    /// The name.
    pub name: Option<String>,
    /// The description; may be empty.
    pub description: Option<String>,
    /// The external id, or none.
    pub external_id: Option<Option<ExternalId>>,
    /// The metadata, all of it.
    pub metadata: Option<Metadata>,
    /// The scopes.
    pub scopes: Option<Scopes>,
    /// The addresses that it may be used from.
    pub allowed_ips: Option<AllowedIps>,
    /// The end.
    pub expiry: Option<Expiry>,
}

/// Which version of a key a change is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionCondition {
    /// Any.
    Any,
    /// One of these.
    OneOf(Vec<i64>),
}

impl VersionCondition {
    fn holds(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

/// Changes a key, if it still has the version that the change is for.
///
/// # Errors
/// [`Error::PreconditionFailed`] for another version; [`Error::OutOfBounds`] for scopes that the
/// management key may not give and for a longer life; [`Error::Invalid`] with all that is wrong;
/// [`Error::NotFound`] for a key outside of the remit. Then nothing is changed.
pub fn change(
    tx: &mut Tx<'_>,
    remit: &KeyRemit,
    id: &ApiKeyId,
    condition: &VersionCondition,
    changes: KeyChanges,
) -> Result<ApiKeyEntry> {
    let key = remit.find_locked(tx, id)?.key;
    if !condition.holds(key.version) {
        return Err(Error::PreconditionFailed);
    }
    let expiry = require_bounds(tx, remit, &key, &changes)?;
    let KeyChanges { name, description, external_id, metadata, scopes, allowed_ips, .. } = changes;
    let (account, mut errors) = (&remit.account, FieldErrors::default());
    if name.is_some() || description.is_some() {
        let (name, description) =
            (name.as_ref().unwrap_or(&key.name), description.as_ref().unwrap_or(&key.description));
        if let Some(label) = errors.collect(Label::parse(name, description))? {
            api_key::relabel(tx, account, id, &label, key.version)?;
        }
    }
    if external_id.is_some() || metadata.is_some() {
        let external_id = external_id.unwrap_or_else(|| key.external_id.clone());
        let metadata = metadata.unwrap_or_else(|| key.metadata.clone());
        api_key::set_reference(tx, account, id, external_id.as_ref(), &metadata)?;
    }
    if let Some(scopes) = scopes {
        errors.collect(api_key::set_scopes(tx, account, id, &scopes, None))?;
    }
    if let Some(list) = allowed_ips {
        let change = AllowedIpsChange::Replace { list, was: None };
        errors.collect(api_key::change_allowed_ips(tx, account, id, change))?;
    }
    if let Some(expiry) = expiry {
        errors.collect(api_key::set_expiry(tx, account, id, expiry))?;
    }
    if errors.is_empty() { api_key::find(tx, account, id) } else { Err(Error::Invalid(errors)) }
}

/// The new end, if there is one.
fn require_bounds(tx: &mut Tx<'_>, remit: &KeyRemit, key: &ApiKey, changes: &KeyChanges) -> Result<Option<Expiry>> {
    if let Some(scopes) = &changes.scopes {
        remit.require_grantable(&key.scopes, scopes)?;
    }
    // An end that stays as it is was allowed by somebody else.
    let stays = |expiry: &Expiry| match *expiry {
        Expiry::Never => key.expires_at.is_none(),
        Expiry::At(end) => key.expires_at == Some(end),
        Expiry::Default | Expiry::Days(_) => false,
    };
    let expiry = changes.expiry.filter(|expiry| !stays(expiry));
    expiry.map(|expiry| remit.require_end(tx, expiry)).transpose()
}
