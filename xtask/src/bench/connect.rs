//! Spark Connect, measured from PySpark's side by `compat/spark_connect/bench.py`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{cargo, peers};

/// Rows of the largest table.
const ROWS: &str = "300000";
const ROWS_QUICK: &str = "20000";

/// Builds the server optimised and runs the queries against it.
pub(super) fn run(quick: bool) -> Result<()> {
    cargo::run(&["build", "--release", "--package", "fleuve"])?;
    let suite = cargo::workspace_root().join("compat").join("spark_connect");
    let python = peers::python("spark_connect", &suite.join("requirements.txt"))?;
    let fleuve = cargo::target_directory()?.join("release").join("fleuve");
    let status = Command::new(python)
        .arg(suite.join("bench.py"))
        .arg(if quick { ROWS_QUICK } else { ROWS })
        .env("FLEUVE_BIN", fleuve)
        .env("FLEUVE_PEERS", peers::directory()?)
        .status()
        .context("cannot start the benchmark")?;
    ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}
