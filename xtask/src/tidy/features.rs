//! One build of DataFusion for all: a crate by itself asks the same features as the whole workspace.
//!
//! Cargo unifies features over what a command builds. Where `cargo test -p fleuve-sql` and the whole workspace differ
//! in one feature of one small dependency, everything above it is compiled twice, for minutes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::cargo;

/// The crates that stand on DataFusion, each of which is built by itself now and then.
const ON_DATAFUSION: &[&str] = &[
    "fleuve-sql",
    "fleuve-engine",
    "fleuve-spark-connect",
    "fleuve",
];

/// A package with its version, and the features it is built with.
type Features = BTreeMap<String, String>;

/// Compares what each crate asks by itself with what the whole workspace asks.
pub fn check() -> Result<Vec<String>> {
    let whole = features(&["--workspace"])?;
    let mut findings = Vec::new();
    for package in ON_DATAFUSION {
        let alone = features(&["--package", package])?;
        findings.extend(differences(package, &alone, &whole));
    }
    Ok(findings)
}

fn features(of: &[&str]) -> Result<Features> {
    let output = cargo::cargo()
        .args(["tree", "--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .args(of)
        .output()
        .context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(parse(&String::from_utf8(output.stdout)?))
}

/// Reads `name v1.2.3|feature,feature`, with ` (*)` behind what was printed before.
fn parse(tree: &str) -> Features {
    let lines = tree.lines().filter_map(|line| line.split_once('|'));
    lines
        .map(|(package, features)| {
            let features = features.trim_end_matches("(*)").trim();
            (package.to_owned(), features.to_owned())
        })
        .collect()
}

fn differences(package: &str, alone: &Features, whole: &Features) -> Vec<String> {
    let differing = alone.iter().filter_map(|(dependency, here)| {
        let everywhere = whole.get(dependency)?;
        (everywhere != here).then(|| {
            format!(
                "{package} by itself builds {dependency} with [{here}], the workspace with [{everywhere}]: name the \
                 features once in the workspace's manifest, and the dependency in crates/sql/Cargo.toml"
            )
        })
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_only_the_workspace_asks_is_found() {
        let alone = parse("log v0.4.1|\nbytes v1.0.0|default,std (*)\n");
        let whole = parse("log v0.4.1|std\nbytes v1.0.0|default,std\n");
        let findings = differences("fleuve-sql", &alone, &whole);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("log v0.4.1 with [], the workspace with [std]"));
    }
}
