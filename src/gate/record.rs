//! What the gate remembers of a key: enough for a verdict and its answer.

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderValue;
use parking_lot::Mutex;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use smallvec::SmallVec;
use time::format_description::well_known::Rfc3339;

use super::metrics::ServiceMetrics;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{ApiKey, ApiKeyId, KeySecretId, Status, StoredSecret};
use crate::store::{Digest, UtcTime};

/// A key as the gate sees it. What every verdict needs comes first and stays
/// together: with thousands of keys in use, fetching them from memory is what
/// a verdict takes longest for.
#[derive(Debug)]
#[repr(C)]
pub struct KeyRecord {
    pub(super) digest: Digest,
    /// What limits the key beyond its switch and mode; most keys have no limits.
    pub(super) policy: Option<Box<KeyPolicy>>,
    /// On or off.
    pub status: Status,
    /// Live or test.
    pub mode: Mode,
    pub(super) metrics: Arc<ServiceMetrics>,
    /// The key's id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// What the operator calls it, as JSON has it.
    pub name_json: SmallVec<[u8; 40]>,
    identity: OnceLock<Box<Identity>>,
    /// Its secret's id, by which uses are counted; read only when they are written.
    pub(super) secret_id: Box<KeySecretId>,
    pub(super) uses: Uses,
}

impl KeyRecord {
    /// A key that was looked up by one of its secrets, and where its service is counted.
    pub(super) fn new(key: ApiKey, secret: &StoredSecret, metrics: Arc<ServiceMetrics>) -> Self {
        let policy = KeyPolicy::of(&key, secret).map(Box::new);
        Self {
            id: key.id,
            secret_id: Box::new(secret.id.clone()),
            account_id: key.account_id,
            mode: key.mode,
            name_json: SmallVec::from_slice(&serde_json::to_vec(&key.name).unwrap_or_default()),
            status: key.status,
            policy,
            identity: OnceLock::new(),
            digest: secret.digest,
            uses: Uses::default(),
            metrics,
        }
    }

    /// Reads a little of all that a verdict needs, in steps that leave no line of
    /// the processor's cache out, so that main memory is waited for once: what
    /// follows would wait for each part in turn.
    pub(super) fn fetch(&self) {
        black_box(self.status);
        black_box(self.account_id.as_str().as_bytes().first());
        black_box(self.name_json.first());
        black_box(self.identity.get().is_some());
        black_box(self.uses.is_waiting.load(Ordering::Relaxed));
    }

    /// The end of the key as JSON: a time in quotation marks, or `null`.
    pub fn expires_at_json(&self) -> &str {
        self.policy.as_ref().and_then(|policy| policy.expires_at_json.as_deref()).unwrap_or("null")
    }

    /// The slug of its service: one text for all of its keys.
    pub fn service(&self) -> &str {
        &self.metrics.slug
    }

    /// What the operator calls it. Read from JSON, so that it is kept once.
    fn name(&self) -> String {
        serde_json::from_slice(&self.name_json).unwrap_or_else(|_| "-".to_owned())
    }

    /// Who it is, as header values want it.
    pub fn identity(&self) -> &Identity {
        self.identity.get_or_init(|| {
            Box::new(Identity {
                id: shared(self.id.to_string()),
                name: shared(utf8_percent_encode(&self.name(), NON_ALPHANUMERIC).to_string()),
                service: shared(self.service().to_owned()),
                account_id: shared(self.account_id.to_string()),
            })
        })
    }
}

/// What limits a key. Kept apart from its record, so that a key without limits
/// takes no memory for them.
#[derive(Debug)]
pub(super) struct KeyPolicy {
    /// From when on this secret opens nothing: the end of the key, or its own.
    ends_at: UtcTime,
    /// The end of the key as JSON, where it has one.
    expires_at_json: Option<Box<str>>,
}

impl KeyPolicy {
    fn of(key: &ApiKey, secret: &StoredSecret) -> Option<Self> {
        let ends_at = [key.expires_at, secret.ends_at].into_iter().flatten().min()?;
        Some(Self { ends_at, expires_at_json: key.expires_at.and_then(in_json) })
    }

