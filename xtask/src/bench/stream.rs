//! Streaming queries, measured from PySpark's side by `compat/streams/bench.py`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{cargo, peers};

const RECORDS: &str = "1000000";
const RECORDS_QUICK: &str = "50000";

/// Builds the server optimised and runs the queries against it.
pub(super) fn run(quick: bool) -> Result<()> {
    cargo::run(&["build", "--release", "--package", "fleuve"])?;
    let suite = cargo::workspace_root().join("compat").join("streams");
    let python = peers::python("streams", &suite.join("requirements.txt"))?;
    let fleuve = cargo::target_directory()?.join("release").join("fleuve");
    let status = Command::new(python)
        .arg(suite.join("bench.py"))
        .arg(if quick { RECORDS_QUICK } else { RECORDS })
        .env("FLEUVE_BIN", fleuve)
        .env("FLEUVE_PEERS", peers::directory()?)
        .status()
        .context("cannot start the benchmark")?;
    ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}
