//! Refusals as a row of a list.

use super::words::{advice, reason};
use crate::dashboard::api_keys;
use crate::dashboard::frame::ago::Age;
use crate::dashboard::frame::layout::When;
use crate::domain::refusal::RefusalEntry;
use crate::domain::service::Service;
use crate::format::count;
use crate::store::UtcTime;

/// What a row shows.
pub struct RefusalRow {
    /// The name of the key.
    pub key: String,
    /// Its page.
    pub key_href: String,
    /// The name of its service.
    pub service: String,
    /// Why.
    pub reason: String,
    /// What to do about it; may be empty.
    pub advice: String,
    /// `12 requests`.
    pub requests: String,
    /// When the last one was refused.
    pub last: When,
    /// How long that is ago.
    pub age: Age,
    /// When the first one was refused, where there are several.
    pub first: Option<When>,
    /// From where the last one came; empty when not known.
    pub address: String,
    /// Whether all of them came from there.
    pub has_one_address: bool,
    /// With which program the last one came; may be empty.
    pub user_agent: String,
}

impl RefusalRow {
    /// The row of these refusals; `services` knows the name of the key's service.
    pub(super) fn new(entry: RefusalEntry, services: &[Service], now: UtcTime) -> Self {
        let RefusalEntry { refusal, key } = entry;
        let service = services.iter().find(|service| service.slug == key.service);
        let service = service.map_or_else(|| key.service.clone(), |service| service.name.clone());
        Self {
            reason: reason(&refusal, &key),
            advice: advice(&refusal, &key, &service, now),
            key_href: api_keys::paths::path(&key.id),
            requests: count(refusal.requests, "request"),
            last: refusal.last_at.into(),
            age: Age::of(refusal.last_at, now),
            first: (refusal.requests > 1).then(|| refusal.first_at.into()),
            has_one_address: refusal.requests == 1 || refusal.source == refusal.address,
            address: refusal.address,
            user_agent: refusal.user_agent,
            key: key.name,
            service,
        }
    }
}
