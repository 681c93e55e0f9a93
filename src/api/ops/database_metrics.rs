//! What `/metrics` says about the database, and what the database knows. Of that nothing is
//! said while it can't be asked.

use std::time::Duration;

use tokio::time::timeout;

use super::prometheus_text::PrometheusText;
use super::sms_metrics;
use crate::domain::identity::{operator, session};
use crate::http::State;
use crate::store::{PoolFigures, outage_total, transaction_totals};

/// How long each of the two readings may take. Together they leave most of the ten seconds
/// that Prometheus waits.
const READING_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn render(text: &mut PrometheusText, state: &State) {
    work(text, state);
    pools(text, &state.store.pools());
    let now = state.clock.now();
    let read = state.store.read(move |conn| Ok((operator::count(conn)?, session::count(conn, now)?)));
    let people = timeout(READING_TIMEOUT, read).await.ok().and_then(Result::ok);
    let help = "Whether the database answers; while it is 0, what only the database knows is left out.";
    text.gauge("keyfob_database_up", help, u8::from(people.is_some()));
    let Some((operators, sessions)) = people else { return };
    text.gauge("keyfob_operators", "Operators, those who are switched off included.", operators);
    text.gauge("keyfob_sessions", "Sessions of operators that have not ended.", sessions);
    if timeout(READING_TIMEOUT, sms_metrics::render_shared(text, state)).await.is_err() {
        tracing::debug!("the queues could not be read in time for /metrics");
    }
}

fn work(text: &mut PrometheusText, state: &State) {
    let (commits, rollbacks) = transaction_totals();
    let help = "Transactions that were committed; changes that share a commit are one.";
    text.total("keyfob_database_commits_total", help, commits);
    text.total("keyfob_database_rollbacks_total", "Transactions that were rolled back.", rollbacks);
    let help = "How often the database could not be used: by a request, a poll, or for a new connection.";
    text.total("keyfob_database_failures_total", help, outage_total());
    let help = "Time since it was last known that no change to a key was missed, in seconds.";
    text.gauge("keyfob_change_feed_lag_seconds", help, state.gate.change_feed_age().as_secs_f64());
}

fn pools(text: &mut PrometheusText, pools: &[PoolFigures]) {
    let name = "keyfob_database_connections";
    text.about(name, "gauge", "Open database connections by what they are for and whether they are in use.");
    for pool in pools {
        text.line(name, &[("pool", pool.name), ("state", "in_use")], pool.in_use);
        text.line(name, &[("pool", pool.name), ("state", "idle")], pool.idle);
    }
    let mut each = |name, kind, help, figure: fn(&PoolFigures) -> f64| {
        text.about(name, kind, help);
        for pool in pools {
            text.line(name, &[("pool", pool.name)], figure(pool));
        }
    };
    each("keyfob_database_connections_max", "gauge", "Database connections at most.", |pool| pool.max.into());
    let help = "How long work has waited for a database connection.";
    each("keyfob_database_wait_seconds_total", "counter", help, |pool| pool.waited.as_secs_f64());
    let help = "Work that was given up since no database connection came free.";
    each("keyfob_database_wait_timeouts_total", "counter", help, |pool| pool.timeouts as f64);
}
