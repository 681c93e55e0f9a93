//! An API key: the record. The string itself is a [`KeySecret`] and is not kept.

pub mod change;
pub mod deletion;
pub mod secret;
pub mod usage;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::account::AccountId;
use super::id::id;
use super::identity::operator::Operator;
use super::service::{self, Service};
use super::text;
use crate::error::{Error, FieldErrors, Result};
use crate::store::schema::{api_key_usages, api_keys, services};
use crate::store::types::text_enum;
use crate::store::{Conn, Digest, UtcTime};
use change::Changed;
use secret::{KeySecret, Mode};
use usage::ApiKeyUsage;

/// Rows on one page of the list.
pub const PAGE: usize = 50;

id! {
    /// Names an API key. Minted when the form is drawn, so that sending a form
    /// twice makes one key.
    ApiKeyId = "key_"
}

text_enum! {
    /// The position of a key's switch.
    Status {
        /// It opens its door.
        Enabled = "enabled",
        /// It opens nothing.
        Disabled = "disabled",
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The slug of the service it is for.
    pub service: String,
    /// Live or test.
    pub mode: Mode,
    /// What the operator calls it.
    pub name: String,
    /// What else the operator wrote about it; may be empty.
    pub description: String,
    /// SHA-256 of the secret.
    pub digest: Digest,
    /// What can be shown of the secret.
    pub mask: String,
    /// On or off.
    pub status: Status,
    /// Who made it, while that operator exists.
    pub created_by: Option<super::identity::operator::OperatorId>,
    /// When it was made.
    pub created_at: UtcTime,
    /// From when on it opens nothing, if ever.
    pub expires_at: Option<UtcTime>,
    /// Raised with every edit.
    pub version: i64,
}

/// A key with what is known about it.
#[derive(Debug, Clone, Queryable)]
pub struct ApiKeyEntry {
    /// The key.
    pub key: ApiKey,
    /// What it is for.
    pub service: Service,
    /// Its uses, once there was one.
    pub usage: Option<ApiKeyUsage>,
}

/// What an operator fills in for a new key.
#[derive(Debug)]
pub struct NewApiKey {
    id: ApiKeyId,
    service: String,
    mode: Mode,
    name: String,
    description: String,
}

impl NewApiKey {
    /// Holds a filled-in form against the rules.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a message for every field that is wrong.
    pub fn parse(id: &str, service: &str, mode: &str, name: &str, description: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let id = id
            .parse()
            .map_err(|()| Error::invalid("key_id", "This form had expired. Check it and press Create again."));
        let id = errors.collect(id)?;
        let mode = mode.parse().map_err(|()| Error::invalid("mode", "Choose Live or Test."));
        let mode = errors.collect(mode)?;
        let label = errors.collect(Label::parse(name, description))?;
        match (id, mode, label) {
            (Some(id), Some(mode), Some(Label { name, description })) => {
                Ok(Self { id, service: service.to_owned(), mode, name, description })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// What an operator writes about a key.
#[derive(Debug, PartialEq, Eq)]
pub struct Label {
    name: String,
    description: String,
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

/// What became of a filled-in form.
#[derive(Debug)]
pub enum Creation {
    /// A key, with the one and only sight of its secret.
    Made(Box<ApiKey>, KeySecret),
    /// The form was sent before: its key was made then.
    Repeated,
}

/// Makes a key, switched on.
///
/// # Errors
/// [`Error::NotFound`] for an unknown service; when the database fails.
pub fn create(conn: &mut Conn, operator: &Operator, new: NewApiKey, now: UtcTime) -> Result<Creation> {
    let service = service::find(conn, &new.service)?;
    let id = match owner_of(conn, &new.id)? {
        Some(owner) if owner == operator.account_id => return Ok(Creation::Repeated),
        // Somebody else's id: behave as if it were free, and so tell nothing.
        Some(_) => ApiKeyId::mint(),
        None => new.id,
    };
    let secret = KeySecret::generate(&service.key_prefix, new.mode)?;
    let key = ApiKey {
        id,
        account_id: operator.account_id.clone(),
        service: service.slug,
        mode: new.mode,
        name: new.name,
        description: new.description,
        digest: secret.digest(),
        mask: secret.mask(),
        status: Status::Enabled,
        created_by: Some(operator.id.clone()),
        created_at: now,
        expires_at: None,
        version: 1,
    };
    // In a savepoint: the same form, sent at the same moment, may have been quicker.
    match conn.transaction(|conn| diesel::insert_into(api_keys::table).values(&key).execute(conn)) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Creation::Repeated),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(Creation::Made(Box::new(key), secret)),
    }
}

/// Whose key has this id, or had it until it was deleted.
fn owner_of(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<AccountId>> {
    let owner = api_keys::table.find(id).select(api_keys::account_id).first(conn).optional()?;
    if owner.is_some() { Ok(owner) } else { deletion::owner(conn, id) }
}

/// A place in the list.
pub type Cursor = super::cursor::Cursor<ApiKeyId>;

/// One page of the list.
#[derive(Debug)]
pub struct Page {
    /// Up to [`PAGE`] keys, newest first.
    pub rows: Vec<ApiKeyEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// An account's keys, newest first: of one service or of all, behind `after`
/// or from the start.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, account: &AccountId, service: Option<&str>, after: Option<&Cursor>) -> Result<Page> {
    let mut query = api_keys::table
        .inner_join(services::table)
        .left_join(api_key_usages::table)
        .filter(api_keys::account_id.eq(account))
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(PAGE as i64 + 1)
        .into_boxed();
    if let Some(service) = service {
        query = query.filter(api_keys::service.eq(service));
    }
    if let Some(super::cursor::Cursor(time, id)) = after {
        // The first condition is in the second already; said alone it lets the index begin there.
        query = query
            .filter(api_keys::created_at.le(time))
            .filter(api_keys::created_at.lt(time).or(api_keys::created_at.eq(time).and(api_keys::id.lt(id))));
    }
    let mut rows: Vec<ApiKeyEntry> = query.load(conn)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|ApiKeyEntry { key, .. }| super::cursor::Cursor(key.created_at, key.id.clone()));
    Ok(Page { rows, next })
}

/// What a key is called.
#[derive(Debug, Clone, Queryable)]
pub struct ApiKeyName {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
}

/// The names of an account's newest keys of a service, at most `most`.
///
/// # Errors
/// When the database fails.
pub fn names(conn: &mut Conn, account: &AccountId, service: &str, most: usize) -> Result<Vec<ApiKeyName>> {
    let rows = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::service.eq(service))
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(i64::try_from(most).unwrap_or(i64::MAX));
    Ok(rows.select((api_keys::id, api_keys::name)).load(conn)?)
}

/// One key of an account.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's.
pub fn find(conn: &mut Conn, account: &AccountId, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    let row = api_keys::table
        .inner_join(services::table)
        .left_join(api_key_usages::table)
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::id.eq(id))
        .first(conn)?;
    Ok(row)
}

/// The key with this digest, whosever it is; for the gate.
///
/// # Errors
/// When the database fails.
pub fn find_by_digest(conn: &mut Conn, digest: Digest) -> Result<Option<ApiKey>> {
    Ok(api_keys::table.filter(api_keys::digest.eq(digest)).first(conn).optional()?)
}

/// Puts a key's switch where it is wanted; the same again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's.
pub fn set_status(conn: &mut Conn, account: &AccountId, id: &ApiKeyId, status: Status) -> Result<Changed<ApiKeyEntry>> {
    let row = api_keys::table.filter(api_keys::account_id.eq(account)).filter(api_keys::id.eq(id));
    diesel::update(row).set(api_keys::status.eq(status)).execute(conn)?;
    let entry = find(conn, account, id)?;
    Ok(Changed { digest: entry.key.digest, value: entry })
}

/// Gives a key another name and description, if it still is as it was at
/// `version`; the same again changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's;
/// [`Error::ChangedMeanwhile`] when somebody else edited it since.
pub fn relabel(
    conn: &mut Conn,
    account: &AccountId,
    id: &ApiKeyId,
    label: &Label,
    version: i64,
) -> Result<Changed<ApiKeyEntry>> {
    let mut entry = find(conn, account, id)?;
    if entry.key.name != label.name || entry.key.description != label.description {
        let changed = diesel::update(api_keys::table.find(id).filter(api_keys::version.eq(version)))
            .set((
                api_keys::name.eq(&label.name),
                api_keys::description.eq(&label.description),
                api_keys::version.eq(api_keys::version + 1),
            ))
            .execute(conn)?;
        if changed == 0 {
            return Err(Error::ChangedMeanwhile);
        }
        entry = find(conn, account, id)?;
    }
    Ok(Changed { digest: entry.key.digest, value: entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_wrong_is_told_at_once() {
        let Err(Error::Invalid(errors)) = NewApiKey::parse("nonsense", "sms", "both", " ", &"x".repeat(501)) else {
            panic!("a wrong form was taken");
        };
        for field in ["key_id", "mode", "name", "description"] {
            assert!(errors.get(field).is_some(), "{field}");
        }
    }
}
