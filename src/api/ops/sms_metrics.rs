//! What `/metrics` says about messages: what this instance did, and the state of the
//! queues, which all instances share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::prometheus_text::PrometheusText;
use crate::domain::callback::{self, CallbackFigures};
use crate::domain::carrier::CarrierName;
use crate::domain::credit;
use crate::domain::message::{self, QueueFigures, StatusChange};
use crate::error::Result;
use crate::http::State;
use crate::sms::carriers::{Carrier, Carriers};
use crate::sms::metrics::{CarrierTotals, SmsTotals};
use crate::sms::transport::LinkState;
use crate::store::Conn;

/// What the database knows.
struct SharedFigures {
    /// The queue of each carrier; the sandbox's last.
    queues: Vec<(CarrierName, QueueFigures)>,
    callbacks: CallbackFigures,
    credits: Vec<(String, i64)>,
}

/// `carriers` are those of the settings; others may still have messages that wait for
/// them.
fn read(conn: &mut Conn, carriers: &[CarrierName]) -> Result<SharedFigures> {
    let is_other = |name: &CarrierName| !name.is_sandbox() && !carriers.contains(name);
    let others = message::carriers_with_messages(conn)?.into_iter().filter(is_other);
    let mut queues = Vec::new();
    for name in carriers.iter().cloned().chain(others).chain([CarrierName::sandbox()]) {
        let figures = message::queue_figures(conn, &name)?;
        queues.push((name, figures));
    }
    Ok(SharedFigures { queues, callbacks: callback::figures(conn)?, credits: credit::balances(conn)? })
}

pub(super) fn render(text: &mut PrometheusText, state: &State) {
    messages(text, &state.sms.totals());
    carriers(text, state);
}

/// What all instances share; nothing while the database can't be asked.
pub(super) async fn render_shared(text: &mut PrometheusText, state: &State) {
    let carriers = carrier_names(state.sms.carriers());
    match state.store.read(move |conn| read(conn, &carriers)).await {
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
    let mut counts: BTreeMap<[&str; 3], u64> = BTreeMap::new();
    for (change, count) in &totals.changes {
        *counts.entry([change.status.as_str(), error(change), flag(change.rehearsed)]).or_default() += count;
    }
    for ([status, error, rehearsed], count) in counts {
        text.line(name, &[("status", status), ("error", error), ("rehearsed", rehearsed)], count);
    }
    let name = "keyfob_carrier_messages_total";
    let help = "The same by the carrier that had or has them; those of the sandbox are rehearsed.";
    text.about(name, "counter", help);
    for (change, count) in &totals.changes {
        let labels =
            [("carrier", change.carrier.as_str()), ("status", change.status.as_str()), ("error", error(change))];
        text.line(name, &labels, count);
    }
}

fn error(change: &StatusChange) -> &'static str {
    change.error.map(|error| error.as_str()).unwrap_or_default()
}

/// Lines of each carrier; without one, a line that says that none is connected.
fn carriers(text: &mut PrometheusText, state: &State) {
    let carriers: &[Arc<Carrier>] = state.sms.carriers().map_or(&[], Carriers::list);
    let states: Vec<LinkState> = carriers.iter().map(|carrier| carrier.transport.state()).collect();
    let totals: Vec<CarrierTotals> = carriers.iter().map(|carrier| carrier.metrics.totals()).collect();
    let name = "keyfob_carrier_bound";
    text.about(name, "gauge", "Whether the carrier is connected and answers; 0 without a carrier.");
    if carriers.is_empty() {
        text.line(name, &[], 0);
    }
    for (carrier, link) in carriers.iter().zip(&states) {
        text.line(name, &[label(carrier)], u8::from(link.problem.is_none()));
    }
    let name = "keyfob_carrier_needs_operator";
    text.about(
        name,
        "gauge",
        "Whether the carrier stays unusable until somebody changes something, as with a wrong password.",
    );
    for (carrier, link) in carriers.iter().zip(&states) {
        let needs_operator = link.problem.as_ref().is_some_and(|problem| problem.needs_operator);
        text.line(name, &[label(carrier)], u8::from(needs_operator));
    }
    let counter = |text: &mut PrometheusText, name, help, count: fn(&CarrierTotals) -> u64| {
        text.about(name, "counter", help);
        for (carrier, totals) in carriers.iter().zip(&totals) {
            text.line(name, &[label(carrier)], count(totals));
        }
    };
    counter(text, "keyfob_carrier_binds_total", "Connections to the carrier.", |totals| totals.binds);
    let help = "Submits that the carrier took, refused or did not answer.";
    let name = "keyfob_carrier_submits_total";
    text.about(name, "counter", help);
    for (carrier, totals) in carriers.iter().zip(&totals) {
        let results = [("taken", totals.taken), ("refused", totals.rejected), ("unanswered", totals.unanswered)];
        results.iter().for_each(|(result, count)| text.line(name, &[label(carrier), ("result", result)], count));
    }
    counter(text, "keyfob_carrier_throttled_total", "Submits that the carrier throttled.", |totals| totals.throttled);
    let name = "keyfob_carrier_learned_rate";
    text.about(name, "gauge", "Messages per second that the carrier takes, learned from its throttling.");
    for (carrier, link) in carriers.iter().zip(&states) {
        if let Some(rate) = link.learned_rate {
            text.line(name, &[label(carrier)], rate.floor().max(1.0));
        }
    }
    let name = "keyfob_carrier_deliveries_ignored_total";
    text.about(name, "counter", "What the carrier delivered and could not be used, by kind.");
    for (carrier, totals) in carriers.iter().zip(&totals) {
        for (kind, count) in &totals.ignored {
            text.line(name, &[label(carrier), ("kind", kind.as_str())], count);
        }
    }
}

/// The carriers of the settings. Without one, the line of the default carrier says that
/// nothing waits.
fn carrier_names(carriers: Option<&Carriers>) -> Vec<CarrierName> {
    let names: Vec<_> = carriers.map(|carriers| carriers.names().cloned().collect()).unwrap_or_default();
    if names.is_empty() { vec![CarrierName::default_carrier()] } else { names }
}

fn label(carrier: &Carrier) -> (&'static str, &str) {
    ("carrier", carrier.name.as_str())
}

fn shared(text: &mut PrometheusText, state: &State, figures: &SharedFigures) {
    let is_rehearsed = |name: &CarrierName| flag(name.is_sandbox());
    let name = "keyfob_message_queue_length";
    text.about(name, "gauge", "Messages that wait to be sent, on all instances.");
    for (carrier, queue) in &figures.queues {
        text.line(name, &[("carrier", carrier.as_str()), ("rehearsed", is_rehearsed(carrier))], queue.length);
    }
    let name = "keyfob_message_queue_oldest_seconds";
    text.about(name, "gauge", "Age of the message that has waited longest, in seconds.");
    let now = state.clock.now();
    for (carrier, queue) in &figures.queues {
        let age = queue.oldest.map_or(0, |oldest| (now.micros() - oldest.micros()).max(0) / 1_000_000);
        text.line(name, &[("carrier", carrier.as_str()), ("rehearsed", is_rehearsed(carrier))], age);
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
