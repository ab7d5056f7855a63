//! Measurements, by name. Each prints its own figures; `docs/benchmarks.md` keeps those of a run.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::cargo;

#[derive(Args)]
pub struct Options {
    /// What to measure.
    subject: Subject,
    /// Only these parts of it; of the log: appends, rounds, reads, loads.
    parts: Vec<String>,
    /// Measures with less data, to see that it runs.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// One partition's log: appends, syncs, reads, loading.
    Log,
}

/// Builds the benchmark optimised and runs it.
pub fn run(options: &Options) -> Result<()> {
    let mut arguments = match options.subject {
        Subject::Log => vec!["bench", "--package", "fleuve-storage", "--bench", "log"],
    };
    arguments.push("--");
    arguments.extend(options.parts.iter().map(String::as_str));
    if options.quick {
        arguments.push("--quick");
    }
    cargo::run(&arguments)
}
