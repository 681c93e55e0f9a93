//! What `/metrics` says about messages: what this instance did, and the state of the
//! queues, which all instances share.

use super::prometheus_text::PrometheusText;
use crate::domain::callback::{self, CallbackFigures};
use crate::domain::carrier::CarrierName;
use crate::domain::credit;
use crate::domain::message::{self, QueueFigures};
use crate::error::Result;
use crate::http::State;
use crate::sms::CarrierState;
use crate::sms::metrics::SmsTotals;
use crate::store::Conn;

/// What the database knows.
struct SharedFigures {
    carrier_queue: QueueFigures,
    sandbox_queue: QueueFigures,
    callbacks: CallbackFigures,
    credits: Vec<(String, i64)>,
}

fn read(conn: &mut Conn) -> Result<SharedFigures> {
    Ok(SharedFigures {
        carrier_queue: message::queue_figures(conn, &CarrierName::default_carrier())?,
        sandbox_queue: message::queue_figures(conn, &CarrierName::sandbox())?,
        callbacks: callback::figures(conn)?,
        credits: credit::balances(conn)?,
    })
}

pub(super) async fn render(text: &mut PrometheusText, state: &State) {
    messages(text, &state.sms.totals());
    carrier(text, &state.sms.carrier_state(), &state.sms.totals());
    match state.store.read(read).await {
        Ok(figures) => shared(text, state, &figures),
        // The other metrics say that the database can't be asked.
        Err(error) => tracing::debug!(%error, "the queues could not be read for /metrics"),
    }
}

fn messages(text: &mut PrometheusText, totals: &SmsTotals) {
    let help = "Messages that this instance accepted, rehearsed ones included.";
    text.total("keyfob_messages_accepted_total", help, totals.accepted);
    let name = "keyfob_messages_total";
    let help = "Messages that came to a status on this instance, with the error code if there is one.";
    text.about(name, "counter", help);
    for (change, count) in &totals.changes {
        let error = change.error.map(|error| error.as_str()).unwrap_or_default();
        let labels = [("status", change.status.as_str()), ("error", error), ("rehearsed", flag(change.rehearsed))];
        text.line(name, &labels, count);
    }
}

fn carrier(text: &mut PrometheusText, state: &CarrierState, totals: &SmsTotals) {
    let (is_bound, rate) = match state {
        CarrierState::Connected { learned_rate } => (true, *learned_rate),
        CarrierState::Unavailable(_) | CarrierState::Sandbox => (false, None),
    };
    let help = "Whether the carrier is connected and answers; 0 without a carrier.";
    text.gauge("keyfob_carrier_bound", help, u8::from(is_bound));
    text.total("keyfob_carrier_binds_total", "Connections to the carrier.", totals.binds);
    text.total("keyfob_carrier_throttled_total", "Submits that the carrier throttled.", totals.throttled);
    if let Some(rate) = rate {
        let help = "Messages per second that the carrier takes, learned from its throttling.";
        text.gauge("keyfob_carrier_learned_rate", help, rate);
    }
    let name = "keyfob_carrier_deliveries_ignored_total";
    text.about(name, "counter", "What the carrier delivered and could not be used, by kind.");
    for (kind, count) in &totals.ignored {
        text.line(name, &[("kind", kind.as_str())], count);
    }
}

fn shared(text: &mut PrometheusText, state: &State, figures: &SharedFigures) {
    let queues = [(&figures.carrier_queue, false), (&figures.sandbox_queue, true)];
    let name = "keyfob_message_queue_length";
    text.about(name, "gauge", "Messages that wait to be sent, on all instances.");
    for (queue, rehearsed) in queues {
        text.line(name, &[("rehearsed", flag(rehearsed))], queue.length);
    }
    let name = "keyfob_message_queue_oldest_seconds";
    text.about(name, "gauge", "Age of the message that has waited longest, in seconds.");
    let now = state.clock.now();
    for (queue, rehearsed) in queues {
        let age = queue.oldest.map_or(0, |oldest| (now.micros() - oldest.micros()).max(0) / 1_000_000);
        text.line(name, &[("rehearsed", flag(rehearsed))], age);
    }
    let help = "Callbacks that wait to be delivered, on all instances.";
    text.gauge("keyfob_callbacks_waiting", help, figures.callbacks.waiting);
    let help = "Those of them whose last attempt failed.";
    text.gauge("keyfob_callbacks_failing", help, figures.callbacks.failing);
    let name = "keyfob_credits";
    text.about(name, "gauge", "Credits that an account can still spend.");
    for (account, credits) in &figures.credits {
        text.line(name, &[("account", account)], credits);
    }
}

const fn flag(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}
