//! All that continuous integration checks, cheapest first.

use anyhow::Result;

use crate::{cargo, test, tidy};

/// Runs every check; the first that fails ends the run.
pub fn run() -> Result<()> {
    cargo::run(&["fmt", "--all", "--check"])?;
    cargo::run(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"])?;
    tidy::run()?;
    cargo::run(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    test::run(&test::Options::default())
}
