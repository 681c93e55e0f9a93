//! The keys that a management key works on, and what it may do with them.

use super::SERVICE;
use crate::domain::account::AccountId;
use crate::domain::api_key::{
    self, ApiKey, ApiKeyEntry, ApiKeyId, Expiry, KeyFilter, Lifetimes, ManagementBounds, Scopes, days_after, trash,
};
use crate::error::{Error, Result};
use crate::store::{Conn, Tx, UtcTime};

/// The keys of one account within the bounds of a management key. To it, there are no others:
/// no management keys, and none of other services.
#[derive(Debug, Clone)]
pub struct KeyRemit {
    /// Whose keys.
    pub account: AccountId,
    /// The bounds.
    pub bounds: ManagementBounds,
}

impl KeyRemit {
    /// One key.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown key, for one in the trash, and for one outside.
    pub fn find(&self, conn: &mut Conn, id: &ApiKeyId) -> Result<ApiKeyEntry> {
        self.within(api_key::find(conn, &self.account, id)?)
    }

    /// The same for a change that depends on what is found: until its end, other changes of the key wait.
    pub(super) fn find_locked(&self, tx: &mut Tx<'_>, id: &ApiKeyId) -> Result<ApiKeyEntry> {
        self.within(api_key::find_locked(tx, &self.account, id)?)
    }

    /// One key in the trash.
    pub(super) fn find_deleted(&self, tx: &mut Tx<'_>, id: &ApiKeyId) -> Result<ApiKeyEntry> {
        let now = tx.now();
        self.within(trash::find(tx, &self.account, id, now)?.entry)
    }

    fn within(&self, entry: ApiKeyEntry) -> Result<ApiKeyEntry> {
        if self.bounds.services.includes(&entry.key.service) { Ok(entry) } else { Err(Error::NotFound) }
    }

    /// The filter for those of its keys that also fit another one.
    #[must_use]
    pub fn narrowed(&self, filter: KeyFilter) -> KeyFilter {
        KeyFilter { reach: Some(self.bounds.services.clone()), ..filter }
    }

    /// Whether keys of a service may be made, whether or not there is such a service.
    pub(super) fn require_service(&self, service: &str) -> Result<()> {
        if self.bounds.services.includes(service) {
            return Ok(());
        }
        let refusal = if service == SERVICE {
            "No management key can make management keys. Make them in the dashboard."
        } else {
            "This management key makes no keys of this service."
        };
        Err(Error::OutOfBounds(refusal.to_owned()))
    }

    /// Whether a key that has scopes may be given others.
    pub(super) fn require_grantable(&self, has: &Scopes, scopes: &Scopes) -> Result<()> {
        if has.include(scopes) {
            return Ok(());
        }
        let grantable = &self.bounds.grantable_scopes;
        let refused = match scopes.names().find(|name| !has.include_name(name) && !grantable.include_name(name)) {
            None => return Ok(()),
            Some("*") => "full access".to_owned(),
            Some(name) => name.to_owned(),
        };
        let names: Vec<&str> = grantable.names().collect();
        let can = if names.is_empty() { "no scope".to_owned() } else { names.join(", ") };
        Err(Error::OutOfBounds(format!("This management key can't give {refused}. It can give {can}.")))
    }

    /// The end of a new key, or the new end of one, as asked for.
    pub(super) fn require_end(&self, tx: &mut Tx<'_>, asked: Expiry) -> Result<Expiry> {
        let Some(max_days) = self.bounds.max_lifetime_days else { return Ok(asked) };
        let is_within = match asked {
            Expiry::Default => {
                let rules = Lifetimes::read(tx)?;
                let days = [rules.default_days, rules.max_days, max_days].into_iter().filter(|days| *days > 0).min();
                return Ok(Expiry::Days(days.unwrap_or(max_days)));
            }
            Expiry::Never => false,
            Expiry::Days(days) => days <= max_days,
            Expiry::At(end) => end <= days_after(tx.now(), max_days),
        };
        if is_within { Ok(asked) } else { Err(self.too_long(max_days)) }
    }

    fn too_long(&self, max_days: i64) -> Error {
        Error::OutOfBounds(format!("Keys of this management key end after at most {max_days} days."))
    }

    /// Whether a key may be given a new secret, which whoever has the management key sees: that of a
    /// key which it could not make would take it beyond its bounds.
    pub(super) fn require_makeable(&self, key: &ApiKey, now: UtcTime) -> Result<()> {
        self.require_grantable(&Scopes::none(), &key.scopes)?;
        match self.bounds.max_lifetime_days {
            Some(max_days) if key.expires_at.is_none_or(|end| end > days_after(now, max_days)) => {
                Err(self.too_long(max_days))
            }
            _ => Ok(()),
        }
    }
}
