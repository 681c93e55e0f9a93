//! Rotation: a key gets a new secret, and the old one is accepted for a while, so
//! that programs change to the new one without an outage. The key itself, and all
//! that it may do, stays as it is.

use diesel::prelude::*;

use super::entry::ApiKeyEntry;
use super::list::{find, find_locked, forget};
use super::record::ApiKeyId;
use super::replaced_secret::ReplacedSecret;
use super::secret::KeySecret;
use super::secret_scan::refuse_secrets;
use super::stored_secret::{KeySecretId, StoredSecret};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::handover;
use crate::domain::text;
use crate::error::{Error, Result};
use crate::store::schema::key_secrets;
use crate::store::{Tx, UtcTime};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const MAX_GRACE_SECONDS: i64 = 30 * DAY;
const MAX_REASON_CHARS: usize = 200;

/// How long the old secret is accepted after a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grace {
    seconds: i64,
}

impl Grace {
    /// Not at all.
    pub const NOW: Self = Self { seconds: 0 };
    /// Where nobody chose.
    pub const DEFAULT: Self = Self { seconds: DAY };
    /// What forms offer.
    pub const CHOICES: [Self; 5] =
        [Self::NOW, Self { seconds: HOUR }, Self::DEFAULT, Self { seconds: 7 * DAY }, Self { seconds: 30 * DAY }];

    /// So many seconds.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `grace`: fewer than none, or more than 30 days.
    pub fn of_seconds(seconds: i64) -> Result<Self> {
        match seconds {
            0..=MAX_GRACE_SECONDS => Ok(Self { seconds }),
            _ => Err(Error::invalid("grace", "The old secret can work for at most 30 more days.")),
        }
    }

    /// Reads a number of seconds, as forms send it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `grace`.
    pub fn parse(seconds: &str) -> Result<Self> {
        let seconds = seconds.trim().parse();
        Self::of_seconds(seconds.map_err(|_| Error::invalid("grace", "Choose how long the old secret still works."))?)
    }

