//! A part of the refusals that are not in the database yet, behind one lock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use arrayvec::ArrayString;
use foldhash::quality::RandomState;

use super::tally::Tally;
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::TAIL_CHARS;
use crate::domain::refusal::{ALL_ADDRESSES, KeyRefusal, MAX_ADDRESSES_PER_HOUR, NO_ADDRESS, UnknownKey};
use crate::gate::verdict::Code;
use crate::store::UtcTime;

/// Parts that all refusals are split into.
pub(super) const SHARDS: usize = 16;
/// Refusals of known keys, in all parts together.
pub(super) const MAX_REFUSALS: usize = 20_000;
/// Unknown keys, in all parts together. No more than the database keeps.
pub(super) const MAX_UNKNOWN: usize = 960;
const MAX_REFUSALS_PER_SHARD: usize = MAX_REFUSALS / SHARDS;
const MAX_UNKNOWN_PER_SHARD: usize = MAX_UNKNOWN / SHARDS;

/// What requests with a known key are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyHour {
    pub(super) key: ApiKeyId,
    pub(super) account: AccountId,
    /// The beginning of the hour.
    pub(super) hour: UtcTime,
}

/// From where, as far as that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// All addresses together.
    Any,
    /// One address, or none that is known.
    Address(Option<IpAddr>),
}

/// Refusals of a key within an hour, for one reason.
#[derive(Debug, Clone)]
pub(super) struct CountedRefusal {
    pub(super) code: Code,
    pub(super) origin: Origin,
    pub(super) tally: Tally,
}

/// What requests with an unknown key are counted by: never the key, only its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyTail {
    pub(super) tail: ArrayString<TAIL_CHARS>,
    pub(super) address: Option<IpAddr>,
}

/// Refusals of keys that are taken out.
pub(super) type CountedKeys = Vec<(KeyHour, CountedRefusal)>;
/// Unknown keys that are taken out.
pub(super) type CountedUnknown = Vec<(KeyTail, Tally)>;

/// Those that fall into one part.
#[derive(Debug, Default)]
pub(super) struct Shard {
    keys: HashMap<KeyHour, Vec<CountedRefusal>, RandomState>,
    /// How many there are in `keys`.
    reasons: usize,
    unknown: HashMap<KeyTail, Tally, RandomState>,
}

impl Shard {
    /// Counts refusals of a key. Gives back how many found no room.
    pub(super) fn add(&mut self, hour: KeyHour, mut news: CountedRefusal) -> i64 {
        let is_full = self.reasons >= MAX_REFUSALS_PER_SHARD;
        match self.keys.entry(hour) {
            Entry::Vacant(_) if is_full => return news.tally.requests,
            Entry::Vacant(place) => drop(place.insert(vec![news])),
            Entry::Occupied(mut place) => {
                let reasons = place.get_mut();
                let Some(rest) = merge(reasons, news) else { return 0 };
                news = rest;
                if is_full || has_no_room_for(reasons, news.origin) {
                    news.origin = Origin::Any;
                    let Some(rest) = merge(reasons, news) else { return 0 };
                    news = rest;
                }
                if is_full {
                    return news.tally.requests;
                }
                reasons.push(news);
            }
        }
        self.reasons += 1;
        0
    }

    /// Counts requests with an unknown key. Gives back how many found no room.
    pub(super) fn add_unknown(&mut self, key: KeyTail, news: Tally) -> i64 {
        let is_full = self.unknown.len() >= MAX_UNKNOWN_PER_SHARD;
        match self.unknown.entry(key) {
            Entry::Occupied(mut place) => place.get_mut().merge(news),
            Entry::Vacant(_) if is_full => return news.requests,
            Entry::Vacant(place) => drop(place.insert(news)),
        }
        0
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> (CountedKeys, CountedUnknown) {
        let Self { keys, unknown, .. } = std::mem::take(self);
        let of_hour = |(hour, reasons): (KeyHour, Vec<CountedRefusal>)| {
            reasons.into_iter().map(move |reason| (hour.clone(), reason))
        };
        (keys.into_iter().flat_map(of_hour).collect(), unknown.into_iter().collect())
    }
}

/// Adds to what is counted together with it, or gives it back.
fn merge(reasons: &mut [CountedRefusal], news: CountedRefusal) -> Option<CountedRefusal> {
    match reasons.iter_mut().find(|reason| reason.code == news.code && reason.origin == news.origin) {
        Some(same) => {
            same.tally.merge(news.tally);
            None
        }
        None => Some(news),
    }
}

fn has_no_room_for(reasons: &[CountedRefusal], origin: Origin) -> bool {
    let is_address = |origin: Origin| matches!(origin, Origin::Address(Some(_)));
    is_address(origin) && reasons.iter().filter(|reason| is_address(reason.origin)).count() >= MAX_ADDRESSES_PER_HOUR
}

/// The row that these refusals are added to.
pub(super) fn key_refusal((hour, reason): &(KeyHour, CountedRefusal)) -> KeyRefusal {
    let CountedRefusal { code, origin, tally } = reason;
    KeyRefusal {
        account_id: hour.account.clone(),
        api_key_id: hour.key.clone(),
        hour: hour.hour,
        code: code.name().to_owned(),
        source: match origin {
            Origin::Any => ALL_ADDRESSES.to_owned(),
            Origin::Address(None) => NO_ADDRESS.to_owned(),
            Origin::Address(Some(address)) => address.to_string(),
        },
        requests: tally.requests,
        first_at: tally.first,
        last_at: tally.last,
        address: tally.address(),
        user_agent: tally.client.user_agent.clone(),
    }
}

/// The row that requests with this key are added to.
pub(super) fn unknown_key((key, tally): &(KeyTail, Tally)) -> UnknownKey {
    UnknownKey {
        tail: key.tail.to_string(),
        address: tally.address(),
        requests: tally.requests,
        first_at: tally.first,
        last_at: tally.last,
        user_agent: tally.client.user_agent.clone(),
    }
}
