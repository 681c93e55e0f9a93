//! The JSON form of the log, written with the JSON library that the API has
//! anyway: one object for each line.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats events as JSON objects: `timestamp`, `level`, `target`, the fields of
/// the event with its `message`, and what the request around it says of itself.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut object = JsonObject::default();
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        object.set("timestamp", timestamp);
        object.set("level", event.metadata().level().to_string());
        object.set("target", event.metadata().target());
        event.record(&mut object);
        let spans = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
        let spans = spans.map(|span| {
            let fields = span.extensions().get::<FormattedFields<N>>().map(|fields| fields.fields.clone());
            Value::from(format!("{}{{{}}}", span.name(), fields.unwrap_or_default()))
        });
        let spans: Vec<Value> = spans.collect();
        if !spans.is_empty() {
            object.set("spans", spans);
        }
        writeln!(writer, "{}", Value::Object(object.0))
    }
}

/// The fields of an event; numbers and truth values stay what they are.
#[derive(Default)]
struct JsonObject(Map<String, Value>);

impl JsonObject {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for JsonObject {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}
