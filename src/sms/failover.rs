//! Watches the connections to the carriers.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::service::Sms;

/// How often each carrier is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Watches the carriers until `stop`.
pub(super) async fn run(sms: Sms, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        for carrier in sms.carriers.get().into_iter().flat_map(|carriers| carriers.list()) {
            carrier.observe();
        }
        let _ = timeout(WATCH_INTERVAL, stop.changed()).await;
    }
}
