//! Watches the connections to the carriers, and lets queued messages go by the next
//! carrier of their route when theirs has been lost.
//!
//! Only messages that still wait in the queue are moved, by an update that a worker's
//! lease excludes: another instance may have a connection, and goes on leasing them.
//! They come back only when the other carrier is lost too.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::carriers::{Carriers, GivenUp};
use super::service::Sms;
use crate::domain::carrier::CarrierName;
use crate::domain::message::{self, MessageId, QueuedMessage};
use crate::error::Result;
use crate::store::log_outage;

/// How often each carrier is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// After a pass through long queues the next one waits this many times as long as it took,
/// so that a queue which can't be moved costs little.
const PASS_PAUSE_FACTOR: u32 = 10;
/// The longest time between two looks.
const MAX_WATCH_INTERVAL: Duration = Duration::from_secs(3);
/// The messages that are read at once.
const PAGE_SIZE: usize = 5_000;
/// The most messages that are moved in one transaction.
const BATCH_SIZE: usize = 500;

/// Watches the carriers until `stop`.
pub(super) async fn run(sms: Sms, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let began = Instant::now();
        if let Some(carriers) = sms.carriers() {
            carriers.list().iter().for_each(|carrier| carrier.observe());
            if let Err(error) = move_all(&sms, carriers, &stop).await {
                log_outage(&error); // and they are moved later
            }
        }
        let pause = (began.elapsed() * PASS_PAUSE_FACTOR).clamp(WATCH_INTERVAL, MAX_WATCH_INTERVAL);
        if let Ok(Err(_)) = timeout(pause, stop.changed()).await {
            return; // nobody is left to stop it
        }
    }
}

/// Moves what waits for a carrier that is given up.
async fn move_all(sms: &Sms, carriers: &Carriers, stop: &watch::Receiver<bool>) -> Result<()> {
    if carriers.list().is_empty() {
        return Ok(()); // there is no other one
    }
    for name in sms.store.read(message::carriers_with_messages).await? {
        let is_lost = carriers.find(&name).is_none_or(|carrier| carrier.availability.is_in_doubt());
        if is_lost && !name.is_sandbox() {
            move_queue(sms, carriers, &name, stop).await?;
        }
    }
    Ok(())
}

async fn move_queue(sms: &Sms, carriers: &Carriers, from: &CarrierName, stop: &watch::Receiver<bool>) -> Result<()> {
    let (mut last, mut moved) = (None, 0);
    while !*stop.borrow() {
        let (carrier, after) = (from.clone(), last.take());
        let read = move |conn: &mut _| message::list_movable(conn, &carrier, after.as_ref(), PAGE_SIZE);
        let page: Vec<QueuedMessage> = sms.store.read(read).await?;
        let is_last = page.len() < PAGE_SIZE;
        let mut groups: HashMap<(CarrierName, GivenUp), Vec<MessageId>> = HashMap::new();
        for queued in &page {
            if let Some(way_out) = carriers.way_out(from, &queued.recipient) {
                groups.entry(way_out).or_default().push(queued.id.clone());
            }
        }
        for ((to, why), ids) in groups {
            moved += move_messages(sms, carriers, ids, (from, &to), why).await?;
        }
        last = page.into_iter().next_back();
        if is_last {
            break;
        }
    }
    if moved > 0 {
        tracing::warn!(carrier = %from, messages = moved, "messages that waited for a lost carrier go by another one");
    }
    Ok(())
}

async fn move_messages(
    sms: &Sms,
    carriers: &Carriers,
    ids: Vec<MessageId>,
    (from, to): (&CarrierName, &CarrierName),
    why: GivenUp,
) -> Result<usize> {
    let (mut moved, reason) = (0, format!("Carrier {from} {}: it goes by {to}.", why.sentence()));
    for batch in ids.chunks(BATCH_SIZE) {
        let (batch, names, reason) = (batch.to_vec(), (from.clone(), to.clone()), reason.clone());
        let now = sms.clock.now();
        let work = move |conn: &mut _| message::reassign(conn, &batch, (&names.0, &names.1), &reason, now);
        moved += sms.store.write(work).await?;
        if let Some(carrier) = carriers.find(to) {
            carrier.queue_changed.notify_one();
        }
    }
    Ok(moved)
}
