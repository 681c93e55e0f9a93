//! SMPP 3.4 over one connection, bound as a transceiver.
//!
//! The commands' bytes are rusmpp's; the connection is ours, since the queue
//! has to know whether a submit was written when no answer came, and a command
//! that can't be read must not end the connection: the carrier would bring it
//! again, for ever.

mod answers;
mod config;
mod connect;
mod frames;
mod link;
mod pdu;
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

use super::{Arrivals, Outcome, Refusal, Submission, Transport};
use answers::Reply;
pub use config::SmppConfig;
use rate_limit::Pace;
pub use receipt::ReceiptText;
use supervisor::{Keeper, Standing};

/// A carrier that is reached by SMPP.
pub struct Smpp {
    pace: Pace,
    short_code_ton: u8,
    standing: watch::Receiver<Standing>,
    closing: watch::Sender<bool>,
    keeper: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Smpp {
    /// Begins to connect, and keeps at it until it is closed or dropped. Has to
    /// be called within a Tokio runtime, where the connection then lives.
    #[must_use]
    pub fn start(config: SmppConfig, arrivals: Arrivals) -> Self {
        let (standing, told) = watch::channel(Standing::default());
        let (closing, closes) = watch::channel(false);
        let (pace, short_code_ton) = (Pace::new(config.rate), config.short_code_ton);
        let keeper = Keeper { config: Arc::new(config), arrivals, standing, closing: closes };
        let keeper = tokio::sync::Mutex::new(Some(tokio::spawn(keeper.run())));
        Self { pace, short_code_ton, standing: told, closing, keeper }
    }

    async fn wait_until_ready(&self) {
        let mut standing = self.standing.clone();
        while self.capacity() == 0 {
            let Ok(link) = standing.wait_for(|standing| standing.link.is_some()).await.map(|now| now.link.clone())
            else {
                return std::future::pending().await;
            };
            let link = link.filter(|link| !link.has_ended());
            match link {
                Some(link) if link.ready().await => self.pace.ready().await,
                _ if standing.changed().await.is_err() => return std::future::pending().await,
                _ => {}
            }
        }
    }

    async fn send(&self, submission: Submission) -> Outcome {
        let link = self.standing.borrow().link.clone();
        let Some(link) = link.filter(|link| link.free() > 0) else { return Outcome::NotSent };
        let Some(submit) = pdu::submit(&submission, self.short_code_ton) else {
            return Outcome::Refused(Refusal { code: "invalid_message", carrier_status: None });
        };
        if !self.pace.take() {
            return Outcome::NotSent;
        }
        match link.submit(submit).await {
            Reply::Said { status, carrier_id } => status::outcome(status, carrier_id),
            Reply::Lost { written: true } => Outcome::Unknown,
            Reply::Lost { written: false } => Outcome::NotSent,
        }
    }
}

impl Transport for Smpp {
    fn name(&self) -> &'static str {
        "smpp"
    }

    fn capacity(&self) -> usize {
        let free = self.standing.borrow().link.as_ref().map_or(0, |link| link.free());
        free.min(self.pace.room())
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
            if let Some(keeper) = self.keeper.lock().await.take() {
                let _ = keeper.await;
            }
        })
    }

    fn trouble(&self) -> Option<String> {
        let standing = self.standing.borrow();
        match (&standing.link, &standing.trouble) {
            (Some(_), _) => None,
            (None, Some(trouble)) => Some(trouble.clone()),
            (None, None) => Some("the connection to the carrier is not there yet".to_owned()),
        }
    }
}
