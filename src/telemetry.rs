//! Logs, to standard error.

use tracing_subscriber::EnvFilter;

/// Requests that are not HTTP are not logged: anybody could fill the log with
/// them.
const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http::h1=off";

/// Starts logging. `KEYFOB_LOG` is the filter: `warn`, `info` (default),
/// `debug` (every request of the dashboard), or a filter such as `keyfob=debug,actix=warn`.
pub fn start() {
    let filter = EnvFilter::try_from_env("KEYFOB_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // A line that can't be written is dropped: to report that on the same standard
    // error would panic in whatever was being logged.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .log_internal_errors(false);
    // Fails when logging has been started before, as tests do; the first start counts.
    let _ = log.try_init();
}
