//! How many a second there were of late.

use parking_lot::Mutex;

use crate::store::UtcTime;

/// The pace is the average of so many seconds.
const SECONDS: usize = 10;

/// Counts by the second, of the last seconds.
#[derive(Debug, Default)]
pub(super) struct RecentPace {
    /// The second that a slot is about, and its count. A second has the slot of its number.
    slots: Mutex<[(i64, u32); SECONDS + 1]>,
}

impl RecentPace {
    /// Counts one.
    pub(super) fn count(&self, now: UtcTime) {
        let second = second_of(now);
        let mut slots = self.slots.lock();
        let Some(slot) = slots.get_mut(place_of(second)) else { return };
        *slot = if slot.0 == second { (second, slot.1.saturating_add(1)) } else { (second, 1) };
    }

    /// The average of the last whole seconds: the current one has not ended.
    pub(super) fn per_second(&self, now: UtcTime) -> f64 {
        let now = second_of(now);
        let is_of_late = |second: i64| (now - SECONDS as i64..now).contains(&second);
        let slots = self.slots.lock();
        let count: u32 = slots.iter().filter(|(second, _)| is_of_late(*second)).map(|(_, count)| count).sum();
        f64::from(count) / SECONDS as f64
    }
}

const fn second_of(time: UtcTime) -> i64 {
    time.micros().div_euclid(1_000_000)
}

fn place_of(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SECONDS as i64 + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_ten_seconds() {
        let pace = RecentPace::default();
        let at = |second| UtcTime::from_micros(1_772_366_400_000_000).plus_seconds(second);
        for second in 0..5 {
            (0..20).for_each(|_| pace.count(at(second)));
        }

        for (second, per_second) in
            [(0, 0.0), (1, 2.0), (5, 10.0), (10, 10.0), (11, 8.0), (14, 2.0), (15, 0.0), (99, 0.0)]
        {
            assert_eq!(pace.per_second(at(second)), per_second, "after {second} s");
        }
        pace.count(at(99));
        assert_eq!(pace.per_second(at(100)), 0.1, "what is long past does not come back");
    }
}
