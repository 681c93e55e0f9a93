//! Everything that runs for the SMS service beside the server.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::batch::each;
use super::callbacks::{CallbackConfig, CallbackWorker};
use super::dispatcher::{DispatchOutcome, Dispatcher};
use super::transport::TransportConfig;
use super::transport::sandbox::{self, Sandbox};
use super::{Sms, receipts, sweeper};
use crate::domain::api_key::secret::Mode;
use crate::domain::message;
use crate::error::{Error, Result};

/// Receipts that wait to be written; more keep the carrier waiting.
const RECEIPT_QUEUE_SIZE: usize = 1_024;
/// Results in one transaction at most.
const MOST: usize = 256;
/// How soon results are written again that could not be written.
const AGAIN: Duration = Duration::from_millis(500);
/// How long the workers may take to stop.
const STOP: Duration = Duration::from_millis(2_500);

/// The workers of this instance.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts them: live messages leave through the `config`, test messages
    /// through a sandbox. Of both, customers are told as `callbacks` says.
    #[must_use]
    pub fn start(sms: &Sms, config: &TransportConfig, callbacks: &CallbackConfig) -> Self {
        let (receipts, incoming) = mpsc::channel(RECEIPT_QUEUE_SIZE);
        let (finished, to_write) = mpsc::channel(MOST);
        let (stop, stopping) = watch::channel(false);
        let sandbox = Arc::new(Sandbox::new(config.sandbox_delay(), receipts.clone()));
        let live = config.open(receipts);
        // Nobody else sets it.
        let _ = sms.carrier.set(Arc::clone(&live));
        let dispatcher = |mode, transport| Dispatcher {
            mode,
            transport,
            wake: Arc::clone(sms.wake(mode)),
            store: sms.store.clone(),
            clock: sms.clock.clone(),
            widest: AtomicUsize::new(0),
        };
        let tasks = vec![
            tokio::spawn(dispatcher(Mode::Live, live).work(finished.clone(), stopping.clone())),
            tokio::spawn(dispatcher(Mode::Test, Arc::clone(&sandbox) as _).work(finished, stopping.clone())),
            tokio::spawn(keep_settling(sms.clone(), to_write)),
            tokio::spawn(CallbackWorker::new(sms.store.clone(), sms.clock.clone(), callbacks).work(stopping.clone())),
            tokio::spawn(sweeper::keep_sweeping(sms.store.clone(), sms.clock.clone(), stopping)),
        ];
        // These end with the process: a carrier may tell something until then.
        tokio::spawn(receipts::keep_taking(incoming, sms.store.clone(), sms.clock.clone()));
        tokio::spawn(resume(sms.clone(), sandbox));
        Self { stop, tasks }
    }

    /// Takes nothing more from the queue, and waits a moment for the answers
    /// that are still to come.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let all = futures_util::future::join_all(self.tasks);
        if timeout(STOP, all).await.is_err() {
            tracing::warn!("some messages were on their way to the carrier; their outcome is settled later");
        }
    }
}

/// Segments that the sandbox had when the process ended get their receipts.
async fn resume(sms: Sms, sandbox: Arc<Sandbox>) {
    match sms.store.read(|conn| message::open_carrier_ids(conn, sandbox::PREFIX)).await {
        Ok(ids) => sandbox.resume(ids),
        Err(error) => tracing::warn!(%error, "receipts of the sandbox are lost"),
    }
}

async fn keep_settling(sms: Sms, mut finished: mpsc::Receiver<DispatchOutcome>) {
    let mut batch = Vec::new();
    while finished.recv_many(&mut batch, MOST).await > 0 {
        // All instances in one order, so that no two wait for each other's balances.
        batch.sort_by(|one, other| one.account.cmp(&other.account));
        let results: Arc<Vec<DispatchOutcome>> = Arc::new(std::mem::take(&mut batch));
        while let Err(error) = settle(&sms, &results).await {
            tracing::warn!(%error, "what became of messages could not be written yet");
            sleep(AGAIN).await;
        }
    }
}

async fn settle(sms: &Sms, results: &Arc<Vec<DispatchOutcome>>) -> Result<(), Error> {
    let (results, now) = (Arc::clone(results), sms.clock.now());
    let settle = move |conn: &mut _| {
        each(conn, &results, |conn, DispatchOutcome { id, until, outcomes, .. }| {
            message::settle(conn, id, *until, outcomes, now)
        })
    };
    sms.store.write(settle).await
}
