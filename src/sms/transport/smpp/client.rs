//! The SMPP transport.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::config::SmppConfig;
use super::link::Link;
use super::pace::Pace;
use super::pdu;
use super::pending_submits::SubmitReply;
use super::stall::Stall;
use super::status;
use super::supervisor::{ConnectionState, Supervisor};
use crate::domain::carrier::CarrierName;
use crate::domain::message::MessageError;
use crate::repeats::Repeats;
use crate::sms::metrics::CarrierMetrics;
use crate::sms::transport::segments::submit_segments;
use crate::sms::transport::{
    CarrierRejection, LinkProblem, LinkState, OutgoingMessage, ReportSender, SegmentOutcome, SegmentTransport,
    Submission, Transport,
};

/// What is wrong with a carrier that is bound, and silent.
const UNANSWERED: &str = "the carrier is connected and answers no submits";

/// A carrier that is connected by SMPP. What its throttling and its silence teach
/// outlives a connection.
pub struct Smpp {
    config: Arc<SmppConfig>,
    pace: Pace,
    stall: Arc<Stall>,
    metrics: Arc<CarrierMetrics>,
    state: watch::Receiver<ConnectionState>,
    closing: watch::Sender<bool>,
    supervisor: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Smpp {
    /// Starts to connect in the background, and reconnects until it is closed or
    /// dropped. Has to be called within a Tokio runtime, which then runs the
    /// connection.
    #[must_use]
    pub fn start(config: SmppConfig, reports: ReportSender, metrics: Arc<CarrierMetrics>) -> Self {
        let (state, state_receiver) = watch::channel(ConnectionState::default());
        let (closing, closing_receiver) = watch::channel(false);
        let (pace, config) = (Pace::new(config.rate), Arc::new(config));
        let stall = Arc::new(Stall::new(config.window, config.timeout));
        let supervisor = Supervisor {
            config: Arc::clone(&config),
            reports,
            metrics: Arc::clone(&metrics),
            stall: Arc::clone(&stall),
            state,
            closing: closing_receiver,
            failures: Repeats::default(),
        };
        let supervisor = tokio::sync::Mutex::new(Some(tokio::spawn(supervisor.run())));
        Self { config, pace, stall, metrics, state: state_receiver, closing, supervisor }
    }

    async fn wait_until_ready(&self) {
        let mut state = self.state.clone();
        while self.capacity() == 0 {
            let Ok(link) = state.wait_for(|state| state.link.is_some()).await.map(|now| now.link.clone()) else {
                // The supervisor has ended: the transport is closed.
                return std::future::pending().await;
            };
            let link = link.filter(|link| !link.has_ended());
            match link {
                Some(link) if link.ready().await => {
                    self.pace.ready().await;
                    self.stall.ready(|| link.outstanding()).await;
                }
                _ if state.changed().await.is_err() => return std::future::pending().await,
                _ => {}
            }
        }
    }

    async fn send(&self, submission: Submission) -> SegmentOutcome {
        let link = self.state.borrow().link.clone();
        let Some(link) = link.filter(|link| link.free() > 0) else { return SegmentOutcome::NotSent };
        let Some(submit) = pdu::submit(&submission, &self.config.dialect) else {
            let error = MessageError::InvalidMessage;
            return SegmentOutcome::Rejected(CarrierRejection { error, carrier_code: None });
        };
        let Some(_probe) = self.stall.begin(link.outstanding()) else { return SegmentOutcome::NotSent };
        if !self.pace.take() {
            return SegmentOutcome::NotSent;
        }
        let began = Instant::now();
        match link.submit(submission.segment, submit).await {
            SubmitReply::Answered { status, carrier_id } => self.answered(&link, status, carrier_id, began),
            SubmitReply::TimedOut => {
                self.timed_out(&link, began);
                SegmentOutcome::Unanswered
            }
            SubmitReply::Unanswered { written } => {
                if written {
                    self.stall.lost(began);
                    return SegmentOutcome::Unanswered;
                }
                self.stall.not_sent();
                SegmentOutcome::NotSent
            }
        }
    }

    fn answered(&self, link: &Link, status: u32, carrier_id: String, began: Instant) -> SegmentOutcome {
        if self.stall.answered() {
            tracing::info!(carrier = %self.metrics.carrier(), "SMPP {}: the carrier answers submits again", self.config);
        }
        if status::is_about_connection(status) {
            let code = status::code(status);
            link.end(&format!("the carrier says that the connection is not bound (status {code})"));
        }
        let outcome = status::outcome(status, carrier_id);
        if !matches!(outcome, SegmentOutcome::Throttled { .. }) {
            self.pace.answered();
            return outcome;
        }
        self.metrics.throttled();
        if let Some(rate) = self.pace.throttled(began) {
            // Rounded down: with more the refusals would go on.
            let rate = rate.floor().max(1.0);
            tracing::warn!(
                carrier = %self.metrics.carrier(), "SMPP {}: the carrier takes about {rate} messages a second and refuses more (status {}); sending slows \
                 down, and rate={rate} in {} avoids the refusals",
                self.config,
                status::code(status),
                setting(self.metrics.carrier()),
            );
        }
        outcome
    }

    fn timed_out(&self, link: &Link, began: Instant) {
        if self.stall.unanswered(began) {
            link.enquire();
            self.metrics.fault(UNANSWERED);
            tracing::warn!(
                carrier = %self.metrics.carrier(), "SMPP {}: the carrier has answered no submit for {} s; sending stops, and one message at a time is \
                 tried",
                self.config,
                self.config.timeout.as_secs(),
            );
        }
        // The last one of those that are outstanding decides: others may be answered yet.
        if link.outstanding() == 0 && self.stall.needs_new_link() {
            link.end("the carrier answers no submits");
        }
    }
}

/// Where the settings have the URL of a carrier.
fn setting(carrier: &CarrierName) -> String {
    if *carrier == CarrierName::default_carrier() {
        return "--sms-transport".to_owned();
    }
    format!("the transport of carrier {carrier}")
}

impl Transport for Smpp {
    fn capacity(&self) -> usize {
        self.state
            .borrow()
            .link
            .as_ref()
            .map_or(0, |link| link.free().min(self.pace.room()).min(self.stall.room(link.outstanding())))
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_until_ready())
    }

    fn submit(&self, message: OutgoingMessage) -> BoxFuture<'_, Vec<(i64, SegmentOutcome)>> {
        Box::pin(async move { submit_segments(self, &message).await })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.closing.send_replace(true);
            if let Some(supervisor) = self.supervisor.lock().await.take() {
                let _ = supervisor.await;
            }
        })
    }

    fn state(&self) -> LinkState {
        let state = self.state.borrow();
        let sentence = match (&state.link, &state.reason) {
            (Some(_), _) if self.stall.has_begun() => Some(UNANSWERED.to_owned()),
            (Some(_), _) => None,
            (None, Some(reason)) => Some(reason.clone()),
            (None, None) => Some("the connection to the carrier is not there yet".to_owned()),
        };
        let needs_operator = state.needs_operator;
        LinkState {
            problem: sentence.map(|sentence| LinkProblem { sentence, needs_operator }),
            lasts: state.since.elapsed(),
            throttled_for: None,
            learned_rate: self.pace.learned(),
        }
    }
}

impl SegmentTransport for Smpp {
    fn segment_ready(&self) -> BoxFuture<'_, ()> {
        self.ready()
    }

    fn submit_segment(&self, submission: Submission) -> BoxFuture<'_, SegmentOutcome> {
        Box::pin(self.send(submission))
    }
}
