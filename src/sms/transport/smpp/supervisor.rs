//! Keeps a connection: makes it, and makes it again when it is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::config::SmppConfig;
use super::connect::{Halves, connect};
use super::link::{Link, Terms};
use crate::sms::transport::Arrivals;

/// Before the first try after a loss; each time it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// After a refusal, which a person has to mend: carriers lock out who insists.
const REFUSED_WAIT: Duration = Duration::from_secs(30);
/// A connection that held for so long was a good one.
const GOOD: Duration = Duration::from_secs(30);
/// For the carrier to answer the unbind.
const GOODBYE: Duration = Duration::from_secs(2);

/// How it stands with the connection.
#[derive(Default, Clone)]
pub(super) struct Standing {
    /// The bound connection.
    pub(super) link: Option<Arc<Link>>,
    /// Why there is none.
    pub(super) trouble: Option<String>,
}

/// Keeps the connection and tells how it stands.
pub(super) struct Keeper {
    pub(super) config: Arc<SmppConfig>,
    pub(super) arrivals: Arrivals,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) closing: watch::Receiver<bool>,
}

impl Keeper {
    /// Until it is closed.
    pub(super) async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            let mut closing = self.closing.clone();
            let connected = tokio::select! {
                connected = connect(&self.config) => connected,
                _ = closing.wait_for(|closing| *closing) => break,
            };
            let began = Instant::now();
            let (trouble, refused) = match connected {
                Ok(halves) => (self.hold(halves).await, false),
                Err(failure) => (failure.to_string(), failure.is_for_a_person()),
            };
            if *self.closing.borrow() || self.closing.has_changed().is_err() {
                break;
            }
            wait = next_wait(wait, refused, began.elapsed() >= GOOD);
            let pause = wait.mul_f64(rand::random_range(0.5..1.0));
            tracing::warn!("SMPP {}: {trouble}; trying again in {:.1} s", self.config, pause.as_secs_f64());
            self.standing.send_replace(Standing { link: None, trouble: Some(trouble) });
            if tokio::time::timeout(pause, self.closing.wait_for(|closing| *closing)).await.is_ok() {
                break;
            }
        }
        let trouble = Some("the connection to the carrier was closed here".to_owned());
        self.standing.send_replace(Standing { link: None, trouble });
    }

    /// Until the connection is lost, or closed after its last answers.
    async fn hold(&mut self, (incoming, writer): Halves) -> String {
        let (link, orders) = Link::new(Terms {
            window: self.config.window,
            timeout: self.config.timeout,
            enquire: self.config.enquire,
            receipt_ids: self.config.receipt_ids,
            arrivals: self.arrivals.clone(),
        });
        self.standing.send_replace(Standing { link: Some(Arc::clone(&link)), trouble: None });
        tracing::info!("SMPP {}: bound", self.config);
        let mut run = Box::pin(link.run(incoming, writer, orders));
        let closed = async {
            // Nobody is left to close it when the other end is gone.
            if self.closing.wait_for(|closing| *closing).await.is_ok() {
                self.standing.send_replace(Standing::default());
            }
            link.say_goodbye().await;
        };
        tokio::select! {
            reason = &mut run => return reason,
            () = closed => {}
        }
        let ended = tokio::time::timeout(GOODBYE, run).await;
        tracing::info!("SMPP {}: unbound", self.config);
        ended.unwrap_or_default()
    }
}

/// How long to wait at most before the next try.
fn next_wait(last: Duration, refused: bool, was_good: bool) -> Duration {
    match (refused, was_good) {
        (true, _) => last.max(REFUSED_WAIT).min(LONGEST_WAIT),
        (false, true) => FIRST_WAIT,
        (false, false) => (last * 2).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_to_a_minute_and_starts_anew_after_a_good_connection() {
        let mut wait = FIRST_WAIT;
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                wait = next_wait(wait, false, false);
                wait.as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(next_wait(wait, false, true), FIRST_WAIT);
    }

    #[test]
    fn a_refusal_is_not_insisted_on() {
        assert_eq!(next_wait(FIRST_WAIT, true, false), REFUSED_WAIT);
        assert_eq!(next_wait(LONGEST_WAIT, true, false), LONGEST_WAIT);
    }
}
