//! How long one of Kafka's scripts takes as a whole process, from its start to its end.
//!
//! The floor is the same binary saying its version: the loader, the command line, nothing asked.
//! The two take turns, so that what else the machine does hits both.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::Broker;
use crate::cargo;

/// How many topics the broker has.
const TOPICS: usize = 8;

pub fn run(quick: bool) -> Result<()> {
    cargo::run(&[
        "build",
        "--release",
        "--package",
        "fleuve",
        "--no-default-features",
    ])?;
    let folder = std::env::temp_dir().join(format!("fleuve-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&folder, if quick { 20 } else { 200 });
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, turns: usize) -> Result<()> {
    let program = cargo::target_directory()?.join("release/fleuve");
    let broker = Broker::start(&program, folder)?;
    let server = ["--bootstrap-server", broker.bootstrap.as_str()];
    for number in 0..TOPICS {
        let name = format!("topic-{number}");
        let words = [&server[..], &["--create", "--topic", &name]].concat();
        timed(&program, "kafka-topics.sh", &words)?;
    }
    let (mut lists, mut versions) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let words = [&server[..], &["--list"]].concat();
        lists.push(timed(&program, "kafka-topics.sh", &words)?);
        versions.push(timed(&program, "fleuve", &["--version"])?);
    }
    println!("Wall clock of whole processes in ms, {turns} turns each.");
    println!("{:24} {:>8} {:>8} {:>8}", "", "min", "median", "max");
    row("kafka-topics.sh --list", lists);
    row("fleuve --version", versions);
    Ok(())
}

/// Runs the program under a name and gives how long that took.
fn timed(program: &Path, name: &str, words: &[&str]) -> Result<Duration> {
    let start = Instant::now();
    let status = Command::new(program)
        .arg0(name)
        .args(words)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("{} cannot be run", program.display()))?;
    ensure!(status.success(), "{name} {words:?} ended with {status}");
    Ok(start.elapsed())
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{name:24} {:8.1} {:8.1} {:8.1}",
        millis(times.first()),
        millis(times.get(times.len() / 2)),
        millis(times.last())
    );
}