    /// How many seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// When the old secret ends, if this begins `now`.
    #[must_use]
    pub const fn end(self, now: UtcTime) -> UtcTime {
        now.plus_seconds(self.seconds)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct RotationRequest {
    /// The id of the new secret. It is generated with the form, so that a form that is
    /// submitted twice makes one secret.
    pub secret_id: KeySecretId,
    /// How long the current secret is still accepted.
    pub grace: Grace,
    /// Whether a secret that an earlier rotation replaced, and that is still accepted, ends now.
    pub end_previous: bool,
    /// The secret that is to be replaced, where the request is about a certain one: of two
    /// operators who rotate at the same moment, the second learns that there is a new secret.
    pub replaces: Option<KeySecretId>,
    /// Why, for the audit event.
    pub reason: Option<String>,
}

impl RotationRequest {
    /// A rotation of whatever secret is current, which ends nothing else and gives no reason.
    #[must_use]
    pub const fn new(secret_id: KeySecretId, grace: Grace) -> Self {
        Self { secret_id, grace, end_previous: false, replaces: None, reason: None }
    }
}

/// The result of a request.
#[derive(Debug)]
pub enum Rotation {
    /// The key has a new secret.
    Made {
        /// The key, with the new secret as its current one.
        entry: Box<ApiKeyEntry>,
        /// The new secret, which is never shown again.
        secret: KeySecret,
        /// The secret that it took the place of.
        previous: Box<ReplacedSecret>,
    },
    /// The same request was made before and made its secret then.
    Repeated,
}

/// Gives a key a new secret. The current one is accepted until the grace is over.
///
/// # Errors
/// [`Error::RotationInProgress`] while the secret of an earlier rotation is accepted,
/// unless the request ends it; [`Error::ChangedMeanwhile`] if the secret to be replaced is
/// not the current one any more; [`Error::Invalid`] for `reason`; [`Error::NotFound`] for
/// an unknown key and for another account's.
pub fn rotate(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, request: RotationRequest) -> Result<Rotation> {
    let RotationRequest { secret_id, grace, end_previous, replaces, reason } = request;
    let reason = reason.filter(|reason| !text::is_blank(reason));
    let reason = reason.map(|reason| text::line("reason", "The reason", MAX_REASON_CHARS, &reason)).transpose()?;
    reason.iter().try_for_each(|reason| refuse_secrets("reason", reason))?;
    let ApiKeyEntry { key, secret: current, service, usage, previous, .. } = find_locked(tx, account, id)?;
    let secret_id = match owner_of(tx, &secret_id)? {
        Some(owner) if owner == *id => return Ok(Rotation::Repeated),
        // Another key's id. A new one is generated, so that the response does not reveal that it exists.
        Some(_) => KeySecretId::mint(),
        None => secret_id,
    };
    let now = tx.now();
    let live = previous.filter(|previous| previous.is_live(now)).map(|previous| previous.secret.id);
    if let Some(live) = &live {
        if !end_previous {
            return Err(Error::RotationInProgress);
        }
        set_end(tx, live, now)?;
    }
    if replaces.is_some_and(|replaces| replaces != current.id) {
        return Err(Error::ChangedMeanwhile);
    }
    let (ends_at, uses) = (grace.end(now), usage.map_or(0, |usage| usage.uses));
    diesel::update(key_secrets::table.find(&current.id))
        .set((key_secrets::ends_at.eq(ends_at), key_secrets::uses_at_rotation.eq(uses)))
        .execute(tx.conn())?;
    let secret = KeySecret::generate(&service.key_prefix, key.mode)?;
    let stored = StoredSecret { id: secret_id, ..StoredSecret::of(&secret, id, now) };
    diesel::insert_into(key_secrets::table).values(&stored).execute(tx.conn())?;
    forget(tx, id)?;
    handover::end(tx, id)?; // a link for the secret that was replaced
    let event = key.event(Action::ApiKeyRotated).because(reason);
    let event = event.field("secret_id", current.id.as_str(), stored.id.as_str()).field(
        "previous_ends_at",
        None,
        Some(ends_at.rfc3339()),
    );
    tx.audit(event.done())?;
    let entry = find(tx, account, id)?;
    let previous = Box::new(entry.previous.clone().ok_or(Error::NotFound)?);
    Ok(Rotation::Made { entry: Box::new(entry), secret, previous })
}

/// Ends the previous secret of a key now; one that has ended changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for a key that was never rotated, for an unknown one and for another account's.
pub fn end_previous(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    let previous = entry.previous.as_ref().ok_or(Error::NotFound)?;
    let now = tx.now();
    if !previous.is_live(now) {
        return Ok(entry);
    }
    move_end(tx, &entry, previous, now, Action::ApiKeyRotationEnded)?;
    find(tx, account, id)
}

/// Moves the end of a key's previous secret; the same moment changes nothing.
///
/// # Errors
/// [`Error::Invalid`] for `ends_at`: the secret has ended, or the moment has passed or is
/// more than 30 days away; [`Error::NotFound`] for a key that was never rotated, for an
/// unknown one and for another account's.
pub fn extend(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, ends_at: UtcTime) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    let previous = entry.previous.as_ref().ok_or(Error::NotFound)?;
    let now = tx.now();
    if !previous.is_live(now) {
        return Err(Error::invalid("ends_at", "The old secret has ended. Rotate the key once more if you need two."));
    }
    if ends_at <= now {
        return Err(Error::invalid("ends_at", "This moment has passed. Choose a later one."));
    }
    if ends_at > now.plus_seconds(MAX_GRACE_SECONDS) {
        return Err(Error::invalid("ends_at", "The old secret can work for at most 30 more days."));
    }
    if ends_at == previous.ends_at {
        return Ok(entry);
    }
    move_end(tx, &entry, previous, ends_at, Action::ApiKeyRotationExtended)?;
    find(tx, account, id)
}

fn move_end(
    tx: &mut Tx<'_>,
    entry: &ApiKeyEntry,
    previous: &ReplacedSecret,
    ends_at: UtcTime,
    action: Action,
) -> Result<()> {
    set_end(tx, &previous.secret.id, ends_at)?;
    forget(tx, &entry.key.id)?;
    let event = entry.key.event(action);
    tx.audit(event.field("previous_ends_at", previous.ends_at.rfc3339(), ends_at.rfc3339()).done())
}

fn set_end(tx: &mut Tx<'_>, secret: &KeySecretId, ends_at: UtcTime) -> Result<()> {
    diesel::update(key_secrets::table.find(secret)).set(key_secrets::ends_at.eq(ends_at)).execute(tx.conn())?;
    Ok(())
}

/// The key that has a secret with this id.
fn owner_of(tx: &mut Tx<'_>, secret: &KeySecretId) -> Result<Option<ApiKeyId>> {
    Ok(key_secrets::table.find(secret).select(key_secrets::api_key_id).first(tx.conn()).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_anything_from_none_to_30_days() {
        for (text, seconds) in [("0", 0), ("3600", 3_600), (" 90 ", 90), ("2592000", 2_592_000)] {
            assert_eq!(Grace::parse(text).unwrap().seconds(), seconds);
        }
        for wrong in ["", "-1", "2592001", "1.5", "1h", "now", "99999999999999999999"] {
            let Err(Error::Invalid(errors)) = Grace::parse(wrong) else { panic!("{wrong:?} was taken") };
            assert!(errors.get("grace").is_some(), "{wrong:?}");
        }
        assert!(Grace::CHOICES.iter().all(|grace| Grace::of_seconds(grace.seconds()).is_ok()));
    }
}
