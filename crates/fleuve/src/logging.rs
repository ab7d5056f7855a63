//! The log: human lines on a terminal, JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is logged unless `FLEUVE_LOG` says otherwise.
const LEVEL_DEFAULT: &str = "info";

/// What is logged below a screen that has said what there is to say.
const LEVEL_BELOW_SCREEN: &str = "warn";

/// Sends the log to a file, for commands whose output is something else.
#[cfg(feature = "spark")]
pub(crate) fn start_in(file: std::fs::File) {
    tracing_subscriber::fmt()
        .with_env_filter(filter(LEVEL_DEFAULT))
        .with_ansi(false)
        // The command itself tells of a disk that is full.
        .log_internal_errors(false)
        .with_writer(std::sync::Mutex::new(file))
        .init();
}

/// Sends the log to standard output, as Kafka's server does.
pub(crate) fn start() {
    let lines = tracing_subscriber::fmt().with_env_filter(filter(LEVEL_DEFAULT));
    if std::io::stdout().is_terminal() {
        lines.with_target(false).init();
    } else {
        lines.json().flatten_event(true).init();
    }
}

/// Sends what needs looking after to a terminal.
pub(crate) fn start_below_screen() {
    tracing_subscriber::fmt()
        .with_env_filter(filter(LEVEL_BELOW_SCREEN))
        .with_target(false)
        .init();
}

fn filter(default: &str) -> EnvFilter {
    let filter = std::env::var("FLEUVE_LOG").unwrap_or_else(|_| default.to_owned());
    EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(default))
}
