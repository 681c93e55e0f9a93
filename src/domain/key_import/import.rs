//! Makes the keys of a batch of lines, in the transaction of its caller.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::line::{ImportLine, ImportedKey, in_words};
use crate::domain::account::AccountId;
use crate::domain::api_key::{
    self, ApiKey, ApiKeyId, Expiry, ExternalId, KeySecretId, Lifetimes, ManagementBounds, Scopes, SecretOrigin,
    StoredSecret,
};
use crate::domain::audit::Action;
use crate::domain::{management, service, service_scope};
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::{api_keys, key_secrets, services};
use crate::store::{AuditEvent, Conn, Digest, Tx, UtcTime};

/// Digests that one query looks for.
const LOOKED_UP_AT_ONCE: usize = 500;

/// For whom keys are imported.
#[derive(Debug, Clone)]
pub struct ImportTerms {
    /// The account that the keys are for.
    pub account: AccountId,
    /// What the management key that imports them may do; `None` for people.
    pub bounds: Option<ManagementBounds>,
}

/// Whether keys are made.
#[derive(Debug)]
pub enum ImportMode<'a> {
    /// They are.
    Make,
    /// Nothing is changed; the digests of what would be made are added to these.
    Rehearse(&'a mut HashSet<Digest>),
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineResult {
    /// There is a key for it now; the id is not known in a rehearsal.
    Made(Option<ApiKeyId>),
    /// There was one before, which was not changed.
    Exists {
        /// Its id; not known of a line of the same rehearsal.
        id: Option<ApiKeyId>,
        /// Whether it is in the trash.
        is_in_trash: bool,
    },
    /// There is none; the sentence says why.
    Refused(String),
}

/// A line and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAnswer {
    /// The line's number.
    pub number: usize,
    /// What became of it.
    pub result: LineResult,
}

/// A key whose secret is known already.
struct KnownDigest {
    id: ApiKeyId,
    account: AccountId,
    service: String,
    is_in_trash: bool,
}

/// Imports keys: those that there are not yet, in one audit event each. A line that is refused
/// keeps no other one from being imported.
///
/// # Errors
/// When the database fails; then no line is imported.
pub fn import(
    tx: &mut Tx<'_>,
    terms: &ImportTerms,
    lines: &[ImportLine],
    mode: ImportMode<'_>,
) -> Result<Vec<LineAnswer>> {
    lock(tx)?;
    let digests: Vec<Digest> = lines.iter().filter_map(|line| Some(line.key.as_ref().ok()?.digest)).collect();
    let mut batch = ImportBatch { known: known(tx, &digests)?, ..ImportBatch::new(tx, terms, mode)? };
    let mut answers = Vec::with_capacity(lines.len());
    for ImportLine { number, key } in lines {
        let result = match key {
            Ok(key) => batch.take(tx, key)?,
            Err(reason) => LineResult::Refused(reason.clone()),
        };
        answers.push(LineAnswer { number: *number, result });
    }
    batch.store(tx)?;
    Ok(answers)
}

/// Two imports at once would both make a key of a digest that is in both, and one would fail. They
/// wait for each other by the row of the service of management keys, which no key is imported for.
fn lock(tx: &mut Tx<'_>) -> Result<()> {
    let row = services::table.find(management::SERVICE);
    diesel::update(row).set(services::name.eq(services::name)).execute(tx.conn())?;
    Ok(())
}

/// The keys, of any account, that have secrets with these digests.
fn known(conn: &mut Conn, digests: &[Digest]) -> Result<HashMap<Digest, KnownDigest>> {
    let mut known = HashMap::new();
    for digests in digests.chunks(LOOKED_UP_AT_ONCE) {
        let rows: Vec<(Digest, ApiKeyId, AccountId, String, Option<UtcTime>)> = key_secrets::table
            .inner_join(api_keys::table)
            .filter(key_secrets::digest.eq_any(digests))
            .select((key_secrets::digest, api_keys::id, api_keys::account_id, api_keys::service, api_keys::deleted_at))
            .load(conn)?;
        known.extend(rows.into_iter().map(|(digest, id, account, service, deleted_at)| {
            (digest, KnownDigest { id, account, service, is_in_trash: deleted_at.is_some() })
        }));
    }
    Ok(known)
}

/// The lines of one transaction.
struct ImportBatch<'a> {
    terms: &'a ImportTerms,
    mode: ImportMode<'a>,
    known: HashMap<Digest, KnownDigest>,
    services: HashSet<String>,
    lifetimes: Lifetimes,
    now: UtcTime,
    /// Whether a service has these scopes: many lines have the same ones.
    checked_scopes: HashMap<(String, String), Result<(), String>>,
    rows: Vec<(ApiKey, StoredSecret)>,
}

impl<'a> ImportBatch<'a> {
    fn new(tx: &mut Tx<'_>, terms: &'a ImportTerms, mode: ImportMode<'a>) -> Result<Self> {
        let mut lifetimes = Lifetimes::read(tx)?;
        if let Some(days) = terms.bounds.as_ref().and_then(|bounds| bounds.max_lifetime_days) {
            lifetimes.max_days = if lifetimes.max_days > 0 { lifetimes.max_days.min(days) } else { days };
        }
        Ok(Self {
            terms,
            mode,
            known: HashMap::new(),
            services: service::list(tx)?.into_iter().map(|service| service.slug).collect(),
            lifetimes,
            now: tx.now(),
            checked_scopes: HashMap::new(),
            rows: Vec::new(),
        })
    }

