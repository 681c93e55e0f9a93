//! A key in memory: enough for a verdict and its answer.

use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use smallvec::SmallVec;

use super::metrics::ServiceMetrics;
use super::policy::KeyPolicy;
use super::uses::Uses;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{ApiKey, ApiKeyId, KeySecretId, KeyStatus, ManagementBounds, Scopes, StoredSecret};
use crate::store::{Digest, UtcTime};

/// A key as the gate sees it, found by one of its secrets. This struct is the hot
/// part: of fixed size, and all that a verdict on a key without a policy reads.
/// With thousands of keys in use, waiting for main memory is most of the time
/// that a verdict takes, so that what only some keys or some answers need is kept
/// apart: limits in `KeyPolicy`, what only `/v1/auth` sends in `Identity`.
#[derive(Debug)]
#[repr(C)]
pub struct KeyRecord {
    pub(super) digest: Digest,
    /// What limits the key beyond its switch and mode; most keys have no limits.
    pub(super) policy: Option<Box<KeyPolicy>>,
    /// On or off.
    pub status: KeyStatus,
    /// Live or test.
    pub mode: Mode,
    /// Where the name ends in `texts_json`.
    name_len: u16,
    pub(super) metrics: Arc<ServiceMetrics>,
    /// The key's id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Its name and its external id, if it has one, as JSON strings right after each other;
    /// inline, unless they are long.
    texts_json: SmallVec<[u8; 40]>,
    identity: OnceLock<Box<Identity>>,
    /// What no verdict and few answers need.
    seldom: Box<SeldomRead>,
    pub(super) uses: Uses,
}

impl KeyRecord {
    /// A key that was looked up by one of its secrets, the bounds of a management key, and
    /// where its service is counted.
    pub(super) fn new(
        key: ApiKey,
        secret: &StoredSecret,
        bounds: Option<ManagementBounds>,
        metrics: Arc<ServiceMetrics>,
    ) -> Self {
        let policy = KeyPolicy::of(&key, secret, bounds).map(Box::new);
        let mut texts_json = SmallVec::from_slice(&serde_json::to_vec(&key.name).unwrap_or_default());
        // A name has 100 characters at most.
        let name_len = u16::try_from(texts_json.len()).unwrap_or_default();
        if let Some(external_id) = &key.external_id {
            texts_json.extend_from_slice(&serde_json::to_vec(external_id.as_str()).unwrap_or_default());
        }
        let metadata_json = (!key.metadata.is_empty()).then(|| key.metadata.as_str().into());
        let (secret_id, issued_at) = (secret.id.clone(), secret.created_at);
        Self {
            id: key.id,
            seldom: Box::new(SeldomRead { secret_id, issued_at, metadata_json }),
            account_id: key.account_id,
            mode: key.mode,
            name_len,
            texts_json,
            status: key.status,
            policy,
            identity: OnceLock::new(),
            digest: secret.digest,
            uses: Uses::default(),
            metrics,
        }
    }

    /// Reads one value in each cache line of the record. The processor loads the
    /// lines in parallel then; a verdict alone would wait for one after the other.
    pub(super) fn prefetch(&self) {
        black_box(self.status);
        black_box(self.account_id.as_str().as_bytes().first());
        black_box(self.texts_json.first());
        black_box(self.identity.get().is_some());
        black_box(self.uses.is_queued.load(Ordering::Relaxed));
    }

    /// Its name as a JSON string.
    pub fn name_json(&self) -> &[u8] {
        self.texts_json.get(..usize::from(self.name_len)).unwrap_or_default()
    }

    /// Its external id as a JSON string, or `null`.
    pub fn external_id_json(&self) -> &[u8] {
        match self.texts_json.get(usize::from(self.name_len)..) {
            None | Some([]) => b"null",
            Some(json) => json,
        }
    }

    /// Its metadata as a JSON object.
    pub fn metadata_json(&self) -> &str {
        self.seldom.metadata_json.as_deref().unwrap_or("{}")
    }

    /// The end of the key as JSON: a time in quotation marks, or `null`.
    pub fn expires_at_json(&self) -> &str {
        self.policy.as_ref().and_then(|policy| policy.expires_at_json.as_deref()).unwrap_or("null")
    }

