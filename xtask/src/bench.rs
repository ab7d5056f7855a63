//! Measurements, by name. Each prints its own figures; `docs/benchmarks.md` keeps those of a run.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::cargo;

#[derive(Args)]
pub struct Options {
    /// What to measure.
    subject: Subject,
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
    if options.quick {
        arguments.extend(["--", "--quick"]);
    }
    cargo::run(&arguments)
}
