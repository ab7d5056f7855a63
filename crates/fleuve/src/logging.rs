//! The log: human lines on a terminal, JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is logged unless `FLEUVE_LOG` says otherwise.
const LEVEL_DEFAULT: &str = "info";

/// Sends the log to standard output, as Kafka's server does.
pub(crate) fn start() {
    let filter = std::env::var("FLEUVE_LOG").unwrap_or_else(|_| LEVEL_DEFAULT.to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(LEVEL_DEFAULT));
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    if std::io::stdout().is_terminal() {
        lines.with_target(false).init();
    } else {
        lines.json().flatten_event(true).init();
    }
}
