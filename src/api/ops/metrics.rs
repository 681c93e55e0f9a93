//! `GET /metrics`: what was counted, in Prometheus' text format 0.0.4. Served
//! on an address of its own (`--metrics-listen`).

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Data;

use super::process_metrics::ProcessFigures;
use super::prometheus_text::{Histogram, PrometheusText};
use super::{database_metrics, http_metrics, sms_metrics};
use crate::audit_log;
use crate::gate::Code;
use crate::gate::metrics::{BOUNDS, Totals};
use crate::http::State;
use crate::telemetry;

/// `GET /metrics`.
pub async fn metrics(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(render(&state).await)
}

async fn render(state: &State) -> String {
    let mut text = PrometheusText::default();
    process(&mut text, state);
    tokio::task::spawn_blocking(ProcessFigures::read).await.unwrap_or_default().render(&mut text);
    http_metrics::render(&mut text, &state.server_metrics.totals());
    verdicts(&mut text, &state.gate.totals());
    memory(&mut text, state);
    logins(&mut text, state);
    sms_metrics::render(&mut text, state);
    database_metrics::render(&mut text, state).await;
    text.0
}

fn process(text: &mut PrometheusText, state: &State) {
    text.about("keyfob_build_info", "gauge", "Which version runs; always 1.");
    text.line("keyfob_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let started_at = state.started_at.micros() as f64 / 1e6;
    text.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", started_at);
    let help = "Log lines that could not be written to standard error.";
    text.total("keyfob_log_lines_dropped_total", help, telemetry::dropped_lines());
    let help = "Audit events that are in the database, and could not be written to the audit log.";
    text.total("keyfob_audit_log_failures_total", help, audit_log::missing_events());
}

fn verdicts(text: &mut PrometheusText, totals: &Totals) {
    let name = "keyfob_verdicts_total";
    let help = "Verdicts on keys by code and service; no service where none was named that exists.";
    text.about(name, "counter", help);
    for (service, counts) in &totals.verdicts {
        for (code, count) in Code::ALL.iter().zip(counts) {
            text.line(name, &[("code", code.name()), ("service", service)], count);
        }
    }
    let help = "Questions about a key that could not be answered (503), since the database could not be asked.";
    text.total("keyfob_verdicts_failed_total", help, totals.failures);
    durations(text, totals);
    text.total("keyfob_memory_hits_total", "Keys that were found in memory.", totals.hits);
    text.total("keyfob_memory_misses_total", "Keys that had to be looked up in the database.", totals.misses);
}

fn durations(text: &mut PrometheusText, totals: &Totals) {
    let name = "keyfob_verdict_duration_seconds";
    text.about(name, "histogram", "How long verdicts took.");
    let bounds = BOUNDS.map(|nanos| nanos as f64 / 1e9);
    text.histogram(name, &[], &Histogram { bounds: &bounds, counts: &totals.durations, sum: totals.duration });
}

fn logins(text: &mut PrometheusText, state: &State) {
    let name = "keyfob_logins_total";
    text.about(name, "counter", "Logins of operators by how they ended; wrong_password is a wrong address, too.");
    for (result, count) in state.logins.totals() {
        text.line(name, &[("result", result.as_str())], count);
    }
}

fn memory(text: &mut PrometheusText, state: &State) {
    let gate = &state.gate;
    text.gauge("keyfob_keys_in_memory", "Keys that are answered without the database.", gate.keys_in_memory());
    let help = "Whether no change to a key was missed in the last second; while it is 0, questions are answered 503.";
    text.gauge("keyfob_up_to_date", help, u8::from(gate.check().is_ok()));
    text.gauge("keyfob_uses_waiting", "Uses of keys that wait to be written down.", gate.uses_waiting());
}
