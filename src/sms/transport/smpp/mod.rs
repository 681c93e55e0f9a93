//! SMPP 3.4 over one connection, bound as a transceiver.
//!
//! The commands' bytes are rusmpp's; the connection is ours, since the queue
//! has to know whether a submit was written when no answer came, and a command
//! that can't be read must not end the connection: the carrier would bring it
//! again, for ever.

mod config;
mod connect;
mod frames;
mod link;
mod pdu;
mod pending_submits;
mod rate_limit;
mod receipt;
mod status;
mod supervisor;
mod tls;
mod window;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{CarrierRejection, Outcome, ReceiptSender, Submission, Transport};
pub use config::SmppConfig;
use pending_submits::SubmitReply;
use rate_limit::RateLimit;
pub use receipt::ReceiptText;
use supervisor::{ConnectionState, Supervisor};

/// A carrier that is reached by SMPP.
pub struct Smpp {
    rate_limit: RateLimit,
    short_code_ton: u8,
    state: watch::Receiver<ConnectionState>,
    closing: watch::Sender<bool>,
    supervisor: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Smpp {
    /// Begins to connect, and keeps at it until it is closed or dropped. Has to
    /// be called within a Tokio runtime, where the connection then lives.
    #[must_use]
    pub fn start(config: SmppConfig, receipts: ReceiptSender) -> Self {
        let (state, told) = watch::channel(ConnectionState::default());
        let (closing, closes) = watch::channel(false);
        let (rate_limit, short_code_ton) = (RateLimit::new(config.rate), config.short_code_ton);
        let supervisor = Supervisor { config: Arc::new(config), receipts, state, closing: closes };
        let supervisor = tokio::sync::Mutex::new(Some(tokio::spawn(supervisor.run())));
        Self { rate_limit, short_code_ton, state: told, closing, supervisor }
    }

    async fn wait_until_ready(&self) {
        let mut state = self.state.clone();
        while self.capacity() == 0 {
            let Ok(link) = state.wait_for(|state| state.link.is_some()).await.map(|now| now.link.clone()) else {
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

    async fn send(&self, submission: Submission) -> Outcome {
        let link = self.state.borrow().link.clone();
        let Some(link) = link.filter(|link| link.free() > 0) else { return Outcome::NotSent };
        let Some(submit) = pdu::submit(&submission, self.short_code_ton) else {
            return Outcome::Refused(CarrierRejection { code: "invalid_message", carrier_status: None });
        };
        if !self.rate_limit.take() {
            return Outcome::NotSent;
        }
        match link.submit(submit).await {
            SubmitReply::Answered { status, carrier_id } => status::outcome(status, carrier_id),
            SubmitReply::Unanswered { written: true } => Outcome::Unknown,
            SubmitReply::Unanswered { written: false } => Outcome::NotSent,
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

    fn submit(&self, submission: Submission) -> BoxFuture<'_, Outcome> {
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

    fn trouble(&self) -> Option<String> {
        let state = self.state.borrow();
        match (&state.link, &state.reason) {
            (Some(_), _) => None,
            (None, Some(reason)) => Some(reason.clone()),
            (None, None) => Some("the connection to the carrier is not there yet".to_owned()),
        }
    }
}
