//! Who may import whom, as direct edges; ARCHITECTURE.md has the same table for people.

use anyhow::{Context, Result};
use serde_json::Value;

/// A crate and the crates of ours that it may name; everyone may name `model`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("fleuve-model", &[]),
    ("fleuve-storage", &[]),
    ("fleuve-cluster", &[]),
    ("fleuve-protocol-derive", &[]),
    ("fleuve-protocol", &["fleuve-protocol-derive"]),
    ("fleuve-client", &["fleuve-protocol"]),
    (
        "fleuve-broker",
        &[
            "fleuve-storage",
            "fleuve-cluster",
            "fleuve-protocol",
            "fleuve-client",
        ],
    ),
    ("fleuve-sql", &[]),
    ("fleuve-engine", &["fleuve-sql", "fleuve-client"]),
    ("fleuve-spark-connect", &["fleuve-engine", "fleuve-sql"]),
    (
        "fleuve",
        &[
            "fleuve-broker",
            "fleuve-client",
            "fleuve-engine",
            "fleuve-spark-connect",
            "fleuve-sql",
            "fleuve-storage",
        ],
    ),
];

/// Only these may name DataFusion or Arrow.
const MAY_NAME_DATAFUSION: &[&str] = &["fleuve-sql", "fleuve-engine", "fleuve-spark-connect"];

/// Compares every crate's direct dependencies with the table; dev-dependencies are free.
pub fn check(metadata: &Value) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in metadata["packages"]
        .as_array()
        .context("no packages in metadata")?
    {
        let name = package["name"]
            .as_str()
            .context("a package without a name")?;
        let dependencies = package["dependencies"]
            .as_array()
            .context("no dependencies")?;
        for dependency in dependencies.iter().filter(|d| d["kind"].is_null()) {
            let on = dependency["name"]
                .as_str()
                .context("a dependency without a name")?;
            findings.extend(edge(name, on));
        }
    }
    Ok(findings)
}

/// What is wrong with crate `name` naming crate `on`, if anything is.
fn edge(name: &str, on: &str) -> Option<String> {
    if ["datafusion", "arrow", "parquet"]
        .iter()
        .any(|engine| on.starts_with(engine))
    {
        return (name.starts_with("fleuve") && !MAY_NAME_DATAFUSION.contains(&name))
            .then(|| format!("{name} names {on}: only {MAY_NAME_DATAFUSION:?} may"));
    }
    if !on.starts_with("fleuve") || on == "fleuve-model" || !name.starts_with("fleuve") {
        return None;
    }
    match ALLOWED.iter().find(|(known, _)| *known == name) {
        None => Some(format!(
            "{name} is not in the layering table of xtask/src/tidy/layering.rs"
        )),
        Some((_, allowed)) if allowed.contains(&on) => None,
        Some(_) => Some(format!("{name} may not import {on}: see the import table")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_may_import_model_but_not_the_broker() {
        assert_eq!(edge("fleuve-storage", "fleuve-model"), None);
        assert!(edge("fleuve-storage", "fleuve-broker").is_some());
    }

    #[test]
    fn only_the_engines_side_may_name_datafusion() {
        assert_eq!(edge("fleuve-sql", "datafusion"), None);
        assert!(edge("fleuve-broker", "datafusion").is_some());
    }
}
