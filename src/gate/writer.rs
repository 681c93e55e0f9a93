//! Writes what the gate counted, every second and a half, and removes what was kept long
//! enough.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::refusals::Refusals;
use super::usage::UsageQueue;
use crate::clock::Clock;
use crate::domain::api_key::{trash, usage_history};
use crate::domain::{key_action, refusal};
use crate::store::{Actor, Conn, Store, UtcTime, log_outage};

const WRITE_INTERVAL: Duration = Duration::from_millis(1_500);
/// How often old refusals, uses and actions, and keys that were in the trash for long enough, are
/// looked for.
const PRUNE_INTERVAL_SECONDS: i64 = 3_600;
/// The most refusals in one transaction; there is one at each interval while there are more.
const PRUNE_BATCH_SIZE: usize = 1_000;
/// The same for keys, each of which takes its history along.
const PURGE_BATCH_SIZE: usize = 100;

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
            if prunes_from <= now && !(self.prune(now).await | self.purge(now).await) {
                prunes_from = now.plus_seconds(PRUNE_INTERVAL_SECONDS);
            }
        }
    }

    /// Whether more may be left.
    async fn prune(&self, now: UtcTime) -> bool {
        let prune = async {
            let needs = move |conn: &mut Conn| {
                let counted = refusal::needs_pruning(conn, now)? || usage_history::needs_pruning(conn, now)?;
                Ok((counted, key_action::needs_pruning(conn, now)?))
            };
            let (counted, actions) = self.store.read(needs).await?;
            let prune_counted = move |conn: &mut Conn| {
                // Refusals first: on PostgreSQL, one instance prunes at a time then.
                let has_more_refusals = refusal::prune(conn, now, PRUNE_BATCH_SIZE)?;
                Ok(usage_history::prune(conn, now, PRUNE_BATCH_SIZE)? || has_more_refusals)
            };
            let more = counted && self.store.write(prune_counted).await?;
            Ok((actions && self.store.write(move |conn| key_action::prune(conn, now)).await?) || more)
        };
        prune.await.unwrap_or_else(|error| {
            log_outage(&error);
            false
        })
    }

    /// Whether more keys may have to leave the trash.
    async fn purge(&self, now: UtcTime) -> bool {
        let purge = async {
            if !self.store.read(move |conn| trash::needs_purging(conn, now)).await? {
                return Ok(false);
            }
            self.store.change(Actor::system(), now, |tx| trash::purge_due(tx, PURGE_BATCH_SIZE)).await
        };
        purge.await.unwrap_or_else(|error| {
            log_outage(&error);
            false
        })
    }
}
