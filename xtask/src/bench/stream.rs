//! Streaming queries, measured from PySpark's side by programs in `compat/streams`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{cargo, peers};

/// Builds the server optimised, unless `FLEUVE_BIN` names one, and runs `program` against it.
pub(super) fn run(program: &str, parts: &[String], quick: bool) -> Result<()> {
    let fleuve = match std::env::var_os("FLEUVE_BIN") {
        Some(built) => built.into(),
        None => {
            cargo::run(&["build", "--release", "--package", "fleuve"])?;
            cargo::target_directory()?.join("release").join("fleuve")
        }
    };
    let suite = cargo::workspace_root().join("compat").join("streams");
    let python = peers::python("streams", &suite.join("requirements.txt"))?;
    let status = Command::new(python)
        .arg(suite.join(program))
        .args(quick.then_some("--quick"))
        .args(parts)
        .env("FLEUVE_BIN", fleuve)
        .env("FLEUVE_PEERS", peers::directory()?)
        .status()
        .context("cannot start the benchmark")?;
    ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}
