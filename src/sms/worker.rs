//! The background tasks of the SMS service.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::batch::each;
use super::callbacks::{CallbackConfig, CallbackWorker};
use super::carriers::{Carrier, CarrierConfig, Carriers, CarriersConfig};
use super::dispatcher::{DispatchOutcome, Dispatcher};
use super::due::WaitingTasks;
use super::metrics::CarrierMetrics;
use super::service::Sms;
use super::transport::TransportConfig;
use super::transport::sandbox::Sandbox;
use super::{failover, receipts, retention, sweeper};
use crate::domain::carrier::CarrierName;
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

/// What the tasks need to know.
pub struct WorkersConfig<'a> {
    /// The carriers, and the routes to them.
    pub carriers: &'a CarriersConfig,
    /// The delay of the sandbox's receipts.
    pub sandbox_delay: Duration,
    /// Where callbacks may go.
    pub callbacks: &'a CallbackConfig,
    /// The origin at which carriers reach Keyfob.
    pub public_url: Option<&'a str>,
    /// The days for which texts and numbers of messages are kept.
    pub retention_days: Option<u16>,
}

/// The running tasks of this instance.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the tasks: messages are sent by the carriers of `config`, and rehearsed
    /// ones go to a sandbox. `retention_days` limits how long texts and numbers are kept.
    #[must_use]
    pub fn start(sms: &Sms, config: &WorkersConfig<'_>) -> Self {
        let (outcomes, to_write) = mpsc::channel(BATCH_SIZE);
        let (stop, stopping) = watch::channel(false);
        let carriers = sms.carriers.get_or_init(|| open_carriers(sms, config));
        let waiting = WaitingTasks {
            carriers: carriers.with_sandbox().cloned().collect(),
            callbacks: Arc::default(),
            sweeper: Arc::default(),
        };
        let callback_worker =
            CallbackWorker::new(sms.store.clone(), sms.clock.clone(), config.callbacks, Arc::clone(&waiting.callbacks));
        let dispatcher =
            |carrier: &Arc<Carrier>| Dispatcher::new(Arc::clone(carrier), sms.store.clone(), sms.clock.clone());
        let run = |carrier| tokio::spawn(dispatcher(carrier).run(outcomes.clone(), stopping.clone()));
        let mut tasks: Vec<_> = carriers.with_sandbox().map(run).collect();
        drop(outcomes);
        tasks.extend(
            config.retention_days.map(|days| tokio::spawn(retention::run(sms.clone(), days, stopping.clone()))),
        );
        tasks.extend([
            tokio::spawn(write_outcomes(sms.clone(), to_write)),
            tokio::spawn(callback_worker.run(stopping.clone())),
            tokio::spawn(sweeper::run(sms.clone(), Arc::clone(&waiting.sweeper), stopping.clone())),
            tokio::spawn(failover::run(sms.clone(), stopping.clone())),
            tokio::spawn(waiting.wake_when_due(sms.store.clone(), sms.clock.clone(), stopping)),
        ]);
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

/// Connects to the carriers, and records what they report.
fn open_carriers(sms: &Sms, config: &WorkersConfig<'_>) -> Carriers {
    let reports_of = |name: &CarrierName| {
        let (reports, incoming) = mpsc::channel(REPORT_QUEUE_SIZE);
        // Not stopped: a carrier may send receipts until the process ends.
        tokio::spawn(receipts::run(name.clone(), incoming, sms.clone()));
        reports
    };
    let metrics_of = |name: &CarrierName| Arc::new(CarrierMetrics::new(name.clone(), sms.clock.clone()));
    let open = |carrier: &CarrierConfig| {
        let (name, metrics) = (&carrier.name, metrics_of(&carrier.name));
        let transport = &carrier.transport;
        let transport = transport.open_carrier(name, config.public_url, reports_of(name), Arc::clone(&metrics))?;
        Some(Carrier::new(carrier, transport, metrics))
    };
    let list = config.carriers.carriers.iter().filter(|carrier| carrier.is_on).filter_map(open).collect();
    let name = CarrierName::sandbox();
    let sandbox = Arc::new(Sandbox::new(config.sandbox_delay, reports_of(&name)));
    tokio::spawn(resume_sandbox(sms.clone(), Arc::clone(&sandbox)));
    let metrics = metrics_of(&name);
    let transport = TransportConfig::Sandbox { delay: config.sandbox_delay };
    let settings = CarrierConfig { name, transport, is_on: true, sender: None };
    Carriers::new(list, Carrier::new(&settings, sandbox, metrics), config.carriers.clone())
}

/// The sandbox keeps its receipts in memory; after a restart it makes those that
/// are still due again.
async fn resume_sandbox(sms: Sms, sandbox: Arc<Sandbox>) {
    match sms.store.read(|conn| message::carrier_ids_awaiting_receipt(conn, &CarrierName::sandbox())).await {
        Ok(ids) => sandbox.resume(ids),
        Err(error) => tracing::warn!(%error, "outstanding receipts of the sandbox could not be resumed"),
    }
}

/// Writes outcomes in batches until all dispatchers have ended.
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
