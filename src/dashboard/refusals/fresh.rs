//! Has refusals of a moment ago written down before a page reads them.

use std::time::Duration;

use crate::gate::Gate;

/// A page waits no longer for a database that takes no writes, and shows what is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes down what this instance counted; others do so every second and a half.
pub async fn write_down(gate: &Gate) {
    let _ = tokio::time::timeout(PATIENCE, gate.write_down_refusals()).await;
}
