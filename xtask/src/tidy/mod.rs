//! The structure of the repository, checked as a test.
//!
//! Every rule returns the findings it has; a finding names the place and says what to do.

mod crates;
mod dead_files;
mod features;
mod layering;
mod texts;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cargo;

/// Runs every rule and fails if any has a finding.
pub fn run() -> Result<()> {
    let metadata = cargo::metadata()?;
    let root = cargo::workspace_root();
    let mut findings = Vec::new();
    findings.extend(layering::check(&metadata)?);
    findings.extend(crates::check(&metadata, root)?);
    findings.extend(dead_files::check(root)?);
    findings.extend(features::check()?);
    findings.extend(texts::check(root)?);
    for finding in &findings {
        println!("tidy: {finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("tidy: nothing found");
    Ok(())
}

/// Every file that git tracks or would track, in the order of their names.
fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = std::process::Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()?;
    let names = String::from_utf8(output.stdout)?;
    let files = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| root.join(name));
    Ok(files.filter(|path| path.is_file()).collect())
}

/// `path` as seen from `root`, for a finding.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