    pub(super) fn has_ended(&self, now: UtcTime) -> bool {
        self.ends_at <= now
    }
}

/// RFC 3339, in quotation marks.
fn in_json(end: UtcTime) -> Option<Box<str>> {
    Some(format!("\"{}\"", end.to_datetime().format(&Rfc3339).ok()?).into())
}

/// A value whose copies share one text; all of ours are visible ASCII.
fn shared(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("-"))
}

/// Who a key is, written once and sent many times; none of
/// it is ever empty.
#[derive(Debug)]
pub struct Identity {
    /// The key's id.
    pub id: HeaderValue,
    /// Its name, percent-encoded.
    pub name: HeaderValue,
    /// The slug of its service.
    pub service: HeaderValue,
    /// The id of its account.
    pub account_id: HeaderValue,
}

/// Uses that are not written down yet.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Uses {
    count: AtomicI64,
    last_used_at: AtomicI64,
    /// Stands for whom the description is of.
    described: AtomicU64,
    is_waiting: AtomicBool,
    description: Mutex<Description>,
}

/// From where a use came, and with which program; the program is empty when not known.
#[derive(Debug, Clone, Default)]
pub(super) struct Description {
    pub(super) address: Option<IpAddr>,
    pub(super) user_agent: String,
}

impl Uses {
    /// Counts one by somebody that `caller` stands for, who is described when it
    /// was somebody else before; `true` when the record has to be put in line
    /// for writing.
    pub(super) fn count(&self, now: UtcTime, caller: u64, describe: impl FnOnce(&mut Description)) -> bool {
        if self.described.load(Ordering::Relaxed) != caller {
            let mut description = self.description.lock();
            describe(&mut description);
            self.described.store(caller, Ordering::Relaxed);
        }
        self.last_used_at.fetch_max(now.micros(), Ordering::Relaxed);
        // After what it comes with, and before asking whether it is in line:
        // whoever takes the count has cleared that first, and reads the rest then.
        self.count.fetch_add(1, Ordering::AcqRel);
        !self.is_waiting.load(Ordering::Acquire) && !self.is_waiting.swap(true, Ordering::AcqRel)
    }

    /// There was no place in line; the next use asks again.
    pub(super) fn finds_no_place(&self) {
        self.is_waiting.store(false, Ordering::Release);
    }

    /// Takes what was counted: how many, when last, and how that one is described.
    pub(super) fn take(&self) -> (i64, UtcTime, Description) {
        self.is_waiting.store(false, Ordering::Release);
        let count = self.count.swap(0, Ordering::AcqRel);
        let last_used_at = UtcTime::from_micros(self.last_used_at.load(Ordering::Relaxed));
        (count, last_used_at, self.description.lock().clone())
    }

    /// How many are not written down yet.
    pub(super) fn waiting(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Gives back what could not be written; `true` when the record has to be
    /// put in line again.
    pub(super) fn put_back(&self, count: i64) -> bool {
        self.count.fetch_add(count, Ordering::AcqRel);
        !self.is_waiting.swap(true, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// In bytes, on the processors of today.
    const LINE: usize = 64;

    #[test]
    fn fetching_a_record_leaves_no_line_of_the_cache_out() {
        let fetched = [
            offset_of!(KeyRecord, status),
            offset_of!(KeyRecord, account_id),
            offset_of!(KeyRecord, name_json),
            offset_of!(KeyRecord, identity),
            offset_of!(KeyRecord, uses) + offset_of!(Uses, is_waiting),
        ];

        let steps: Vec<_> = fetched.windows(2).map(|pair| pair[1] - pair[0]).collect();

        assert!(steps.iter().all(|step| *step <= LINE), "{fetched:?}");
        assert!(fetched[0] < LINE && size_of::<KeyRecord>() - fetched[4] <= LINE, "{fetched:?}");
    }
}
