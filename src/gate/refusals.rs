//! What keys were refused for: counted in memory by key, code and address, so that a
//! key's page can say why its requests fail. Bounded, since anybody who has a key can be
//! refused as often as they like; and of this instance alone, since its last start.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::quality::RandomState;
use parking_lot::Mutex;

use super::question::Client;
use super::verdict::{Code, Verdict};
use crate::domain::api_key::ApiKeyId;
use crate::store::UtcTime;

/// Entries of all keys together; the oldest one leaves for a new one.
const MAX_ENTRIES: usize = 20_000;
/// Entries of one key; the oldest one leaves for a new one.
const MAX_ENTRIES_PER_KEY: usize = 20;
/// Each has a lock of its own, and its share of the entries.
const SHARDS: usize = 16;
const MAX_ENTRIES_PER_SHARD: usize = MAX_ENTRIES / SHARDS;
const MAX_USER_AGENT_CHARS: usize = 200;

/// Requests with a key that were refused for one reason, from one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// From where; `None` when not known.
    pub address: Option<IpAddr>,
    /// With which program, at the last time; may be empty.
    pub user_agent: String,
    /// How many times.
    pub count: u64,
    /// When for the first time.
    pub first: UtcTime,
    /// When for the last time.
    pub last: UtcTime,
}

/// The refusals of the keys whose ids fall into it.
#[derive(Debug, Default)]
struct Shard {
    keys: HashMap<ApiKeyId, Vec<Refusal>, RandomState>,
    entries: usize,
}

/// The refusals of all keys.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    shards: [Mutex<Shard>; SHARDS],
    seed: RandomState,
}

impl Refusals {
    /// Counts a verdict that refuses a key which it names; any other is no refusal of a key.
    pub(super) fn count(&self, verdict: &Verdict, client: Client<'_>, now: UtcTime) {
        if verdict.code() == Code::Valid {
            return;
        }
        if let Some(key) = verdict.key() {
            self.shard(&key.id).lock().count(&key.id, verdict.code(), client, now);
        }
    }

    /// What a key was refused for, the latest first.
    pub(super) fn of(&self, key: &ApiKeyId) -> Vec<Refusal> {
        let mut refusals = self.shard(key).lock().keys.get(key).cloned().unwrap_or_default();
        refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.last));
        refusals
    }

    fn shard(&self, key: &ApiKeyId) -> &Mutex<Shard> {
        let [first, ..] = &self.shards;
        self.shards.get(self.seed.hash_one(key) as usize % SHARDS).unwrap_or(first)
    }
}

impl Shard {
    fn count(&mut self, key: &ApiKeyId, code: Code, client: Client<'_>, now: UtcTime) {
        let address = client.address.map(|address| address.to_canonical());
        if let Some(refusals) = self.keys.get_mut(key) {
            let is_same = |refusal: &&mut Refusal| refusal.code == code && refusal.address == address;
            if let Some(refusal) = refusals.iter_mut().find(is_same) {
                return refusal.repeat(client, now);
            }
            if refusals.len() >= MAX_ENTRIES_PER_KEY {
                let oldest = refusals.iter_mut().min_by_key(|refusal| refusal.last);
                return oldest.map_or((), |oldest| oldest.begin(code, address, client, now));
            }
        }
        if self.entries >= MAX_ENTRIES_PER_SHARD {
            self.drop_oldest();
        }
        self.keys.entry(key.clone()).or_default().push(Refusal::new(code, address, client, now));
        self.entries += 1;
    }

    fn drop_oldest(&mut self) {
        let last_of = |refusals: &Vec<Refusal>| refusals.iter().map(|refusal| refusal.last).min();
        let oldest = self.keys.iter().filter_map(|(key, refusals)| Some((last_of(refusals)?, key))).min();
        let Some((last, key)) = oldest.map(|(last, key)| (last, key.clone())) else { return };
        let Some(refusals) = self.keys.get_mut(&key) else { return };
        if let Some(place) = refusals.iter().position(|refusal| refusal.last == last) {
            refusals.swap_remove(place);
            self.entries -= 1;
        }
        if refusals.is_empty() {
            self.keys.remove(&key);
        }
    }
}

impl Refusal {
    fn new(code: Code, address: Option<IpAddr>, client: Client<'_>, now: UtcTime) -> Self {
        let user_agent = shown(client).collect();
        Self { code, address, user_agent, count: 1, first: now, last: now }
    }

    /// Takes the place of another one, with its memory.
    fn begin(&mut self, code: Code, address: Option<IpAddr>, client: Client<'_>, now: UtcTime) {
        (self.code, self.address, self.count, self.first) = (code, address, 0, now);
        self.repeat(client, now);
    }

