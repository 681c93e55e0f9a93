//! The SMS service: takes messages, and takes them from the queue to the
//! phones. The queue is in the database, so it outlives the process and is
//! worked on by every instance.

mod batch;
pub mod callbacks;
mod dispatcher;
mod receipts;
mod sweeper;
pub mod transport;
mod worker;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use dispatcher::Dispatcher;
pub use worker::Workers;

use transport::{Transport, sandbox};

use crate::clock::Clock;
use crate::domain::api_key::secret::Mode;
use crate::domain::message::idempotency::{self, IdempotencyKey};
use crate::domain::message::{self, Accepted, Draft, Origin};
use crate::error::{Error, Result};
use crate::store::{Conn, Digest, Store};

/// Takes messages.
#[derive(Clone)]
pub struct Sms {
    store: Store,
    clock: Clock,
    live: Arc<Notify>,
    test: Arc<Notify>,
    running: Arc<Mutex<HashSet<IdempotencyKey>>>,
    carrier: Arc<OnceLock<Arc<dyn Transport>>>,
}

/// How live messages leave at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Through a carrier.
    Connected,
    /// Not at all: they wait. Why, in a sentence.
    Away(String),
    /// Not at all: they are only rehearsed.
    Sandbox,
}

/// How a request that may be sent again is told from others.
#[derive(Debug, Clone)]
pub struct Repeatable {
    /// What the client calls it.
    pub key: IdempotencyKey,
    /// SHA-256 of what it asks for.
    pub digest: Digest,
}

/// The answer to the client, made once and given to each repetition.
pub type Render = fn(&Accepted) -> Result<String>;

impl Sms {
    /// The service over `store`.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            live: Arc::default(),
            test: Arc::default(),
            running: Arc::default(),
            carrier: Arc::default(),
        }
    }

    /// How live messages leave at the moment.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        match self.carrier.get() {
            Some(carrier) if carrier.name() == sandbox::NAME => Carrier::Sandbox,
            Some(carrier) => carrier.trouble().map_or(Carrier::Connected, Carrier::Away),
            None => Carrier::Away("sending has not begun".to_owned()),
        }
    }

    /// Charges and queues a message for each recipient, all or none; gives
    /// what `render` makes of it, once it is on the disk. A request that was
    /// made before is not done again: its answer is given again.
    ///
    /// # Errors
    /// [`Error::NotEnoughCredits`]; [`Error::StillRunning`] and
    /// [`Error::DifferentRequest`] for a repetition; [`Error::Unavailable`].
    pub async fn send(
        &self,
        origin: Origin,
        draft: Draft,
        repeatable: Option<Repeatable>,
        render: Render,
    ) -> Result<String> {
        let (mode, account) = (origin.mode, origin.account_id.to_string());
        let running = repeatable.as_ref().map(|request| self.begin(&request.key)).transpose()?;
        let again = repeatable.clone();
        let now = self.clock.now();
        let work = move |conn: &mut Conn| {
            let _running = running;
            take(conn, &origin, &draft, repeatable.as_ref(), render, now)
        };
        let answer = match (self.store.write_together(&account, work).await, again) {
            // Another instance was quicker, and has its answer by now.
            (Err(Error::StillRunning), Some(Repeatable { key, digest })) => {
                let found = self.store.read(move |conn| idempotency::find(conn, &key, digest, now)).await?;
                found.ok_or(Error::StillRunning)?
            }
            (result, _) => result?,
        };
        self.wake(mode).notify_one();
        Ok(answer)
    }

    /// What tells the workers of a mode that there is something to do.
    fn wake(&self, mode: Mode) -> &Arc<Notify> {
        match mode {
            Mode::Live => &self.live,
            Mode::Test => &self.test,
        }
    }

    fn begin(&self, key: &IdempotencyKey) -> Result<Running> {
        if !self.running.lock().insert(key.clone()) {
            return Err(Error::StillRunning);
        }
        Ok(Running { all: Arc::clone(&self.running), key: key.clone() })
    }
}

fn take(
    conn: &mut Conn,
    origin: &Origin,
    draft: &Draft,
    repeatable: Option<&Repeatable>,
    render: Render,
    now: crate::store::UtcTime,
) -> Result<String> {
    let before = repeatable.map(|Repeatable { key, digest }| idempotency::find(conn, key, *digest, now)).transpose()?;
    if let Some(answer) = before.flatten() {
        return Ok(answer);
    }
    let answer = render(&message::accept(conn, origin, draft, now)?)?;
    if let Some(Repeatable { key, digest }) = repeatable {
        idempotency::keep(conn, key, *digest, &answer, now)?;
    }
    Ok(answer)
}

/// A request that is being worked on, until this is dropped.
struct Running {
    all: Arc<Mutex<HashSet<IdempotencyKey>>>,
    key: IdempotencyKey,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}
