//! Every test there is, and one closing line.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::tally::Tally;
use crate::{cargo, peers, suite};

#[derive(Args, Default)]
pub struct Options {
    /// Runs only the Rust tests, none that need clients from outside.
    #[arg(long)]
    rust_only: bool,
}

/// Runs the tests; the error, if any failed, comes after the closing line's tally is known.
pub fn run(options: &Options) -> Result<()> {
    if options.rust_only {
        return report(&rust_tests()?);
    }
    peers::install_all()?;
    // The client's tests want a broker to talk to; they skip without one.
    let fleuve = build_binary()?;
    let mut tally = rust_tests()?;
    tally += compatibility_suites(&fleuve)?;
    report(&tally)
}

/// Runs the workspace's Rust tests and doc tests, and each fuzz target for a moment.
fn rust_tests() -> Result<Tally> {
    let mut tally = cargo_test(&["--workspace"])?;
    tally += cargo_test(&["--manifest-path", "fuzz/Cargo.toml"])?;
    Ok(tally)
}

fn cargo_test(of: &[&str]) -> Result<Tally> {
    let mut arguments = vec!["test"];
    arguments.extend(of);
    arguments.extend(["--no-fail-fast", "--", "--show-output"]);
    println!("$ cargo {}", arguments.join(" "));
    let mut child = cargo::cargo()
        .args(arguments)
        .env("CARGO_TARGET_DIR", cargo::target_directory()?)
        .env("FLEUVE_PEERS", peers::directory()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo's output is piped")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        tally.note_libtest_line(&line);
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        bail!("cargo test ended with {status} before every test could run");
    }
    Ok(tally)
}

fn compatibility_suites(fleuve: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    for folder in suite::all()? {
        tally += suite::run(&folder, fleuve)?;
    }
    Ok(tally)
}

/// Builds the one binary and says where it is.
fn build_binary() -> Result<PathBuf> {
    cargo::run(&["build", "--package", "fleuve"])?;
    Ok(cargo::target_directory()?.join("debug").join("fleuve"))
}

/// The last line is the tally, in the words that build services look for.
fn report(tally: &Tally) -> Result<()> {
    println!();
    for skip in &tally.skipped {
        println!("skipped: {skip}");
    }
    println!("{tally}");
    if tally.failed > 0 {
        std::process::exit(1);
    }
    if tally.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}
