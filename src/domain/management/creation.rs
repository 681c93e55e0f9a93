//! Keys that management keys create.

use super::remit::KeyRemit;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::{self, ApiKeyEntry, Creation, KeyRules, NewApiKey, Scopes};
use crate::domain::idempotency::{self, IdempotentRequest};
use crate::error::{Error, Result};
use crate::store::Tx;

/// A key that was created just now.
#[derive(Debug)]
pub struct MintedKey {
    /// The key.
    pub entry: ApiKeyEntry,
    /// Its secret, which is never shown again.
    pub secret: KeySecret,
    /// How many other keys within the remit have its external id.
    pub others_with_external_id: usize,
}

/// What became of a request to create a key.
#[derive(Debug)]
pub enum ManagedCreation {
    /// The key was created.
    Made(Box<MintedKey>),
    /// The same request created its key before: the stored answer, without a secret.
    Repeated(String),
}

/// Creates a key within a remit. `render` makes the answer that is stored for repetitions of
/// an idempotent request; it must hold no secret.
///
/// # Errors
/// [`Error::OutOfBounds`] for another service, for scopes that the management key may not give and for a longer
/// life; [`Error::Invalid`] as [`api_key::create`] does, and for an unknown `service`;
/// [`Error::DifferentRequest`] and [`Error::StillRunning`] for a repetition.
pub fn create(
    tx: &mut Tx<'_>,
    remit: &KeyRemit,
    new: NewApiKey,
    idempotent: Option<&IdempotentRequest>,
    render: impl FnOnce(&MintedKey) -> Result<String>,
) -> Result<ManagedCreation> {
    let now = tx.now();
    // First of all, so that nobody learns by a repetition what another management key was allowed.
    remit.require_service(new.service())?;
    let rules = new.rules().clone();
    remit.require_grantable(&Scopes::none(), &rules.scopes)?;
    let expiry = remit.require_end(tx, rules.expiry)?;
    let new = new.with_rules(KeyRules { expiry, ..rules });
    if let Some(IdempotentRequest { key, digest }) = idempotent
        && let Some(answer) = idempotency::find(tx, key, *digest, now)?
    {
        return Ok(ManagedCreation::Repeated(answer));
    }
    let others_with_external_id = match new.external_id() {
        Some(id) => api_key::count_with_external_id(tx, &remit.account, id, &remit.bounds.services)?,
        None => 0,
    };
    let created = api_key::create(tx, &remit.account, None, new).map_err(|error| match error {
        Error::NotFound => Error::invalid("service", "There is no such service."),
        error => error,
    });
    let Creation::Made(entry, secret) = created? else {
        return Err(Error::internal(anyhow::anyhow!("the id of a new key is taken")));
    };
    let minted = Box::new(MintedKey { entry: *entry, secret, others_with_external_id });
    if let Some(IdempotentRequest { key, digest }) = idempotent {
        idempotency::store_response(tx, key, *digest, &render(&minted)?, now)?;
    }
    Ok(ManagedCreation::Made(minted))
}
