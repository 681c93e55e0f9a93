//! What the gate counts, for the metrics page. Counting a cached key takes no
//! look-up and no lock: its record points to the counters of its service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::sharded::Sharded;

/// Codes are counted by their place in the table of verdicts, of which there are
/// fewer than this.
pub(super) const MAX_CODES: usize = 16;

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

type Verdicts = [AtomicU64; MAX_CODES];

/// The verdicts on one service's keys.
#[derive(Debug, Default)]
pub(super) struct ServiceMetrics {
    pub(super) slug: Box<str>,
    verdicts: Sharded<Verdicts>,
}

impl ServiceMetrics {
    pub(super) fn of(slug: &str) -> Arc<Self> {
        Arc::new(Self { slug: slug.into(), verdicts: Sharded::default() })
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
pub(super) struct GateMetrics {
    counts: Sharded<Counts>,
    /// Services that exist; no caller can add to them by asking. Every shard has
    /// them all, so that no thread waits for another one that reads them.
    services: Sharded<RwLock<Services>>,
    /// Of services that do not exist, or that were not named.
    elsewhere: ServiceMetrics,
}

type Services = Vec<Arc<ServiceMetrics>>;

/// What the gate has counted so far.
#[derive(Debug)]
pub struct Totals {
    /// Services, the last one without a name, with their verdicts by their codes' places in the table.
    pub verdicts: Vec<(Box<str>, [u64; MAX_CODES])>,
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

impl GateMetrics {
    /// Where a service that exists is counted.
    pub(super) fn service(&self, slug: &str) -> Arc<ServiceMetrics> {
        let known = find(&self.services.own().read(), slug).cloned();
        known.unwrap_or_else(|| self.add_service(slug))
    }

    fn add_service(&self, slug: &str) -> Arc<ServiceMetrics> {
        // All shards at once, so that two threads do not add it twice.
        let mut shards: Vec<_> = self.services.all().map(RwLock::write).collect();
        if let Some(known) = shards.first().and_then(|services| find(services, slug)) {
            return Arc::clone(known);
        }
        let service = ServiceMetrics::of(slug);
        shards.iter_mut().for_each(|services| services.push(Arc::clone(&service)));
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

    /// Counts a verdict and how long it took: for the service of the key that it
    /// names, else for the service that was asked for.
    pub(super) fn verdict(
        &self,
        code: usize,
        of_key: Option<&ServiceMetrics>,
        asked_for: Option<&str>,
        took: Duration,
    ) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(BOUNDS.len());
        let counts = self.counts.own();
        raise(&counts.durations[bucket], 1);
        raise(&counts.nanos, nanos);
        match of_key {
            Some(service) => service.count(code),
            None => self.without_key(code, asked_for),
        }
    }

    /// Counts a verdict about no key, for the service that was asked for.
    pub(super) fn without_key(&self, code: usize, asked_for: Option<&str>) {
        let services = self.services.own().read();
        let service = asked_for.and_then(|slug| find(&services, slug));
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

fn find<'a>(services: &'a Services, slug: &str) -> Option<&'a Arc<ServiceMetrics>> {
    services.iter().find(|service| *service.slug == *slug)
}

fn raise(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn sums<T, const N: usize>(shards: &Sharded<T>, of: fn(&T) -> &[AtomicU64; N]) -> [u64; N] {
    std::array::from_fn(|place| shards.all().map(|shard| read(&of(shard)[place])).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMS: Option<&str> = Some("sms");
    const VALID: usize = 0;
    const NOT_FOUND: usize = 1;

    /// What was counted: service, code and how often.
    fn counted(metrics: &GateMetrics) -> Vec<(String, usize, u64)> {
        let rows = metrics.totals().verdicts;
        let counts = |(service, counts): &(Box<str>, [u64; MAX_CODES])| {
            let named = |(code, count): (usize, &u64)| (service.to_string(), code, *count);
            counts.iter().enumerate().map(named).filter(|(_, _, count)| *count > 0).collect::<Vec<_>>()
        };
        rows.iter().flat_map(counts).collect()
    }

    #[test]
    fn a_verdict_that_names_a_key_is_counted_for_the_service_of_the_key() {
        let metrics = GateMetrics::default();
        let (mail, code) = (metrics.service("mail"), 3);

        metrics.verdict(code, Some(&mail), SMS, Duration::from_nanos(800));

        assert_eq!(counted(&metrics), [("mail".to_owned(), code, 1)]);
    }

    #[test]
    fn nobody_can_add_a_service_by_asking_for_it() {
        let metrics = GateMetrics::default();
        metrics.service("sms");

        for service in [Some("unheard-of"), None, SMS] {
            metrics.verdict(NOT_FOUND, None, service, Duration::from_nanos(800));
        }

        assert_eq!(counted(&metrics), [("sms".to_owned(), NOT_FOUND, 1), (String::new(), NOT_FOUND, 2)]);
    }

    #[test]
    fn durations_are_counted_within_their_bounds() {
        let metrics = GateMetrics::default();
        for nanos in [0, 1_000, 1_001, 999_999_999, 1_000_000_000, 1_000_000_001] {
            metrics.verdict(NOT_FOUND, None, SMS, Duration::from_nanos(nanos));
        }
        assert_eq!(metrics.totals().durations, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]);
        assert_eq!(metrics.totals().duration, Duration::from_nanos(3_000_002_001));
    }

    #[test]
    fn a_service_is_the_same_for_every_thread_whoever_met_it_first() {
        let metrics = GateMetrics::default();
        std::thread::scope(|all| {
            for _ in 0..20 {
                all.spawn(|| metrics.service("sms").count(VALID));
            }
        });
        assert_eq!(counted(&metrics), [("sms".to_owned(), VALID, 20)]);
    }

    #[test]
    fn many_threads_lose_no_count() {
        let metrics = GateMetrics::default();
        std::thread::scope(|all| {
            for _ in 0..20 {
                all.spawn(|| (0..1_000).for_each(|_| metrics.hit()));
            }
        });
        assert_eq!(metrics.totals().hits, 20_000);
    }
}
