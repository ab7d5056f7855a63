//! The log: human lines on a terminal, JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is logged unless `FLEUVE_LOG` says otherwise.
const LEVEL_DEFAULT: &str = "info";

/// Sends the log to a file, for commands whose output is something else.
pub(crate) fn start_in(file: std::fs::File) {
    tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .init();
}

/// Sends the log to standard output, as Kafka's server does.
pub(crate) fn start() {
    let lines = tracing_subscriber::fmt().with_env_filter(filter());
    if std::io::stdout().is_terminal() {
        lines.with_target(false).init();
    } else {
        lines.json().flatten_event(true).init();
    }
}

fn filter() -> EnvFilter {
    let filter = std::env::var("FLEUVE_LOG").unwrap_or_else(|_| LEVEL_DEFAULT.to_owned());
    EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(LEVEL_DEFAULT))
}
