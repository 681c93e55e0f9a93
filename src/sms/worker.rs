//! The background tasks of the SMS service.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::batch::each;
use super::callbacks::{CallbackConfig, CallbackWorker};
use super::dispatcher::{DispatchOutcome, Dispatcher};
use super::due::WaitingTasks;
use super::service::Sms;
use super::transport::TransportConfig;
use super::transport::sandbox::{self, Sandbox};
use super::{receipts, retention, sweeper};
use crate::domain::message;
use crate::error::{Error, Result};
use crate::store::log_outage;

/// The most reports between a transport and the database; when the channel is
/// full, the carrier's acknowledgements wait.
const REPORT_QUEUE_SIZE: usize = 1_024;
/// The most outcomes in one transaction.
const BATCH_SIZE: usize = 256;
/// The delay before outcomes are written again after the database failed.
const WRITE_RETRY_DELAY: Duration = Duration::from_millis(500);
/// How long the tasks may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_millis(2_500);

/// The running tasks of this instance.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the tasks: messages are sent over the carrier of `config`, and rehearsed
    /// ones go to a sandbox. `retention_days` limits how long texts and numbers are kept.
    #[must_use]
    pub fn start(sms: &Sms, config: &TransportConfig, callbacks: &CallbackConfig, retention_days: Option<u16>) -> Self {
        let (reports, incoming) = mpsc::channel(REPORT_QUEUE_SIZE);
        let (outcomes, to_write) = mpsc::channel(BATCH_SIZE);
        let (stop, stopping) = watch::channel(false);
        let sandbox = Arc::new(Sandbox::new(config.sandbox_delay(), reports.clone()));
        let carrier = config.open_carrier(reports, Arc::clone(&sms.metrics));
        // This is the only place that sets it.
        let _ = sms.carrier.set(carrier.clone());
        let dispatcher = |rehearsed, transport| {
            let queue_changed = Arc::clone(sms.queue_changed(rehearsed));
            Dispatcher::new(rehearsed, transport, queue_changed, sms.store.clone(), sms.clock.clone())
        };
        let waiting = WaitingTasks {
            carrier: Arc::clone(sms.queue_changed(false)),
            sandbox: Arc::clone(sms.queue_changed(true)),
            callbacks: Arc::default(),
            sweeper: Arc::default(),
        };
        let callback_worker =
            CallbackWorker::new(sms.store.clone(), sms.clock.clone(), callbacks, Arc::clone(&waiting.callbacks));
        // Without a carrier, messages that were accepted for one wait for it.
        let carrier = carrier.map(|carrier| dispatcher(false, carrier).run(outcomes.clone(), stopping.clone()));
        let mut tasks: Vec<_> = carrier.map(tokio::spawn).into_iter().collect();
        tasks.extend(retention_days.map(|days| tokio::spawn(retention::run(sms.clone(), days, stopping.clone()))));
        tasks.extend([
            tokio::spawn(dispatcher(true, Arc::clone(&sandbox) as _).run(outcomes, stopping.clone())),
            tokio::spawn(write_outcomes(sms.clone(), to_write)),
            tokio::spawn(callback_worker.run(stopping.clone())),
            tokio::spawn(sweeper::run(sms.clone(), Arc::clone(&waiting.sweeper), stopping.clone())),
            tokio::spawn(waiting.wake_when_due(sms.store.clone(), sms.clock.clone(), stopping)),
        ]);
        // Not stopped: a carrier may send receipts until the process ends.
        tokio::spawn(receipts::run(incoming, sms.clone()));
        tokio::spawn(resume_sandbox(sms.clone(), sandbox));
        Self { stop, tasks }
    }

    /// Stops leasing, and waits up to 2.5 seconds for the carrier's outstanding
    /// responses.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let all = futures_util::future::join_all(self.tasks);
        if timeout(STOP_TIMEOUT, all).await.is_err() {
            tracing::warn!(
                "stopped before the carrier responded to some messages; they are settled when their lease expires"
            );
        }
    }
}

/// The sandbox keeps its receipts in memory; after a restart it makes those that
/// are still due again.
async fn resume_sandbox(sms: Sms, sandbox: Arc<Sandbox>) {
    match sms.store.read(|conn| message::carrier_ids_awaiting_receipt(conn, sandbox::ID_PREFIX)).await {
        Ok(ids) => sandbox.resume(ids),
        Err(error) => tracing::warn!(%error, "outstanding receipts of the sandbox could not be resumed"),
    }
}

/// Writes outcomes in batches until both dispatchers have ended.
async fn write_outcomes(sms: Sms, mut outcomes: mpsc::Receiver<DispatchOutcome>) {
    let mut batch = Vec::new();
    while outcomes.recv_many(&mut batch, BATCH_SIZE).await > 0 {
        // All instances lock balances in the order of accounts: without a common
        // order two of them could deadlock.
        batch.sort_by(|one, other| one.account.cmp(&other.account));
        let batch: Arc<Vec<DispatchOutcome>> = Arc::new(std::mem::take(&mut batch));
        while let Err(error) = settle(&sms, &batch).await {
            log_outage(&error); // and the outcomes are written later
            sleep(WRITE_RETRY_DELAY).await;
        }
    }
}

async fn settle(sms: &Sms, batch: &Arc<Vec<DispatchOutcome>>) -> Result<(), Error> {
    let (batch, now) = (Arc::clone(batch), sms.clock.now());
    let settle = move |conn: &mut _| {
        each(conn, &batch, |conn, DispatchOutcome { id, until, segments, .. }| {
            message::settle(conn, id, *until, segments, now)
        })
    };
    let changes = sms.store.write(settle).await?;
    sms.metrics.changed(changes.into_iter().flatten());
    Ok(())
}
