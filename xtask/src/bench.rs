//! Measurements, by name. Each prints its own figures; `docs/benchmarks.md` keeps those of a run.

mod client;
mod commands;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::cargo;

#[derive(Args)]
pub struct Options {
    /// What to measure.
    subject: Subject,
    /// Only these parts of it; of the log: appends, rounds, reads, loads; of the client pieces of
    /// the scenarios' names, such as `100 B`.
    parts: Vec<String>,
    /// Measures with less data, to see that it runs.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// One partition's log: appends, syncs, reads, loading.
    Log,
    /// Our producer and consumer against librdkafka.
    Client,
    /// One of Kafka's scripts as a whole process.
    Commands,
}

/// Builds the benchmark optimised and runs it.
pub fn run(options: &Options) -> Result<()> {
    match options.subject {
        Subject::Log => cargo_bench("fleuve-storage", "log", options),
        Subject::Client => client::run(&options.parts, options.quick),
        Subject::Commands => commands::run(options.quick),
    }
}

fn cargo_bench(package: &str, bench: &str, options: &Options) -> Result<()> {
    let mut arguments = vec!["bench", "--package", package, "--bench", bench];
    arguments.push("--");
    arguments.extend(options.parts.iter().map(String::as_str));
    if options.quick {
        arguments.push("--quick");
    }
    cargo::run(&arguments)
}
