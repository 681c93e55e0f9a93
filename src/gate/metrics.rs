//! What the gate counts, for whoever watches over it. Nothing is looked up or
//! locked for a key in memory: its record knows where its service is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::sharded::Lanes;
use super::verdict::{Door, Verdict};

/// The stable words for verdicts, in the order in which they are counted.
pub const CODES: [&str; 6] = ["VALID", "NOT_FOUND", "MODE_NOT_ALLOWED", "DISABLED", "EXPIRED", "KEY_MISSING"];
const KEY_MISSING: usize = 5;

const fn place(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Valid(_) => 0,
        Verdict::NotFound => 1,
        Verdict::ModeNotAllowed(_) => 2,
        Verdict::Disabled(_) => 3,
        Verdict::Expired(_) => 4,
    }
}

/// How long a verdict took at most to be counted in each bucket, in
/// nanoseconds: from memory about a microsecond, from the database many.
pub const BOUNDS: [u64; 13] = [
    1_000,
    2_500,
    5_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];

type Verdicts = [AtomicU64; CODES.len()];

/// The verdicts on one service's keys.
#[derive(Debug, Default)]
pub(super) struct ServiceTally {
    pub(super) slug: Box<str>,
    verdicts: Lanes<Verdicts>,
}

impl ServiceTally {
    pub(super) fn of(slug: &str) -> Arc<Self> {
        Arc::new(Self { slug: slug.into(), verdicts: Lanes::default() })
    }

    fn count(&self, code: usize) {
        raise(&self.verdicts.own()[code], 1);
    }
}

#[derive(Debug, Default)]
struct Counts {
    /// By [`BOUNDS`]; the last one takes what is above them all.
    durations: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    failures: AtomicU64,
}

/// All that the gate counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Lanes<Counts>,
    /// Services that exist; no caller can add to them by asking. Every lane has
    /// them all, so that no thread waits for another one that reads them.
    services: Lanes<RwLock<Services>>,
    /// Of services that do not exist, or that were not named.
    elsewhere: ServiceTally,
}

type Services = Vec<Arc<ServiceTally>>;

/// What the gate has counted so far.
#[derive(Debug)]
pub struct Totals {
    /// Services, the last one without a name, with their verdicts by [`CODES`].
    pub verdicts: Vec<(Box<str>, [u64; CODES.len()])>,
    /// How many verdicts came within each of [`BOUNDS`], and how many later.
    pub durations: [u64; BOUNDS.len() + 1],
    /// How long they took together.
    pub duration: Duration,
    /// Keys that were found in memory.
    pub hits: u64,
    /// Keys that had to be looked up.
    pub misses: u64,
    /// Questions without an answer.
    pub failures: u64,
}

impl Tally {
    /// Where a service that exists is counted.
    pub(super) fn service(&self, slug: &str) -> Arc<ServiceTally> {
        let known = find(&self.services.own().read(), slug).cloned();
        known.unwrap_or_else(|| self.add_service(slug))
    }

    fn add_service(&self, slug: &str) -> Arc<ServiceTally> {
        // All lanes at once, so that two threads do not add it twice.
        let mut lanes: Vec<_> = self.services.all().map(RwLock::write).collect();
        if let Some(known) = lanes.first().and_then(|services| find(services, slug)) {
            return Arc::clone(known);
        }
        let service = ServiceTally::of(slug);
        lanes.iter_mut().for_each(|services| services.push(Arc::clone(&service)));
        service
    }

    pub(super) fn hit(&self) {
        raise(&self.counts.own().hits, 1);
    }

    pub(super) fn miss(&self) {
        raise(&self.counts.own().misses, 1);
    }

    pub(super) fn failure(&self) {
        raise(&self.counts.own().failures, 1);
    }

    pub(super) fn verdict(&self, verdict: &Verdict, door: &Door<'_>, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(BOUNDS.len());
        let counts = self.counts.own();
        raise(&counts.durations[bucket], 1);
        raise(&counts.nanos, nanos);
        match verdict.key() {
            Some(key) => key.tally.count(place(verdict)),
            None => self.asked(door, place(verdict)),
        }
    }

    pub(super) fn key_missing(&self, door: &Door<'_>) {
        self.asked(door, KEY_MISSING);
    }

    /// Without a key it is counted for the service of the door.
    fn asked(&self, door: &Door<'_>, code: usize) {
        let services = self.services.own().read();
        let service = door.service.and_then(|slug| find(&services, slug));
        service.map_or(&self.elsewhere, |service| &**service).count(code);
    }

