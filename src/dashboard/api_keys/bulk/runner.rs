//! Runs actions in the background, some keys a transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;

use crate::dashboard::frame::session::SignedIn;
use crate::domain::key_action::{self, KeyActionId};
use crate::error::Error;
use crate::http::State;
use crate::store::log_outage;

/// How often a transaction is tried again while the database is away. After that the action
/// stops, and its page offers to go on.
const RETRIES: u32 = 5;
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Goes on with an action until it is done. Two at once share the work: each takes the keys
/// that the other has left.
pub fn run(state: Arc<State>, who: SignedIn, id: KeyActionId) {
    rt::spawn(async move {
        let mut failures = 0;
        loop {
            let (account, action, began) = (who.account.clone(), id.clone(), Instant::now());
            match who.change(&state, move |tx| key_action::step(tx, &account, &action)).await {
                Ok(true) => {
                    failures = 0;
                    // Half of the time is for others who write, and for the gate.
                    rt::time::sleep(began.elapsed()).await;
                }
                Ok(false) => {
                    tracing::info!(action = %id, operator = %who.operator.id, "an action on keys is done");
                    return;
                }
                Err(error @ Error::Unavailable { .. }) if failures < RETRIES => {
                    failures += 1;
                    log_outage(&error);
                    rt::time::sleep(RETRY_INTERVAL).await;
                }
                Err(error) => {
                    tracing::error!(action = %id, %error, "an action on keys stopped");
                    return;
                }
            }
        }
    });
}
