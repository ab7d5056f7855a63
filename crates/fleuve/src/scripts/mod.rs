//! Kafka's scripts under Kafka's names, one file a script.
//!
//! Options, output, exit codes and the stream each line goes to are Kafka's; what differs is listed
//! in docs/scripts.md. The scripts are ordinary clients. Start at [`find`]; a new script is a file
//! here and a line in [`ALL`].

mod broker_api_versions;
mod cluster;
mod configs;
mod connect;
mod console_consumer;
mod console_producer;
mod consumer_groups;
mod consumer_perf;
mod date_format;
mod delete_records;
mod deserializer;
mod dump_log;
mod e2e_latency;
mod formatter;
mod get_offsets;
mod grammar;
mod groups;
mod include_list;
mod java_errors;
mod line_reader;
mod log_dirs;
mod producer_perf;
mod producer_perf_stats;
pub(crate) mod run_class;
mod script;
mod storage;
mod topics;
mod zookeeper;

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

use script::{Console, Script};

/// Every script.
const ALL: &[&Script] = &[
    &broker_api_versions::SCRIPT,
    &cluster::SCRIPT,
    &configs::SCRIPT,
    &console_consumer::SCRIPT,
    &console_producer::SCRIPT,
    &consumer_groups::SCRIPT,
    &consumer_perf::SCRIPT,
    &delete_records::SCRIPT,
    &dump_log::SCRIPT,
    &e2e_latency::SCRIPT,
    &get_offsets::SCRIPT,
    &groups::SCRIPT,
    &log_dirs::SCRIPT,
    &producer_perf::SCRIPT,
    &storage::SCRIPT,
    &topics::SCRIPT,
    &zookeeper::START,
    &zookeeper::STOP,
];

/// The threads that a script's clients run on.
const CLIENT_THREADS: usize = 1;

/// Runs the script that the program was called as; `None` if it was called as none of them.
pub(crate) fn run_as_called(mut arguments: impl Iterator<Item = String>) -> Option<ExitCode> {
    let script = find(&arguments.next()?)?;
    let words: Vec<String> = arguments.collect();
    // Beside the script's own thread: a producer that never waits must not keep its sender waiting.
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CLIENT_THREADS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}: cannot start: {error}", script.name);
            return Some(ExitCode::FAILURE);
        }
    };
    // Kafka's tools too say on standard error why nothing happens.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
    let mut console = Console {
        output: &mut BufWriter::new(io::stdout()),
        errors: &mut io::stderr(),
        interactive: io::stdin().is_terminal(),
    };
    let code = runtime.block_on(script.run(&words, &mut console));
    // A read of standard input may still wait for a line that nobody will type.
    runtime.shutdown_background();
    Some(code)
}

/// The scripts' names, without `.sh`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let run_class = std::iter::once(run_class::NAME);
    ALL.iter().map(|script| script.name).chain(run_class)
}

/// The script of a name as it stands on a command line: with or without folder and `.sh`.
fn find(called_as: &str) -> Option<&'static Script> {
    let file = called_as.rsplit('/').next().unwrap_or(called_as);
    let name = file.strip_suffix(".sh").unwrap_or(file);
    ALL.iter().copied().find(|script| script.name == name)
}
