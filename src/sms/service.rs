//! Accepting messages, on behalf of the API and the dashboard.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::carriers::Carriers;
use super::guard_log::GuardLog;
use super::metrics::{SmsMetrics, SmsTotals};
use super::transport::LinkState;
use crate::clock::Clock;
use crate::domain::api_key::secret::Mode;
use crate::domain::carrier::{Assignment, CarrierName};
use crate::domain::guard::GuardWarning;
use crate::domain::idempotency::{self, IdempotentRequest, RunningRequests};
use crate::domain::message::{self, Accepted, MessageDraft, MessageOrigin};
use crate::error::{Error, Result};
use crate::store::{Conn, Store, UtcTime};

/// Accepts messages. Clones share their state.
#[derive(Clone)]
pub struct Sms {
    pub(super) store: Store,
    pub(super) clock: Clock,
    running: RunningRequests,
    pub(super) metrics: Arc<SmsMetrics>,
    guard_log: Arc<GuardLog>,
    /// Set once the workers have started.
    pub(super) carriers: Arc<OnceLock<Carriers>>,
}

/// The connections that live messages are sent over, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarrierState {
    /// At least one carrier is connected.
    Connected {
        /// The messages per second that the only carrier takes, once it has throttled;
        /// rounded.
        learned_rate: Option<u32>,
    },
    /// No carrier is connected, so messages wait. The reason, as a sentence.
    Unavailable(String),
    /// The sandbox takes them, and no phone gets them.
    Sandbox,
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
            running: RunningRequests::default(),
            metrics: Arc::default(),
            guard_log: Arc::default(),
            carriers: Arc::default(),
        }
    }

    /// The state of the connections that live messages are sent over.
    #[must_use]
    pub fn carrier_state(&self) -> CarrierState {
        let unavailable = |sentence: &str| CarrierState::Unavailable(sentence.to_owned());
        let Some(carriers) = self.carriers.get() else { return unavailable("sending has not begun") };
        if carriers.rehearse_all() {
            return CarrierState::Sandbox;
        }
        let states: Vec<LinkState> = carriers.list().iter().map(|carrier| carrier.transport.state()).collect();
        let connected = states.iter().find(|state| state.problem.is_none());
        match (connected, states.iter().find_map(|state| state.problem.as_ref())) {
            (Some(state), _) => {
                // The pace of one among several says nothing about all of them.
                let learned_rate = state.learned_rate.filter(|_| states.len() == 1);
                CarrierState::Connected { learned_rate: learned_rate.map(whole_rate) }
            }
            (None, Some(problem)) => unavailable(&problem.sentence),
            (None, None) => unavailable("every carrier is switched off"),
        }
    }

    /// The carriers, once sending has begun.
    #[must_use]
    pub fn carriers(&self) -> Option<&Carriers> {
        self.carriers.get()
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
        let (assignments, account) = (self.assign(&draft, origin.mode)?, origin.account_id.to_string());
        let carriers: BTreeSet<_> = assignments.iter().map(|assignment| assignment.carrier.clone()).collect();
        let running = idempotent.as_ref().map(|request| self.running.begin(&request.key)).transpose()?;
        let repetition = idempotent.clone();
        let now = self.clock.now();
        let work = move |conn: &mut Conn| {
            // The key is released when the write ends, even if the client is gone.
            let _running = running;
            accept_once(conn, &origin, &draft, &assignments, idempotent.as_ref(), render, now)
        };
        let written = self.store.write_grouped(&account, work).await;
        let (response, accepted, warnings) = match (written, repetition) {
            // Another instance has committed the same request since.
            (Err(Error::StillRunning), Some(IdempotentRequest { key, digest })) => {
                let found = self.store.read(move |conn| idempotency::find(conn, &key, digest, now)).await?;
                (found.ok_or(Error::StillRunning)?, 0, Vec::new())
            }
            (result, _) => result.inspect_err(|error| self.guard_log.refused(&account, error))?,
        };
        self.metrics.accepted(accepted);
        self.guard_log.warn(&account, &warnings);
        carriers.iter().for_each(|carrier| self.queue_changed(carrier));
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
        mode == Mode::Test || self.carriers().is_some_and(Carriers::rehearse_all)
    }

    /// By which carrier each message of a draft is to go, and at which price.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a recipient that no carrier serves.
    pub fn assign(&self, draft: &MessageDraft, mode: Mode) -> Result<Vec<Assignment>> {
        match self.carriers.get() {
            Some(carriers) if !self.rehearses(mode) => carriers.assign(draft),
            _ => Ok(vec![Assignment::rehearsed(); draft.recipients().len()]),
        }
    }

    /// Wakes the dispatcher of a carrier.
    fn queue_changed(&self, name: &CarrierName) {
        if let Some(carrier) = self.carriers.get().and_then(|carriers| carriers.find(name)) {
            carrier.queue_changed.notify_one();
        }
    }
}

/// At least 1: a carrier that takes one message in two seconds takes about one.
fn whole_rate(rate: f64) -> u32 {
    rate.floor().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// Returns the response, how many messages were accepted for it, none for a repetition, and
/// the sending limits that are nearly used by now.
fn accept_once(
    conn: &mut Conn,
    origin: &MessageOrigin,
    draft: &MessageDraft,
    assignments: &[Assignment],
    idempotent: Option<&IdempotentRequest>,
    render: Render,
    now: UtcTime,
) -> Result<(String, usize, Vec<GuardWarning>)> {
    let stored =
        idempotent.map(|IdempotentRequest { key, digest }| idempotency::find(conn, key, *digest, now)).transpose()?;
    if let Some(response) = stored.flatten() {
        return Ok((response, 0, Vec::new()));
    }
    let accepted = message::accept(conn, origin, draft, assignments, now)?;
    let response = render(&accepted)?;
    if let Some(IdempotentRequest { key, digest }) = idempotent {
        idempotency::store_response(conn, key, *digest, &response, now)?;
    }
    Ok((response, accepted.messages.len(), accepted.warnings))
}
