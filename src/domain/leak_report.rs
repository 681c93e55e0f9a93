//! Leak reports: somebody sends keys that they found in a public place. Whoever has a key
//! may report it, and learns nothing from the answer.

use diesel::prelude::*;

use super::account::AccountId;
use super::api_key::{self, ApiKey, ApiKeyId, KeySecretId, KeyStatus, StatusReason, StatusRequest, StoredSecret};
use super::audit::{self, Action};
use super::setting::{self, Setting};
use super::text;
use crate::error::{Error, Result};
use crate::store::schema::{api_keys, key_secrets, leak_reports};
use crate::store::types::text_enum;
use crate::store::{Conn, Digest, Tx, UtcTime};

/// What is kept of the reporter's words, in characters.
const MAX_SOURCE_CHARS: usize = 100;
const MAX_URL_CHARS: usize = 500;

text_enum! {
    /// What a leak report does.
    LeakReportPolicy {
        /// Nothing.
        Off = "off",
        /// Marks the key, for the operators to see.
        Mark = "mark",
        /// Marks the key and disables it.
        Disable = "disable",
    }
}

impl LeakReportPolicy {
    /// Reads a rule as a command has it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `leak_reports`.
    pub fn parse(typed: &str) -> Result<Self> {
        typed.trim().parse().map_err(|()| Error::invalid("leak_reports", "Choose mark, disable or off."))
    }

    /// The installation's rule.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(conn: &mut Conn) -> Result<Self> {
        let stored = setting::get(conn, Setting::LeakReports)?;
        Ok(stored.and_then(|policy| policy.parse().ok()).unwrap_or(Self::Mark))
    }

    /// Changes the rule, for reports from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save(self, tx: &mut Tx<'_>) -> Result<()> {
        let before = Self::read(tx)?;
        if before == self {
            return Ok(());
        }
        setting::set(tx, Setting::LeakReports, self.as_str())?;
        let event = audit::settings_changed();
        tx.audit(event.field("leak_reports", before.as_str(), self.as_str()).done())
    }
}

/// A row of `leak_reports`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = leak_reports)]
pub struct LeakReport {
    /// The key that was reported.
    pub api_key_id: ApiKeyId,
    /// Of its secrets that were reported, the one that works longest.
    pub key_secret_id: KeySecretId,
    /// How many reports there were.
    pub reports: i64,
    /// When the first one came.
    pub first_at: UtcTime,
    /// When the last one came.
    pub last_at: UtcTime,
    /// Who reported it last, in their own words; may be empty.
    pub source: String,
    /// Where it was found, in the reporter's words; may be empty.
    pub url: String,
    /// The address of the last report.
    pub address: String,
    /// When an operator dismissed it.
    pub dismissed_at: Option<UtcTime>,
}

/// Where reported keys were found, in the reporter's words.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// Who found them.
    pub source: String,
    /// Where.
    pub url: String,
}

impl Finding {
    /// Shortens the reporter's words to what is kept, and blanks those that hold a key.
    #[must_use]
    pub fn new(source: &str, url: &str) -> Self {
        let kept = |text: &str, max: usize| -> String {
            let holds_key = !api_key::secret_scan::find_secrets(text).secrets.is_empty();
            if holds_key { String::new() } else { text::plain(text).chars().take(max).collect() }
        };
        Self { source: kept(source, MAX_SOURCE_CHARS), url: kept(url, MAX_URL_CHARS) }
    }
}

/// Whether any of these is the digest of a secret of a key, of whatever account.
///
/// # Errors
/// When the database fails.
pub fn is_known(conn: &mut Conn, secrets: &[Digest]) -> Result<bool> {
    let known = key_secrets::table.inner_join(api_keys::table).filter(key_secrets::digest.eq_any(secrets));
    let known = known.filter(api_keys::deleted_at.is_null()).select(key_secrets::id);
    Ok(known.first::<KeySecretId>(conn).optional()?.is_some())
}

/// Records a report about secrets, by their digests, as far as they are of keys. A key that was reported
/// before is counted, without another audit event; one that was dismissed since is marked again.
///
/// # Errors
/// When the database fails.
pub fn report(tx: &mut Tx<'_>, secrets: &[Digest], finding: &Finding) -> Result<usize> {
    let policy = LeakReportPolicy::read(tx)?;
    if policy == LeakReportPolicy::Off {
        return Ok(0);
    }
    let mut found: Vec<(ApiKey, StoredSecret)> = key_secrets::table
        .inner_join(api_keys::table)
        .filter(key_secrets::digest.eq_any(secrets))
        .filter(api_keys::deleted_at.is_null())
        // Two secrets of a key are one report; the current one is what matters most.
        .order((key_secrets::api_key_id.asc(), key_secrets::created_at.desc()))
        .select((ApiKey::as_select(), StoredSecret::as_select()))
        .load(tx.conn())?;
    found.dedup_by(|next, kept| next.0.id == kept.0.id);
    for (key, secret) in &found {
        if mark(tx, key, secret, finding)? {
            let event = key.event(Action::ApiKeyReported).field("key_secret_id", "", secret.id.as_str());
            tx.audit(event.field("source", "", &*finding.source).field("url", "", &*finding.url).done())?;
        }
        // Whoever has nothing but a secret that ended can't have the key switched off.
        let works = secret.ends_at.is_none_or(|end| end > tx.now());
        if policy == LeakReportPolicy::Disable && key.status == KeyStatus::Enabled && works {
            let reason = Some(StatusReason::LeakReport);
            let request = StatusRequest { status: KeyStatus::Disabled, reason, note: None };
            api_key::set_status(tx, &key.account_id, &key.id, request)?;
        }
    }
    Ok(found.len())
}

