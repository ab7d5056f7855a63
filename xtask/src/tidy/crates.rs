//! The layout of each crate: folder and name agree, tests are one binary, lints are declared.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

pub fn check(metadata: &Value, root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in metadata["packages"]
        .as_array()
        .context("no packages in metadata")?
    {
        let name = package["name"]
            .as_str()
            .context("a package without a name")?;
        let manifest = Path::new(
            package["manifest_path"]
                .as_str()
                .context("no manifest path")?,
        );
        let folder = manifest.parent().context("a manifest stands in a folder")?;
        if folder.starts_with(root.join("crates")) {
            findings.extend(folder_name(name, folder));
        }
        findings.extend(one_test_binary(name, package));
        let text = fs::read_to_string(manifest)?;
        if !text.contains("[lints") {
            findings.push(format!("{name}: its manifest declares no lints"));
        }
    }
    Ok(findings)
}

/// `crates/storage` holds `fleuve-storage`; the binary alone has no suffix.
fn folder_name(name: &str, folder: &Path) -> Option<String> {
    let last = folder.file_name()?.to_str()?;
    let expected = match last {
        "fleuve" => "fleuve".to_owned(),
        "derive" => "fleuve-protocol-derive".to_owned(),
        other => format!("fleuve-{other}"),
    };
    (name != expected).then(|| format!("{name} stands in {last}: expected the name {expected}"))
}

/// Integration tests of a crate are one binary, so that they link once.
fn one_test_binary(name: &str, package: &Value) -> Option<String> {
    let targets = package["targets"].as_array()?;
    let tests = targets.iter().filter(|target| target["kind"][0] == "test");
    let extra: Vec<_> = tests
        .filter_map(|t| t["name"].as_str())
        .filter(|t| *t != "it")
        .collect();
    (!extra.is_empty()).then(|| format!("{name}: tests beside tests/it/main.rs: {extra:?}"))
}