    /// Counts once more. Allocates nothing for a client that says the same each time.
    fn repeat(&mut self, client: Client<'_>, now: UtcTime) {
        self.count = self.count.saturating_add(1);
        self.last = now;
        if !self.user_agent.chars().eq(shown(client)) {
            self.user_agent.clear();
            self.user_agent.extend(shown(client));
        }
    }
}

fn shown(client: Client<'_>) -> impl Iterator<Item = char> {
    client.user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::api_key::KeyStatus;
    use crate::gate::question::Question;
    use crate::gate::record::KeyRecord;
    use crate::gate::verdict;
    use crate::gate::verdict::tests::key;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000)
    }

    fn refused_key() -> Arc<KeyRecord> {
        Arc::new(key(|key, _| key.status = KeyStatus::Disabled))
    }

    fn from(address: &str) -> Client<'static> {
        Client { address: address.parse().ok(), user_agent: "curl" }
    }

    /// Judges a key as the gate does, and counts what came of it.
    fn ask(refusals: &Refusals, key: &Arc<KeyRecord>, client: Client<'_>, now: UtcTime) {
        let question = Question { client, ..Question::default() };
        refusals.count(&verdict::judge(Some(Arc::clone(key)), &question, now), client, now);
    }

    fn addresses(refusals: &Refusals, key: &KeyRecord) -> Vec<String> {
        let of_key = refusals.of(&key.id);
        of_key.iter().map(|refusal| refusal.address.map_or_else(String::new, |address| address.to_string())).collect()
    }

    #[test]
    fn a_refusal_is_counted_by_its_code_and_address() {
        let (refusals, key, other) = (Refusals::default(), refused_key(), refused_key());
        ask(&refusals, &key, from("192.0.2.1"), at(1));
        ask(&refusals, &key, from(""), at(2));
        ask(&refusals, &key, Client { user_agent: "wg\net", ..from("::ffff:192.0.2.1") }, at(3));
        ask(&refusals, &other, from("192.0.2.3"), at(4));

        let [first, second] = &*refusals.of(&key.id) else { panic!("{:?}", refusals.of(&key.id)) };

        let known = Refusal {
            code: Code::Disabled,
            address: "192.0.2.1".parse().ok(),
            user_agent: "wget".to_owned(),
            count: 2,
            first: at(1),
            last: at(3),
        };
        assert_eq!(*first, known);
        assert_eq!((second.address, second.count, second.last), (None, 1, at(2)));
        assert_eq!(addresses(&refusals, &other), ["192.0.2.3"]);
    }

    #[test]
    fn what_is_valid_or_names_no_key_is_no_refusal_of_a_key() {
        let (refusals, enabled) = (Refusals::default(), Arc::new(key(|_, _| ())));
        ask(&refusals, &enabled, from("192.0.2.1"), at(1));
        let question = Question { service: Some("mail"), ..Question::default() };
        let of_another_service = verdict::judge(Some(Arc::clone(&enabled)), &question, at(1));
        refusals.count(&of_another_service, from("192.0.2.1"), at(1));

        assert_eq!(of_another_service.code(), Code::NotFound);
        assert_eq!(refusals.of(&enabled.id), []);
    }

    #[test]
    fn the_oldest_of_a_key_leaves_for_a_new_one() {
        let (refusals, key) = (Refusals::default(), refused_key());
        for number in 0..MAX_ENTRIES_PER_KEY as i64 {
            ask(&refusals, &key, from(&format!("192.0.2.{number}")), at(number));
        }
        ask(&refusals, &key, from("192.0.2.0"), at(100));

        ask(&refusals, &key, from("198.51.100.1"), at(101));

        let kept = addresses(&refusals, &key);
        assert_eq!(kept.len(), MAX_ENTRIES_PER_KEY);
        assert_eq!(kept[..3], ["198.51.100.1", "192.0.2.0", "192.0.2.19"]);
        assert!(!kept.contains(&"192.0.2.1".to_owned()), "the oldest is not the first one that came");
        assert_eq!(refusals.of(&key.id)[0].count, 1, "a new one counts from its own beginning");
    }

    #[test]
    fn a_flood_of_keys_and_addresses_takes_no_more_than_its_place() {
        let refusals = Refusals::default();
        let keys: Vec<_> = (0..2_000).map(|_| refused_key()).collect();
        for (number, key) in keys.iter().enumerate() {
            for address in 0..15 {
                ask(&refusals, key, from(&format!("192.0.2.{address}")), at(number as i64));
            }
        }

        let kept: usize = keys.iter().map(|key| refusals.of(&key.id).len()).sum();
        let counted: usize = refusals.shards.iter().map(|shard| shard.lock().entries).sum();
        assert!(kept <= MAX_ENTRIES && kept > MAX_ENTRIES / 2, "{kept}");
        assert_eq!(kept, counted);
        assert_eq!(refusals.of(&keys[0].id), [], "the oldest left");
        assert_eq!(refusals.of(&keys[1_999].id).len(), 15, "the latest stay");
    }
}
