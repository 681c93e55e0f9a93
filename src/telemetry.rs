//! Logs, to standard error.

use tracing_subscriber::EnvFilter;

/// What a program sends that is no HTTP is its own trouble: whoever wants to
/// could fill the log with it.
const USUAL: &str = "info,actix_server=warn,actix_http::h1=off";

/// Starts logging. `KEYFOB_LOG` says how much: `warn`, `info` (default),
/// `debug` (every request of the dashboard), or a filter such as `keyfob=debug,actix=warn`.
pub fn start() {
    let filter = EnvFilter::try_from_env("KEYFOB_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    // A second start, as tests make it, keeps the first one's log.
    let _ = log.try_init();
}
