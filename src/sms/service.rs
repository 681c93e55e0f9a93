//! Accepting messages, on behalf of the API and the dashboard.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::metrics::{SmsMetrics, SmsTotals};
use super::transport::Transport;
use crate::clock::Clock;
use crate::domain::api_key::secret::Mode;
use crate::domain::message::idempotency::{self, IdempotencyKey};
use crate::domain::message::{self, Accepted, MessageDraft, MessageOrigin};
use crate::error::{Error, Result};
use crate::store::{Conn, Digest, Store, UtcTime};

/// Accepts messages. Clones share their state.
#[derive(Clone)]
pub struct Sms {
    pub(super) store: Store,
    pub(super) clock: Clock,
    carrier_queue: Arc<Notify>,
    sandbox_queue: Arc<Notify>,
    in_flight: Arc<Mutex<HashSet<IdempotencyKey>>>,
    pub(super) metrics: Arc<SmsMetrics>,
    /// The carrier, if there is one, once the workers have started.
    pub(super) carrier: Arc<OnceLock<Option<Arc<dyn Transport>>>>,
}

/// The connection that live messages are sent over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarrierState {
    /// A carrier is connected.
    Connected {
        /// The messages per second that it takes, once it has throttled; rounded.
        learned_rate: Option<u32>,
    },
    /// No carrier is connected, so messages wait. The reason, as a sentence.
    Unavailable(String),
    /// The sandbox takes them, and no phone gets them.
    Sandbox,
}

/// What makes a request idempotent.
#[derive(Debug, Clone)]
pub struct IdempotentRequest {
    /// The client's name for the request.
    pub key: IdempotencyKey,
    /// The SHA-256 of the request's content, by which a reused key is detected.
    pub digest: Digest,
}

/// Renders the response. It is called once; repetitions get the stored text.
pub type Render = fn(&Accepted) -> Result<String>;

impl Sms {
    /// The service on a database.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            carrier_queue: Arc::default(),
            sandbox_queue: Arc::default(),
            in_flight: Arc::default(),
            metrics: Arc::default(),
            carrier: Arc::default(),
        }
    }

    /// The state of the connection that live messages are sent over.
    #[must_use]
    pub fn carrier_state(&self) -> CarrierState {
        match self.carrier.get() {
            Some(None) => CarrierState::Sandbox,
            Some(Some(carrier)) => match carrier.unavailable_reason() {
                Some(reason) => CarrierState::Unavailable(reason),
                None => CarrierState::Connected { learned_rate: carrier.learned_rate().map(whole_rate) },
            },
            None => CarrierState::Unavailable("sending has not begun".to_owned()),
        }
    }

    /// Charges and queues one message per recipient, all or none, and returns the
    /// rendered response once the transaction is committed. A repeated idempotent
    /// request returns the response to the first one and sends nothing.
    ///
    /// # Errors
    /// [`Error::NotEnoughCredits`]; [`Error::StillRunning`] and
    /// [`Error::DifferentRequest`] for a repetition; [`Error::Unavailable`].
    pub async fn send(
        &self,
        origin: MessageOrigin,
        draft: MessageDraft,
        idempotent: Option<IdempotentRequest>,
        render: Render,
    ) -> Result<String> {
        let (rehearsed, account) = (self.rehearses(origin.mode), origin.account_id.to_string());
        let in_flight = idempotent.as_ref().map(|request| self.begin(&request.key)).transpose()?;
        let repetition = idempotent.clone();
        let now = self.clock.now();
        let work = move |conn: &mut Conn| {
            // The key is released when the write ends, even if the client is gone.
            let _in_flight = in_flight;
            accept_once(conn, &origin, &draft, rehearsed, idempotent.as_ref(), render, now)
        };
        let (response, accepted) = match (self.store.write_grouped(&account, work).await, repetition) {
            // Another instance has committed the same request since.
            (Err(Error::StillRunning), Some(IdempotentRequest { key, digest })) => {
                let found = self.store.read(move |conn| idempotency::find(conn, &key, digest, now)).await?;
                (found.ok_or(Error::StillRunning)?, 0)
            }
            (result, _) => result?,
        };
        self.metrics.accepted(accepted);
        self.queue_changed(rehearsed).notify_one();
        Ok(response)
    }

    /// What this instance did for messages so far.
    #[must_use]
    pub fn totals(&self) -> SmsTotals {
        self.metrics.totals()
    }

    /// Whether messages of a mode are rehearsed: they go to the sandbox, cost nothing
    /// and reach no phone.
    #[must_use]
    pub fn rehearses(&self, mode: Mode) -> bool {
        mode == Mode::Test || self.carrier_state() == CarrierState::Sandbox
    }

    /// Notified when this instance queued a message for the carrier, or for the
    /// sandbox.
    pub(super) fn queue_changed(&self, rehearsed: bool) -> &Arc<Notify> {
        if rehearsed { &self.sandbox_queue } else { &self.carrier_queue }
    }

    fn begin(&self, key: &IdempotencyKey) -> Result<InFlight> {
        if !self.in_flight.lock().insert(key.clone()) {
            return Err(Error::StillRunning);
        }
        Ok(InFlight { all: Arc::clone(&self.in_flight), key: key.clone() })
    }
}

/// At least 1: a carrier that takes one message in two seconds takes about one.
fn whole_rate(rate: f64) -> u32 {
    rate.floor().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// Returns the response, and how many messages were accepted for it: none for a
/// repetition.
fn accept_once(
    conn: &mut Conn,
    origin: &MessageOrigin,
    draft: &MessageDraft,
    rehearsed: bool,
    idempotent: Option<&IdempotentRequest>,
    render: Render,
    now: UtcTime,
) -> Result<(String, usize)> {
    let stored =
        idempotent.map(|IdempotentRequest { key, digest }| idempotency::find(conn, key, *digest, now)).transpose()?;
    if let Some(response) = stored.flatten() {
        return Ok((response, 0));
    }
    let accepted = message::accept(conn, origin, draft, rehearsed, now)?;
    let response = render(&accepted)?;
    if let Some(IdempotentRequest { key, digest }) = idempotent {
        idempotency::store_response(conn, key, *digest, &response, now)?;
    }
    Ok((response, accepted.messages.len()))
}

/// Marks the request with a key as in flight until it is dropped.
struct InFlight {
    all: Arc<Mutex<HashSet<IdempotencyKey>>>,
    key: IdempotencyKey,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}
