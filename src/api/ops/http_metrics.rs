//! What `/metrics` says about HTTP: requests and connections.

use super::prometheus_text::{Histogram, PrometheusText};
use crate::server::metrics::{REQUEST_BOUNDS, STATUS_CLASSES, ServerTotals};

pub(super) fn render(text: &mut PrometheusText, totals: &ServerTotals) {
    let name = "keyfob_http_requests_total";
    text.about(name, "counter", "Answered requests by group of routes and class of status.");
    for (group, counts) in &totals.groups {
        for ((_, class), count) in STATUS_CLASSES.iter().zip(counts.statuses) {
            text.line(name, &[("group", group.name), ("status", class)], count);
        }
    }
    let name = "keyfob_http_request_duration_seconds";
    let help = "From the head of a request to its response, by group of routes; \
        for the gate see keyfob_verdict_duration_seconds.";
    text.about(name, "histogram", help);
    for (group, counts) in totals.groups.iter().filter(|(group, _)| group.is_timed) {
        let bounds = REQUEST_BOUNDS.map(|millis| millis as f64 / 1e3);
        let histogram = Histogram { bounds: &bounds, counts: &counts.durations, sum: counts.duration };
        text.histogram(name, &[("group", group.name)], &histogram);
    }
    text.gauge("keyfob_http_connections", "Connections that are open.", totals.open);
    text.total("keyfob_http_connections_total", "Connections that were accepted.", totals.accepted);
    let help =
        "Connections that were closed since their client was too slow with a request or with taking its response.";
    text.total("keyfob_http_connections_timed_out_total", help, totals.timed_out);
}
