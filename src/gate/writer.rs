//! Writes what the gate counted, every second and a half, and removes what was kept long
//! enough.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::refusals::Refusals;
use super::usage::UsageQueue;
use crate::clock::Clock;
use crate::domain::{key_action, refusal};
use crate::store::{Conn, Store, UtcTime, log_outage};

const WRITE_INTERVAL: Duration = Duration::from_millis(1_500);
/// How often old refusals and actions on keys are looked for.
const PRUNE_INTERVAL_SECONDS: i64 = 3_600;
/// The most refusals in one transaction; there is one at each interval while there are more.
const PRUNE_BATCH_SIZE: usize = 1_000;

/// What the gate counted and the database does not have yet.
#[derive(Clone)]
pub(super) struct Writer {
    store: Store,
    clock: Clock,
    usage: Weak<UsageQueue>,
    refusals: Weak<Refusals>,
}

impl Writer {
    pub(super) fn new(store: &Store, clock: &Clock, usage: &Arc<UsageQueue>, refusals: &Arc<Refusals>) -> Self {
        let (usage, refusals) = (Arc::downgrade(usage), Arc::downgrade(refusals));
        Self { store: store.clone(), clock: clock.clone(), usage, refusals }
    }

    /// Writes at every interval, until the gate is dropped.
    pub(super) async fn run(self) {
        // The interval counts from start to start, so that a slow write does not
        // postpone the next one.
        let mut ticks = tokio::time::interval(WRITE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut prunes_from = self.clock.now();
        loop {
            ticks.tick().await;
            let (Some(usage), Some(refusals)) = (self.usage.upgrade(), self.refusals.upgrade()) else { return };
            usage.write(&self.store).await;
            let now = self.clock.now();
            refusals.write(&self.store, now).await;
            if prunes_from <= now && !self.prune(now).await {
                prunes_from = now.plus_seconds(PRUNE_INTERVAL_SECONDS);
            }
        }
    }

    /// Whether more may be left.
    async fn prune(&self, now: UtcTime) -> bool {
        let prune = async {
            let needs =
                move |conn: &mut Conn| Ok((refusal::needs_pruning(conn, now)?, key_action::needs_pruning(conn, now)?));
            let (refusals, actions) = self.store.read(needs).await?;
            let more = refusals && self.store.write(move |conn| refusal::prune(conn, now, PRUNE_BATCH_SIZE)).await?;
            Ok((actions && self.store.write(move |conn| key_action::prune(conn, now)).await?) || more)
        };
        prune.await.unwrap_or_else(|error| {
            log_outage(&error);
            false
        })
    }
}