    /// What it may do: the names of its scopes, sorted, with a space between two; `*` for
    /// full access.
    pub fn scopes(&self) -> &str {
        self.policy.as_ref().and_then(|policy| policy.scopes.as_ref()).map_or("*", Scopes::as_str)
    }

    /// The scopes that it lacks of these.
    pub fn missing_scopes<'a>(&self, asked: &[&'a str]) -> Vec<&'a str> {
        let lacks = |scope: &&str| self.policy.as_ref().is_some_and(|policy| !policy.has_scope(scope));
        let mut missing: Vec<&str> = asked.iter().copied().filter(lacks).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// The end of the secret that was presented, where another one has replaced it.
    pub fn replaced_until(&self) -> Option<UtcTime> {
        self.policy.as_ref().filter(|policy| policy.is_replaced).and_then(|policy| policy.ends_at)
    }

    /// Its secret's id, by which uses are counted.
    pub(super) fn secret_id(&self) -> &KeySecretId {
        &self.seldom.secret_id
    }

    /// From when on the secret that was presented opens nothing, if ever: the end of the key,
    /// or the secret's own.
    pub fn ends_at(&self) -> Option<UtcTime> {
        self.policy.as_ref().and_then(|policy| policy.ends_at)
    }

    /// When the secret that was presented was created.
    pub fn issued_at(&self) -> UtcTime {
        self.seldom.issued_at
    }

    /// The bounds of a management key.
    pub fn bounds(&self) -> Option<&ManagementBounds> {
        self.policy.as_ref().and_then(|policy| policy.bounds.as_deref())
    }

    /// Whether this management key may know of a key.
    pub(super) fn reaches(&self, key: &Self) -> bool {
        let is_within = |bounds: &ManagementBounds| bounds.services.includes(key.service());
        self.account_id == key.account_id && self.bounds().is_some_and(is_within)
    }

    /// `current`, or `previous` for a secret that another one has replaced.
    pub fn secret_age(&self) -> &'static str {
        if self.replaced_until().is_some() { "previous" } else { "current" }
    }

    /// The slug of its service, which all keys of the service share.
    pub fn service(&self) -> &str {
        &self.metrics.slug
    }

    /// Read from its JSON, so that the name is stored once.
    fn name(&self) -> String {
        serde_json::from_slice(self.name_json()).unwrap_or_else(|_| "-".to_owned())
    }

    /// The key as header values, made when a proxy first asks about it.
    pub fn identity(&self) -> &Identity {
        self.identity.get_or_init(|| {
            Box::new(Identity {
                id: header_value(self.id.to_string()),
                name: header_value(utf8_percent_encode(&self.name(), NON_ALPHANUMERIC).to_string()),
                service: header_value(self.service().to_owned()),
                account_id: header_value(self.account_id.to_string()),
                scopes: header_value(match self.scopes() {
                    "" => "-".to_owned(),
                    scopes => scopes.to_owned(),
                }),
            })
        })
    }
}

/// What no verdict and few answers need.
#[derive(Debug)]
struct SeldomRead {
    /// Read when uses are written.
    secret_id: KeySecretId,
    /// When that secret was created.
    issued_at: UtcTime,
    /// The metadata of the key; `None` for none.
    metadata_json: Option<Box<str>>,
}

/// A value whose clones share one buffer. Every text that it is made of is
/// visible ASCII.
fn header_value(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("-"))
}

/// What a proxy learns about a valid key. No value is ever empty.
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
    /// Its scopes, with a space between two; `*` for full access, `-` for none.
    pub scopes: HeaderValue,
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
            offset_of!(KeyRecord, texts_json),
            offset_of!(KeyRecord, identity),
            offset_of!(KeyRecord, uses) + offset_of!(Uses, is_queued),
        ];

        let steps: Vec<_> = fetched.windows(2).map(|pair| pair[1] - pair[0]).collect();

        assert!(steps.iter().all(|step| *step <= LINE), "{fetched:?}");
        assert!(fetched[0] < LINE && size_of::<KeyRecord>() - fetched[4] <= LINE, "{fetched:?}");
    }
}
