//! Logs, to standard error.

mod json_lines;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use json_lines::JsonLines;

/// What is logged: a level, or levels of single modules.
pub const FILTER_VARIABLE: &str = "KEYFOB_LOG";
/// How it is written: as text, or as one JSON object for each line.
pub const FORMAT_VARIABLE: &str = "KEYFOB_LOG_FORMAT";

/// Requests that are not HTTP are not logged: anybody could fill the log with
/// them.
const QUIET_MODULES: &str = "actix_server=warn,actix_http::h1=off";

/// Log lines that could not be written since the process started.
static DROPPED_LINES: AtomicU64 = AtomicU64::new(0);
/// Whether lines were dropped since the last one that could be written.
static IS_FAILING: AtomicBool = AtomicBool::new(false);

/// Starts logging. `KEYFOB_LOG` is the filter: `warn`, `info` (default),
/// `debug` (every request of the dashboard), or a filter such as `keyfob=debug,actix_web=warn`.
///
/// # Errors
/// One sentence for each of the two variables that is not understood: a filter that
/// matches nothing would switch off the log without a word.
pub fn start() -> Result<(), Vec<String>> {
    let (filter, format) = (filter(&variable(FILTER_VARIABLE)), LogFormat::parse(&variable(FORMAT_VARIABLE)));
    let (filter, format) = match (filter, format) {
        (Ok(filter), Ok(format)) => (filter, format),
        (filter, format) => return Err(filter.err().into_iter().chain(format.err()).collect()),
    };
    // To report a line that can't be written on the same standard error would panic
    // in whatever was being logged.
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(|| LogOutput(io::stderr()))
        .log_internal_errors(false);
    // Fails when logging has been started before, as tests do; the first start counts.
    let _ = match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.with_ansi(false).event_format(JsonLines).try_init(),
    };
    Ok(())
}

/// How many log lines could not be written since the process started.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED_LINES.load(Ordering::Relaxed)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
    Text,
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" | "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{FORMAT_VARIABLE} is text or json, not {text:?}")),
        }
    }
}

/// The filter for the subscriber. Modules that it does not name are logged from
/// `info` on.
fn filter(text: &str) -> Result<String, String> {
    let mut level = LevelFilter::INFO;
    let mut modules = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (module, name) = part.split_once('=').map_or((None, part), |(module, name)| (Some(module), name));
        match (module, name.parse::<LevelFilter>()) {
            (None, Ok(parsed)) => level = parsed,
            (Some(module), Ok(_)) if is_module(module) => modules.push(part),
            _ => return Err(explain_filter(part)),
        }
    }
    let quiet = if level <= LevelFilter::INFO { format!(",{QUIET_MODULES}") } else { String::new() };
    Ok(modules.into_iter().fold(format!("{level}{quiet}"), |filter, part| format!("{filter},{part}")))
}

fn is_module(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn explain_filter(part: &str) -> String {
    let elsewhere = if part == "json" { format!("; for JSON write {FORMAT_VARIABLE}=json") } else { String::new() };
    format!(
        "{FILTER_VARIABLE} has {part:?}, which is no level: there are error, warn, info, debug, trace and off, \
         for all or for one module, as in keyfob=debug,actix_web=warn{elsewhere}"
    )
}

/// Writes log lines, and counts those that can't be written.
struct LogOutput<W>(W);

impl<W: Write> Write for LogOutput<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.0.write_all(line) {
            DROPPED_LINES.fetch_add(1, Ordering::Relaxed);
            IS_FAILING.store(true, Ordering::Relaxed);
            return Err(error);
        }
        if IS_FAILING.swap(false, Ordering::Relaxed) {
            tracing::warn!(dropped_since_start = dropped_lines(), "log lines could not be written; now they can again");
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_or_modules_are_a_filter() {
        assert_eq!(filter("").unwrap(), "info,actix_server=warn,actix_http::h1=off");
        assert_eq!(filter("WARN").unwrap(), "warn,actix_server=warn,actix_http::h1=off");
        assert_eq!(filter("trace").unwrap(), "trace");
        assert_eq!(filter("keyfob=debug").unwrap(), "info,actix_server=warn,actix_http::h1=off,keyfob=debug");
        assert_eq!(filter(" debug , actix_web=off ").unwrap(), "debug,actix_web=off");
    }

    #[test]
    fn what_is_no_level_is_refused_with_those_that_are() {
        for wrong in ["verbose", "json", "keyfob", "keyfob=loud", "info,verbose", "=info", "info;debug", "[span]=info"]
        {
            let sentence = filter(wrong).unwrap_err();
            assert!(sentence.contains("error, warn, info, debug, trace and off"), "{sentence}");
        }
        assert!(filter("json").unwrap_err().contains("KEYFOB_LOG_FORMAT=json"));
        assert!(LogFormat::parse("logfmt").is_err());
        assert_eq!(LogFormat::parse("json"), Ok(LogFormat::Json));
    }

    #[test]
    fn a_line_that_can_not_be_written_is_counted() {
        let before = dropped_lines();

        let mut full: &mut [u8] = &mut [];
        LogOutput(&mut full).write_all(b"a line\n").unwrap_err();

        assert!(dropped_lines() > before);
    }
}
