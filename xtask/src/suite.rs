//! Compatibility suites: real clients from outside, one folder each under `compat/`.
//!
//! A suite is `compat/<name>/run.py`, run by the Python of a virtual environment that holds
//! `compat/<name>/requirements.txt`; a list of the one line `-r ../<other>/requirements.txt` shares
//! that of the other suite. It prints `ok`, `FAILED` and `SKIPPED` lines (see
//! [`crate::tally`]) and exits with an error if anything failed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::{cargo, peers};

/// Every folder under `compat/` that has a `run.py`, in the order of their names.
pub fn all() -> Result<Vec<PathBuf>> {
    let mut suites = Vec::new();
    for entry in std::fs::read_dir(cargo::workspace_root().join("compat"))? {
        let folder = entry?.path();
        if folder.join("run.py").is_file() {
            suites.push(folder);
        }
    }
    suites.sort();
    Ok(suites)
}

/// Runs the suite in `folder` against the binary `fleuve`, its lines shown as they come.
pub fn run(folder: &Path, fleuve: &Path) -> Result<Tally> {
    let name = suite_name(folder);
    println!("== compat {name}");
    let environment = environment(folder)?;
    let list = environment.join("requirements.txt");
    let python = match peers::python(&suite_name(&environment), &list) {
        Ok(python) => python,
        Err(error) => return Ok(skipped(&name, &error)),
    };
    let mut child = Command::new(python)
        .arg(folder.join("run.py"))
        .env("FLEUVE_BIN", fleuve)
        .env("FLEUVE_PEERS", peers::directory()?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start suite {name}"))?;
    let output = child.stdout.take().context("the suite's output is piped")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        tally.note_suite_line(&line);
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        println!("FAILED {name}: the suite ended with {status} and named no failure");
        tally.failed += 1;
    }
    Ok(tally)
}

/// The folder of the suite whose virtual environment the suite in `folder` runs in.
fn environment(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("requirements.txt");
    let list = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(match shared_with(&list) {
        Some(other) => folder.with_file_name(other),
        None => folder.to_owned(),
    })
}

/// The suite that a list of requirements refers to, if that is all it does.
fn shared_with(list: &str) -> Option<&str> {
    let other = list.trim().strip_prefix("-r ../")?;
    let other = other.strip_suffix("/requirements.txt")?;
    (!other.contains(['/', '\n'])).then_some(other)
}

fn suite_name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn skipped(name: &str, error: &anyhow::Error) -> Tally {
    let why = format!("{name}: cannot be installed: {error:#}");
    println!("SKIPPED {why}");
    Tally {
        skipped: vec![why],
        ..Tally::default()
    }
}

#[cfg(test)]
mod tests {
    use super::shared_with;

    #[test]
    fn a_list_that_is_another_suites_shares_its_environment() {
        assert_eq!(
            shared_with("-r ../streams/requirements.txt\n"),
            Some("streams")
        );
        assert_eq!(shared_with("pandas<3\n"), None);
        assert_eq!(
            shared_with("-r ../streams/requirements.txt\npandas<3\n"),
            None
        );
    }
}