    pub(super) fn totals(&self) -> Totals {
        let sum = |of: fn(&Counts) -> &AtomicU64| self.counts.all().map(of).map(read).sum();
        let nanos = sum(|counts| &counts.nanos);
        let services = self.services.own().read();
        let services = services.iter().map(|service| &**service).chain([&self.elsewhere]);
        Totals {
            verdicts: services.map(|service| (service.slug.clone(), sums(&service.verdicts, |all| all))).collect(),
            durations: sums(&self.counts, |counts| &counts.durations),
            duration: Duration::from_nanos(nanos),
            hits: sum(|counts| &counts.hits),
            misses: sum(|counts| &counts.misses),
            failures: sum(|counts| &counts.failures),
        }
    }
}

fn find<'a>(services: &'a Services, slug: &str) -> Option<&'a Arc<ServiceTally>> {
    services.iter().find(|service| *service.slug == *slug)
}

fn raise(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn sums<T, const N: usize>(lanes: &Lanes<T>, of: fn(&T) -> &[AtomicU64; N]) -> [u64; N] {
    std::array::from_fn(|place| lanes.all().map(|lane| read(&of(lane)[place])).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::verdict::tests::key;

    const SMS: Door<'_> = Door { service: Some("sms"), mode: None };
    const NOWHERE: Door<'_> = Door { service: Some("unheard-of"), mode: None };

    fn count(tally: &Tally, verdict: &Verdict, door: &Door<'_>) {
        tally.verdict(verdict, door, Duration::from_nanos(800));
    }

    /// What was counted: service, code and how often.
    fn counted(tally: &Tally) -> Vec<(String, &'static str, u64)> {
        let rows = tally.totals().verdicts;
        rows.iter()
            .flat_map(|(service, counts)| {
                CODES.iter().zip(counts).map(move |(code, count)| (service.to_string(), *code, *count))
            })
            .filter(|(_, _, count)| *count > 0)
            .collect()
    }

    #[test]
    fn every_verdict_is_counted_under_its_own_code() {
        let record = Arc::new(key(|_, _| ()));
        for verdict in [
            Verdict::NotFound,
            Verdict::ModeNotAllowed(record.clone()),
            Verdict::Disabled(record.clone()),
            Verdict::Expired(record.clone()),
            Verdict::Valid(record.clone()),
        ] {
            let tally = Tally::default();
            let before = sums(&record.tally.verdicts, |all| all);
            count(&tally, &verdict, &NOWHERE);
            let after = sums(&record.tally.verdicts, |all| all);
            let place = CODES.iter().position(|code| *code == verdict.code()).unwrap();
            let expected = if matches!(verdict, Verdict::NotFound) { 0 } else { 1 };
            assert_eq!(after[place] - before[place], expected, "{verdict:?}");
            assert_eq!(counted(&tally).len() as u64, 1 - expected, "{verdict:?}");
        }
    }

    #[test]
    fn nobody_can_add_a_service_by_asking_for_it() {
        let tally = Tally::default();
        tally.service("sms");

        count(&tally, &Verdict::NotFound, &NOWHERE);
        count(&tally, &Verdict::NotFound, &Door::default());
        count(&tally, &Verdict::NotFound, &SMS);
        tally.key_missing(&SMS);

        let expected = [("sms".into(), "NOT_FOUND", 1), ("sms".into(), "KEY_MISSING", 1), ("".into(), "NOT_FOUND", 2)];
        assert_eq!(counted(&tally), expected);
    }

    #[test]
    fn durations_are_counted_within_their_bounds() {
        let tally = Tally::default();
        for nanos in [0, 1_000, 1_001, 999_999_999, 1_000_000_000, 1_000_000_001] {
            tally.verdict(&Verdict::NotFound, &SMS, Duration::from_nanos(nanos));
        }
        assert_eq!(tally.totals().durations, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]);
        assert_eq!(tally.totals().duration, Duration::from_nanos(3_000_002_001));
    }

    #[test]
    fn a_service_is_the_same_for_every_thread_whoever_met_it_first() {
        let tally = Tally::default();
        std::thread::scope(|all| {
            for _ in 0..20 {
                all.spawn(|| tally.service("sms").count(0));
            }
        });
        assert_eq!(counted(&tally), [("sms".into(), "VALID", 20)]);
    }

    #[test]
    fn many_threads_lose_no_count() {
        let tally = Tally::default();
        std::thread::scope(|all| {
            for _ in 0..20 {
                all.spawn(|| (0..1_000).for_each(|_| tally.hit()));
            }
        });
        assert_eq!(tally.totals().hits, 20_000);
    }
}