/// Returns whether that is news about the key.
fn mark(tx: &mut Tx<'_>, key: &ApiKey, secret: &StoredSecret, finding: &Finding) -> Result<bool> {
    let now = tx.now();
    let address = tx.actor().address.clone().unwrap_or_default();
    // Locked, so that two reports at the same moment count as two.
    api_key::find_locked(tx, &key.account_id, &key.id)?;
    let row = leak_reports::table.find(&key.id);
    let before: Option<LeakReport> = row.select(LeakReport::as_select()).first(tx.conn()).optional()?;
    let open = before.as_ref().filter(|before| before.dismissed_at.is_none());
    let is_news = open.is_none();
    let key_secret_id = match open {
        Some(open) if works_longer(tx, &open.key_secret_id, secret)? => open.key_secret_id.clone(),
        _ => secret.id.clone(),
    };
    let report = LeakReport {
        api_key_id: key.id.clone(),
        key_secret_id,
        reports: before.as_ref().map_or(0, |before| before.reports) + 1,
        first_at: before.as_ref().map_or(now, |before| before.first_at),
        last_at: now,
        source: finding.source.clone(),
        url: finding.url.clone(),
        address,
        dismissed_at: None,
    };
    diesel::delete(row).execute(tx.conn())?;
    diesel::insert_into(leak_reports::table).values(&report).execute(tx.conn())?;
    Ok(is_news)
}

/// Whether a secret that was reported before works longer than `other`. A report of one that
/// ended must not hide that one is known which still works.
fn works_longer(conn: &mut Conn, before: &KeySecretId, other: &StoredSecret) -> Result<bool> {
    let end: Option<UtcTime> = key_secrets::table.find(before).select(key_secrets::ends_at).first(conn)?;
    Ok(match (end, other.ends_at) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(end), Some(of_other)) => end > of_other,
    })
}

/// The report about a key, unless it was dismissed.
///
/// # Errors
/// When the database fails.
pub fn of_key(conn: &mut Conn, key: &ApiKeyId) -> Result<Option<LeakReport>> {
    let row = leak_reports::table.find(key).filter(leak_reports::dismissed_at.is_null());
    Ok(row.select(LeakReport::as_select()).first(conn).optional()?)
}

/// The account's keys whose reported secret still works, the latest report first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn working(conn: &mut Conn, account: &AccountId, limit: i64, now: UtcTime) -> Result<Vec<(ApiKeyId, String)>> {
    // Few keys are reported. Without the index of reports SQLite begins with them, and not with
    // all keys of the account.
    let is_reported = api_keys::id.eq(leak_reports::api_key_id.concat(""));
    let rows = leak_reports::table
        .inner_join(api_keys::table.on(is_reported))
        .inner_join(key_secrets::table.on(key_secrets::id.eq(leak_reports::key_secret_id)))
        .filter(api_keys::account_id.concat("").eq(account))
        .filter(api_keys::deleted_at.is_null())
        .filter(api_keys::status.eq(KeyStatus::Enabled))
        .filter(leak_reports::dismissed_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(key_secrets::ends_at.is_null().or(key_secrets::ends_at.gt(now)));
    let rows = rows.order((leak_reports::last_at.desc(), api_keys::id)).limit(limit);
    Ok(rows.select((api_keys::id, api_keys::name)).load(conn)?)
}

/// Dismisses the report about a key: an operator has settled it.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's.
pub fn dismiss(tx: &mut Tx<'_>, account: &AccountId, key: &ApiKeyId) -> Result<()> {
    let entry = api_key::find_locked(tx, account, key)?;
    let row = leak_reports::table.find(key).filter(leak_reports::dismissed_at.is_null());
    let dismissed = diesel::update(row).set(leak_reports::dismissed_at.eq(tx.now())).execute(tx.conn())?;
    if dismissed == 0 {
        return Ok(());
    }
    tx.audit(entry.key.event(Action::ApiKeyReportDismissed).done())
}
