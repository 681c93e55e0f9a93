//! Refused requests of which nothing but their number is kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use crate::domain::refusal::{RefusalCount, RefusalKind, day_of};
use crate::gate::sharded::Sharded;
use crate::store::UtcTime;

const KINDS: usize = RefusalKind::VARIANTS.len();
/// While nothing can be written, the numbers of the latest days are kept.
const MAX_DAYS: usize = 30;

/// The numbers that are not in the database yet.
#[derive(Debug, Default)]
pub(super) struct RefusalCounters {
    since_last_write: Sharded<[AtomicI64; KINDS]>,
    /// Those that the database did not take, by day.
    not_written: Mutex<BTreeMap<UtcTime, [i64; KINDS]>>,
}

impl RefusalCounters {
    pub(super) fn add(&self, kind: RefusalKind, requests: i64) {
        if let Some(count) = self.since_last_write.own().get(kind as usize) {
            count.fetch_add(requests, Ordering::Relaxed);
        }
    }

    /// Takes all numbers out. What was counted since the last write is of today.
    pub(super) fn take(&self, now: UtcTime) -> Vec<RefusalCount> {
        let mut days = std::mem::take(&mut *self.not_written.lock());
        for count in self.since_last_write.all() {
            for (kind, count) in count.iter().enumerate() {
                let requests = count.swap(0, Ordering::Relaxed);
                if requests > 0 {
                    raise(days.entry(day_of(now)).or_default(), kind, requests);
                }
            }
        }
        let of_day = |(day, counts): (UtcTime, [i64; KINDS])| {
            let kinds = RefusalKind::VARIANTS.iter().zip(counts);
            kinds.map(move |(kind, requests)| RefusalCount { day, kind: *kind, requests })
        };
        days.into_iter().flat_map(of_day).filter(|count| count.requests > 0).collect()
    }

    /// Returns numbers that could not be written.
    pub(super) fn put_back(&self, counts: &[RefusalCount]) {
        let mut days = self.not_written.lock();
        for count in counts {
            raise(days.entry(count.day).or_default(), count.kind as usize, count.requests);
        }
        while days.len() > MAX_DAYS {
            days.pop_first();
        }
    }
}

fn raise(counts: &mut [i64; KINDS], kind: usize, requests: i64) {
    if let Some(count) = counts.get_mut(kind) {
        *count = count.saturating_add(requests);
    }
}