    fn take(&mut self, tx: &mut Tx<'_>, key: &ImportedKey) -> Result<LineResult> {
        if let Some(known) = self.known.get(&key.digest) {
            return Ok(self.existing(known));
        }
        if matches!(&self.mode, ImportMode::Rehearse(seen) if seen.contains(&key.digest)) {
            return Ok(LineResult::Exists { id: None, is_in_trash: false });
        }
        let row = match self.row(tx, key) {
            Ok(row) => row,
            Err(error @ (Error::Invalid(_) | Error::OutOfBounds(_))) => {
                return Ok(LineResult::Refused(in_words(&error)));
            }
            Err(error) => return Err(error),
        };
        if let ImportMode::Rehearse(seen) = &mut self.mode {
            seen.insert(key.digest);
            return Ok(LineResult::Made(None));
        }
        let (id, account, service) = (row.id.clone(), row.account_id.clone(), row.service.clone());
        let secret = stored(key, &row);
        self.known.insert(key.digest, KnownDigest { id: id.clone(), account, service, is_in_trash: false });
        self.rows.push((row, secret));
        Ok(LineResult::Made(Some(id)))
    }

    fn existing(&self, known: &KnownDigest) -> LineResult {
        let may_see = self.terms.bounds.as_ref().is_none_or(|bounds| bounds.services.includes(&known.service));
        if known.account == self.terms.account && may_see {
            return LineResult::Exists { id: Some(known.id.clone()), is_in_trash: known.is_in_trash };
        }
        // A digest has one key, whoever's it is, and this importer learns no more of it.
        LineResult::Refused("sha256: This key can't be imported here: it is in use elsewhere.".to_owned())
    }

    /// The key that a line makes.
    fn row(&mut self, tx: &mut Tx<'_>, key: &ImportedKey) -> Result<ApiKey> {
        self.check_bounds(key)?;
        let mut errors = FieldErrors::default();
        if !self.services.contains(&key.service) {
            errors.add("service", "There is no such service.");
        } else if let Err(message) = self.check_scopes(tx, &key.service, &key.rules.scopes)? {
            errors.add("scopes", message);
        }
        if key.created_at.is_some_and(|at| at > self.now) {
            errors.add("created_at", "This moment is yet to come.");
        }
        let expires_at = errors.collect(self.end(key.rules.expiry))?;
        let Some(expires_at) = expires_at.filter(|_| errors.is_empty()) else { return Err(Error::Invalid(errors)) };
        Ok(ApiKey {
            id: ApiKeyId::mint(),
            account_id: self.terms.account.clone(),
            service: key.service.clone(),
            mode: key.mode,
            name: key.label.name.clone(),
            description: key.label.description.clone(),
            status: key.status,
            status_reason: None,
            created_by: None,
            created_at: key.created_at.unwrap_or(self.now),
            expires_at,
            version: 1,
            scopes: key.rules.scopes.clone(),
            allowed_ips: key.rules.allowed_ips.clone(),
            external_id: key.external_id.clone(),
            metadata: key.metadata.clone(),
        })
    }

    fn check_bounds(&self, key: &ImportedKey) -> Result<()> {
        let Some(bounds) = &self.terms.bounds else { return Ok(()) };
        if !bounds.services.includes(&key.service) {
            return Err(Error::OutOfBounds("This management key may not make keys of this service.".to_owned()));
        }
        if !bounds.grantable_scopes.include(&key.rules.scopes) {
            return Err(Error::OutOfBounds("This management key may not give all of these scopes to keys.".to_owned()));
        }
        Ok(())
    }

    fn check_scopes(&mut self, tx: &mut Tx<'_>, service: &str, scopes: &Scopes) -> Result<Result<(), String>> {
        let asked = (service.to_owned(), scopes.as_str().to_owned());
        if let Some(checked) = self.checked_scopes.get(&asked) {
            return Ok(checked.clone());
        }
        let checked = match service_scope::require_known(tx, service, scopes) {
            Ok(()) => Ok(()),
            Err(Error::Invalid(errors)) => Err(errors.get("scopes").unwrap_or_default().to_owned()),
            Err(error) => return Err(error),
        };
        self.checked_scopes.insert(asked, checked.clone());
        Ok(checked)
    }

    /// The end of a key. It may have passed: the key is refused as before then, and its holder
    /// learns that it has expired. One that is to come obeys the rules for all keys.
    fn end(&self, expiry: Expiry) -> Result<Option<UtcTime>> {
        match expiry {
            Expiry::At(end) if end <= self.now => Ok(Some(end)),
            expiry => expiry.resolve(self.lifetimes, self.now),
        }
    }

    fn store(self, tx: &mut Tx<'_>) -> Result<()> {
        api_key::insert_many(tx, &self.rows)?;
        tx.audit_all(self.rows.iter().map(|(key, _)| imported(key)).collect())?;
        self.rows.iter().for_each(|(_, secret)| tx.admit(secret.digest));
        Ok(())
    }
}

fn stored(key: &ImportedKey, row: &ApiKey) -> StoredSecret {
    StoredSecret {
        id: KeySecretId::mint(),
        api_key_id: row.id.clone(),
        digest: key.digest,
        mask: key.mask.mask.clone(),
        tail: key.mask.tail.clone(),
        created_at: row.created_at,
        ends_at: None,
        origin: SecretOrigin::Imported,
    }
}

fn imported(key: &ApiKey) -> AuditEvent {
    key.event(Action::ApiKeyImported)
        .field("service", "", &key.service)
        .field("mode", "", key.mode.as_str())
        .field("status", "", key.status.as_str())
        .field("expires_at", None, key.expires_at.map(UtcTime::rfc3339))
        .field("created_at", None, Some(key.created_at.rfc3339()))
        .field("scopes", "", key.scopes.as_str())
        .field("allowed_ips", "", key.allowed_ips.as_str())
        .field("external_id", None, key.external_id.as_ref().map(ExternalId::as_str))
        .done()
}
