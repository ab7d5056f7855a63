//! Measurements, by name. Each prints its own figures; `docs/benchmarks.md` keeps those of a run.

mod client;
mod commands;
mod connect;
mod stream;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::cargo;

#[derive(Args)]
pub struct Options {
    /// What to measure.
    subject: Subject,
    /// Only these parts of it; of the log: appends, rounds, reads, loads; of the broker: produce,
    /// fetch, start; of the client pieces of the scenarios' names, such as `100 B`; of streams:
    /// triggers, throughput; of state: campaigns, words, trigger, sliding.
    parts: Vec<String>,
    /// With the broker: a server of anybody's, HOST:PORT, in place of ours and the floor.
    #[arg(long)]
    bootstrap_server: Option<String>,
    /// Measures with less data, to see that it runs.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// One partition's log: appends, syncs, reads, loading.
    Log,
    /// A broker under load from another process: produce, fetch, start, memory.
    Broker,
    /// Our producer and consumer against librdkafka.
    Client,
    /// One of Kafka's scripts as a whole process.
    Commands,
    /// Spark Connect: sessions, memory, queries over parquet, Apache Spark beside them where the
    /// peers have it.
    Connect,
    /// Streaming queries over a topic, Apache Spark beside them where the peers have it.
    Stream,
    /// Streaming queries with state, in the same way; `sliding` only by name, for ten minutes.
    State,
}

/// Builds the benchmark optimised and runs it.
pub fn run(options: &Options) -> Result<()> {
    match options.subject {
        Subject::Log => cargo::run(&cargo_bench("fleuve-storage", "log", options)),
        Subject::Broker => with_binary(&cargo_bench("fleuve-broker", "broker", options)),
        Subject::Client => client::run(&options.parts, options.quick),
        Subject::Commands => commands::run(options.quick),
        Subject::Connect => connect::run(options.quick),
        Subject::Stream => stream::run("bench.py", &options.parts, options.quick),
        Subject::State => stream::run("bench_state.py", &options.parts, options.quick),
    }
}

fn cargo_bench<'a>(package: &'a str, bench: &'a str, options: &'a Options) -> Vec<&'a str> {
    let mut arguments = vec!["bench", "--package", package, "--bench", bench];
    arguments.push("--");
    arguments.extend(options.parts.iter().map(String::as_str));
    if options.quick {
        arguments.push("--quick");
    }
    if let Some(server) = &options.bootstrap_server {
        arguments.extend(["--bootstrap-server", server]);
    }
    arguments
}

/// Builds the optimised program without Spark Connect, for the benchmark to start.
fn with_binary(arguments: &[&str]) -> Result<()> {
    let build = "build --release --package fleuve --no-default-features";
    cargo::run(&build.split(' ').collect::<Vec<_>>())?;
    let binary = cargo::target_directory()?.join("release/fleuve");
    let status = cargo::cargo()
        .args(arguments)
        .env("FLEUVE_BIN", binary)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "`cargo {}` failed", arguments.join(" "));
    Ok(())
}
