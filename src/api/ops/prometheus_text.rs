//! Prometheus' text format 0.0.4.

use std::fmt::{Display, Write};
use std::time::Duration;

/// Metrics as text.
#[derive(Default)]
pub(super) struct PrometheusText(pub(super) String);

/// The lines of a histogram with the same labels.
pub(super) struct Histogram<'a> {
    /// The upper bounds of its buckets, in seconds.
    pub(super) bounds: &'a [f64],
    /// How many fell into each of them and none before, and how many into none.
    pub(super) counts: &'a [u64],
    /// All of it together.
    pub(super) sum: Duration,
}

impl PrometheusText {
    /// What a metric means, before its lines.
    pub(super) fn about(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    pub(super) fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.write(format_args!("{name}"));
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.write(format_args!("{before}{label}=\"{text}\""));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{end} {value}\n"));
    }

    pub(super) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram<'_>) {
        let bounds = histogram.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        for (bound, within) in bounds.zip(histogram.counts) {
            count += within;
            self.line(&format!("{name}_bucket"), &[labels, &[("le", bound.as_str())]].concat(), count);
        }
        self.line(&format!("{name}_sum"), labels, histogram.sum.as_secs_f64());
        self.line(&format!("{name}_count"), labels, count);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.about(name, "gauge", help);
        self.line(name, &[], value);
    }

    pub(super) fn total(&mut self, name: &str, help: &str, value: u64) {
        self.about(name, "counter", help);
        self.line(name, &[], value);
    }

    /// Writing to memory never fails.
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(text);
    }
}
