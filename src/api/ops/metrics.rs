//! `GET /metrics`: what was counted, in Prometheus' text format 0.0.4. Served
//! on an address of its own (`--metrics-listen`).

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Data;

use super::prometheus_text::PrometheusText;
use super::sms_metrics;
use crate::gate::Code;
use crate::gate::metrics::{BOUNDS, Totals};
use crate::http::State;
use crate::store::PoolFigures;
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
    verdicts(&mut text, &state.gate.totals());
    memory(&mut text, state);
    pools(&mut text, &state.store.pools());
    sms_metrics::render(&mut text, state).await;
    text.0
}

fn process(text: &mut PrometheusText, state: &State) {
    text.about("keyfob_build_info", "gauge", "Which version runs; always 1.");
    text.line("keyfob_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let started_at = state.started_at.micros() as f64 / 1e6;
    text.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", started_at);
    let help = "Log lines that could not be written to standard error.";
    text.total("keyfob_log_lines_dropped_total", help, telemetry::dropped_lines());
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
    let bounds = BOUNDS.iter().map(|bound| (*bound as f64 / 1e9).to_string()).chain(["+Inf".to_owned()]);
    let mut count = 0;
    for (bound, within) in bounds.zip(totals.durations) {
        count += within;
        text.line("keyfob_verdict_duration_seconds_bucket", &[("le", &bound)], count);
    }
    text.line("keyfob_verdict_duration_seconds_sum", &[], totals.duration.as_secs_f64());
    text.line("keyfob_verdict_duration_seconds_count", &[], count);
}

fn memory(text: &mut PrometheusText, state: &State) {
    let gate = &state.gate;
    text.gauge("keyfob_keys_in_memory", "Keys that are answered without the database.", gate.keys_in_memory());
    let help = "Whether no change to a key was missed in the last second; while it is 0, questions are answered 503.";
    text.gauge("keyfob_up_to_date", help, u8::from(gate.check().is_ok()));
    text.gauge("keyfob_uses_waiting", "Uses of keys that wait to be written down.", gate.uses_waiting());
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
