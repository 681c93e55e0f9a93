//! Connects to the carrier, and reconnects with back-off when the connection is
//! lost.

use std::sync::Arc;
use std::time::Duration;

use rusmpp::Command;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::config::SmppConfig;
use super::connect::{BindKind, ConnectError, ConnectionHalves, connect};
use super::link::{Link, LinkConfig};
use super::stall::Stall;
use crate::repeats::Repeats;
use crate::sms::metrics::CarrierMetrics;
use crate::sms::transport::ReportSender;

/// The delay before the first reconnect; it doubles with each failure.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(500);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60);
/// The least delay after the carrier refused the bind: carriers lock out users that
/// retry quickly, and an operator has to fix the cause.
const REFUSED_RETRY_DELAY: Duration = Duration::from_secs(30);
/// A connection that lasted this long resets the delay.
const STABLE_AFTER: Duration = Duration::from_secs(30);
/// How long to wait for the response to the unbind.
const UNBIND_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of the connection.
#[derive(Clone)]
pub(super) struct ConnectionState {
    /// The bound connection.
    pub(super) link: Option<Arc<Link>>,
    /// Why there is none, as a sentence; `None` before the first attempt.
    pub(super) reason: Option<String>,
    /// Whether an operator has to change something, as with a refused password.
    pub(super) needs_operator: bool,
    /// When the connection came, or when it was lost.
    pub(super) since: Instant,
}

impl Default for ConnectionState {
    fn default() -> Self {
        Self { link: None, reason: None, needs_operator: false, since: Instant::now() }
    }
}

/// Owns the connection and publishes its state.
pub(super) struct Supervisor {
    pub(super) config: Arc<SmppConfig>,
    pub(super) reports: ReportSender,
    pub(super) metrics: Arc<CarrierMetrics>,
    pub(super) stall: Arc<Stall>,
    pub(super) state: watch::Sender<ConnectionState>,
    pub(super) closing: watch::Receiver<bool>,
    /// Why it could not connect, or lost the connection.
    pub(super) failures: Repeats,
}

impl Supervisor {
    /// Runs until `closing` is set or its sender is dropped.
    pub(super) async fn run(mut self) {
        let mut delay = MIN_RETRY_DELAY;
        loop {
            let mut closing = self.closing.clone();
            let connected = tokio::select! {
                connected = self.connect() => connected,
                _ = closing.wait_for(|closing| *closing) => break,
            };
            let began = Instant::now();
            let (reason, refused) = match connected {
                Ok(connections) => (self.serve(connections).await, false),
                Err(error) => (error.to_string(), error.needs_operator()),
            };
            if *self.closing.borrow() || self.closing.has_changed().is_err() {
                break;
            }
            let was_stable = began.elapsed() >= STABLE_AFTER;
            delay = next_delay(delay, refused, was_stable);
            // Jitter, so that several instances do not reconnect at the same moment.
            let pause = delay.mul_f64(rand::random_range(0.5..1.0));
            if was_stable {
                self.failures.end();
            }
            if let Some(others) = self.failures.to_log(&reason) {
                tracing::warn!(carrier = %self.metrics.carrier(), others, "SMPP {}: {reason}; trying again in {:.1} s", self.config, pause.as_secs_f64());
            }
            self.metrics.fault(&reason);
            self.unavailable(reason, refused);
            if tokio::time::timeout(pause, self.closing.wait_for(|closing| *closing)).await.is_ok() {
                break;
            }
        }
        self.unavailable("the connection to the carrier was closed here".to_owned(), false);
    }

    fn unavailable(&self, reason: String, needs_operator: bool) {
        self.state.send_modify(|state| {
            // Each failed attempt continues the same outage.
            let since = if state.link.is_some() { Instant::now() } else { state.since };
            *state = ConnectionState { link: None, reason: Some(reason), needs_operator, since };
        });
    }

    /// The connection for submits, and another one for receipts if the carrier wants
    /// two.
    async fn connect(&self) -> Result<(ConnectionHalves, Option<ConnectionHalves>), ConnectError> {
        if !self.config.has_separate_binds {
            return Ok((connect(&self.config, BindKind::Transceiver).await?, None));
        }
        let transmitter = connect(&self.config, BindKind::Transmitter).await?;
        Ok((transmitter, Some(connect(&self.config, BindKind::Receiver).await?)))
    }

    fn link(&self) -> (Arc<Link>, mpsc::Receiver<Command>) {
        Link::new(LinkConfig {
            window: self.config.window,
            timeout: self.config.timeout,
            enquire: self.config.enquire,
            receipts: self.config.receipts,
            tlvs: self.config.tlvs.clone(),
            reports: self.reports.clone(),
            metrics: Arc::clone(&self.metrics),
        })
    }

    /// Runs the connections until one is lost, or until they are closed here after
    /// their outstanding responses. Returns why they ended, as a sentence.
    async fn serve(&mut self, (submits, receipts): (ConnectionHalves, Option<ConnectionHalves>)) -> String {
        let (link, outgoing) = self.link();
        let receiver = receipts.map(|halves| (halves, self.link()));
        self.stall.link_began();
        self.metrics.carrier_bound();
        self.state.send_replace(ConnectionState { link: Some(Arc::clone(&link)), ..ConnectionState::default() });
        tracing::info!(carrier = %self.metrics.carrier(), "SMPP {}: bound", self.config);
        let ((incoming, writer), receiver_link) = (submits, receiver.as_ref().map(|(_, (link, _))| Arc::clone(link)));
        let mut run = Box::pin(async {
            match receiver {
                None => link.run(incoming, writer, outgoing).await,
                Some(((receipts, answers), (receiver, acknowledgements))) => tokio::select! {
                    reason = link.run(incoming, writer, outgoing) => reason,
                    reason = receiver.run(receipts, answers, acknowledgements) => reason,
                },
            }
        });
        let closed = async {
            // An error means that the transport was dropped; then nobody reads the state.
            if self.closing.wait_for(|closing| *closing).await.is_ok() {
                self.state.send_replace(ConnectionState::default());
            }
            link.unbind().await;
            if let Some(receiver) = receiver_link {
                receiver.unbind().await;
            }
        };
        let ended = tokio::select! {
            reason = &mut run => Some(reason),
            () = closed => None,
        };
        if let Some(reason) = ended {
            // With two connections, the other one has to give up its submits too.
            drop(run);
            link.abandon();
            return reason;
        }
        let ended = tokio::time::timeout(UNBIND_TIMEOUT, run).await;
        tracing::info!(carrier = %self.metrics.carrier(), "SMPP {}: unbound", self.config);
        ended.unwrap_or_default()
    }
}

/// The delay before the next attempt, without jitter.
fn next_delay(last: Duration, refused: bool, was_stable: bool) -> Duration {
    match (refused, was_stable) {
        (true, _) => last.max(REFUSED_RETRY_DELAY).min(MAX_RETRY_DELAY),
        (false, true) => MIN_RETRY_DELAY,
        (false, false) => (last * 2).min(MAX_RETRY_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_to_a_minute_and_starts_anew_after_a_good_connection() {
        let mut wait = MIN_RETRY_DELAY;
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                wait = next_delay(wait, false, false);
                wait.as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(next_delay(wait, false, true), MIN_RETRY_DELAY);
    }

    #[test]
    fn a_refusal_is_not_insisted_on() {
        assert_eq!(next_delay(MIN_RETRY_DELAY, true, false), REFUSED_RETRY_DELAY);
        assert_eq!(next_delay(MAX_RETRY_DELAY, true, false), MAX_RETRY_DELAY);
    }
}
