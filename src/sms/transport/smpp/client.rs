//! The SMPP transport.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::config::SmppConfig;
use super::pdu;
use super::pending_submits::SubmitReply;
use super::rate_limit::RateLimit;
use super::status;
use super::supervisor::{ConnectionState, Supervisor};
use crate::domain::message::MessageError;
use crate::sms::transport::{CarrierRejection, ReceiptSender, Submission, SubmitOutcome, Transport};

/// A carrier that is connected by SMPP.
pub struct Smpp {
    rate_limit: RateLimit,
    short_code_ton: u8,
    state: watch::Receiver<ConnectionState>,
    closing: watch::Sender<bool>,
    supervisor: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Smpp {
    /// Starts to connect in the background, and reconnects until it is closed or
    /// dropped. Has to be called within a Tokio runtime, which then runs the
    /// connection.
    #[must_use]
    pub fn start(config: SmppConfig, receipts: ReceiptSender) -> Self {
        let (state, state_receiver) = watch::channel(ConnectionState::default());
        let (closing, closing_receiver) = watch::channel(false);
        let (rate_limit, short_code_ton) = (RateLimit::new(config.rate), config.short_code_ton);
        let supervisor = Supervisor { config: Arc::new(config), receipts, state, closing: closing_receiver };
        let supervisor = tokio::sync::Mutex::new(Some(tokio::spawn(supervisor.run())));
        Self { rate_limit, short_code_ton, state: state_receiver, closing, supervisor }
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
                Some(link) if link.ready().await => self.rate_limit.ready().await,
                _ if state.changed().await.is_err() => return std::future::pending().await,
                _ => {}
            }
        }
    }

    async fn send(&self, submission: Submission) -> SubmitOutcome {
        let link = self.state.borrow().link.clone();
        let Some(link) = link.filter(|link| link.free() > 0) else { return SubmitOutcome::NotSent };
        let Some(submit) = pdu::submit(&submission, self.short_code_ton) else {
            let error = MessageError::InvalidMessage;
            return SubmitOutcome::Rejected(CarrierRejection { error, carrier_status: None });
        };
        if !self.rate_limit.take() {
            return SubmitOutcome::NotSent;
        }
        match link.submit(submit).await {
            SubmitReply::Answered { status, carrier_id } => status::outcome(status, carrier_id),
            SubmitReply::Unanswered { written: true } => SubmitOutcome::Unanswered,
            SubmitReply::Unanswered { written: false } => SubmitOutcome::NotSent,
        }
    }
}

impl Transport for Smpp {
    fn name(&self) -> &'static str {
        "smpp"
    }

    fn capacity(&self) -> usize {
        let free = self.state.borrow().link.as_ref().map_or(0, |link| link.free());
        free.min(self.rate_limit.room())
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_until_ready())
    }

    fn submit(&self, submission: Submission) -> BoxFuture<'_, SubmitOutcome> {
        Box::pin(self.send(submission))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.closing.send_replace(true);
            if let Some(supervisor) = self.supervisor.lock().await.take() {
                let _ = supervisor.await;
            }
        })
    }

    fn unavailable_reason(&self) -> Option<String> {
        let state = self.state.borrow();
        match (&state.link, &state.reason) {
            (Some(_), _) => None,
            (None, Some(reason)) => Some(reason.clone()),
            (None, None) => Some("the connection to the carrier is not there yet".to_owned()),
        }
    }
}
