//! The page *Which key is this?*, and its answer.

use askama::Template;

use super::pasted::PastedSecret;
use crate::dashboard::api_keys::row::LastUsed;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::Shell;
use crate::domain::account::Permission;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::trash::TrashedKey;
use crate::domain::api_key::{ApiKeyEntry, ApiKeyId, Identification, IdentifiedSecret, KeySecretId, KeyStatus};
use crate::error::FieldErrors;
use crate::format::count;
use crate::store::UtcTime;

/// `leaks/page.html`
#[derive(Template)]
#[template(path = "leaks/page.html")]
pub(super) struct LeaksPage {
    pub(super) shell: Shell,
    pub(super) answer: Option<Answer>,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
    pub(super) may_change: bool,
}

impl LeaksPage {
    pub(super) fn new(shell: Shell) -> Self {
        let may_change = shell.access.allows(Permission::ManageKeys);
        Self { shell, answer: None, errors: FieldErrors::default(), alert: None, may_change }
    }
}

/// What was found.
pub(super) struct Answer {
    known: Vec<KnownSecret>,
    /// Secrets of keys in the trash.
    trashed: Vec<TrashedSecret>,
    /// The masks of secrets that are of no key of this account.
    unknown: Vec<String>,
    mistyped: usize,
    is_cut: bool,
    /// The keys that still work, by their ids with a space between two.
    working: String,
    working_count: usize,
}

impl Answer {
    /// The answer about these secrets, in the order of the text.
    pub(super) fn new(
        secrets: Vec<PastedSecret>,
        Identification { mut known, mut in_trash }: Identification,
        mistyped: usize,
        is_cut: bool,
        now: UtcTime,
    ) -> Self {
        let (mut found, mut trashed, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for secret in secrets {
            match (known.remove(&secret.digest), in_trash.remove(&secret.digest)) {
                (Some(identified), _) => found.push(identified),
                (None, Some(key)) => trashed.push(TrashedSecret::new(key, secret.mask, now)),
                (None, None) => unknown.extend(secret.mask),
            }
        }
        Self { trashed, unknown, mistyped, is_cut, ..Self::of_known(found, now) }
    }

    /// How many keys were found, as the heading says it.
    fn heading(&self) -> String {
        let mut keys: Vec<&ApiKeyId> = self.known.iter().map(|known| &known.id).collect();
        keys.extend(self.trashed.iter().map(|trashed| &trashed.id));
        keys.sort_unstable();
        keys.dedup();
        match keys.len() {
            0 => "No key of yours in this text".to_owned(),
            found => format!("{} found", count(found as i64, "key")),
        }
    }

    /// The answer about secrets of this account's keys.
    pub(super) fn of_known(found: Vec<IdentifiedSecret>, now: UtcTime) -> Self {
        let known: Vec<KnownSecret> = found.into_iter().map(|found| KnownSecret::new(found, now)).collect();
        let mut working: Vec<&str> = known.iter().filter(|known| known.is_on).map(|known| known.id.as_str()).collect();
        working.sort_unstable();
        working.dedup();
        let (working_count, working) = (working.len(), working.join(" "));
        Self { known, trashed: Vec::new(), unknown: Vec::new(), mistyped: 0, is_cut: false, working, working_count }
    }
}

/// A secret of one of the account's keys.
struct KnownSecret {
    id: ApiKeyId,
    secret_id: KeySecretId,
    name: String,
    service_name: String,
    is_test: bool,
    mask: String,
    /// Which of the key's secrets it is.
    which: &'static str,
    /// Whether it opens anything, in words.
    verdict: String,
    works: bool,
    /// Whether its key is switched on and has not expired.
    is_on: bool,
    /// Whether it is the previous secret and can be ended by itself.
    can_end: bool,
    last_used: Option<LastUsed>,
    /// For the previous secret: the uses since the rotation.
    uses_since: Option<i64>,
}

/// A secret of a key in the trash.
struct TrashedSecret {
    id: ApiKeyId,
    name: String,
    mask: String,
    /// When the key was deleted.
    deleted: String,
}

impl TrashedSecret {
    fn new(TrashedKey { entry, deleted_at, .. }: TrashedKey, mask: Option<String>, now: UtcTime) -> Self {
        let mask = mask.unwrap_or(entry.secret.mask);
        Self { id: entry.key.id, name: entry.key.name, mask, deleted: ago(deleted_at, now) }
    }
}

impl KnownSecret {
    fn new(IdentifiedSecret { secret, usage, entry }: IdentifiedSecret, now: UtcTime) -> Self {
        let ApiKeyEntry { key, service, previous, .. } = &entry;
        let previous = previous.as_ref().filter(|previous| previous.secret.id == secret.id);
        let which = match (secret.ends_at, previous) {
            (None, _) => "Current secret",
            (Some(_), Some(_)) => "Previous secret",
            (Some(_), None) => "Older secret",
        };
        let is_live = secret.ends_at.is_none_or(|end| end > now);
        let verdict = match (key.status, key.expires_at, secret.ends_at) {
            (KeyStatus::Disabled, ..) => "Refused: the key is switched off".to_owned(),
            _ if service.is_off() => format!("Refused: {} is switched off", service.name),
            (_, Some(end), _) if end <= now => format!("Refused: the key expired {}", ago(end, now)),
            (_, _, Some(end)) if end <= now => format!("Refused: this secret ended {}", ago(end, now)),
            _ => "Works".to_owned(),
        };
        let is_on = key.status == KeyStatus::Enabled && key.expires_at.is_none_or(|end| end > now);
        Self {
            works: is_on && is_live && !service.is_off(),
            is_on,
            can_end: is_on && is_live && previous.is_some(),
            uses_since: previous.map(|previous| previous.uses_since()),
            last_used: usage.map(|usage| {
                let uses = usage.uses;
                LastUsed::new(usage, uses, now)
            }),
            which,
            verdict,
            mask: secret.mask,
            secret_id: secret.id,
            id: key.id.clone(),
            name: key.name.clone(),
            service_name: service.name.clone(),
            is_test: key.mode == Mode::Test,
        }
    }
}
