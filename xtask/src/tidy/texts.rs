//! Texts: no path of a developer's machine, no conflict markers, no unfinished words in code.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{shown, tracked_files};

/// A text that no file may hold, and what to do about it. Split, so that this file has none.
const BANNED: &[(&[&str], &str)] = &[
    (&["/ro", "ot/"], "names a path of one machine"),
    (&["/wo", "rk/"], "names a path of one machine"),
    (&["<<<<", "<<< "], "is a conflict marker"),
    (
        &["TO", "DO"],
        "finish it, or write down where it will stand",
    ),
    (
        &["FIX", "ME"],
        "finish it, or write down where it will stand",
    ),
];

pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in tracked_files(root)? {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        if file.ends_with("LICENSE") || file.ends_with("Cargo.lock") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for what in banned_in(line) {
                findings.push(format!("{}:{}: {what}", shown(root, &file), number + 1));
            }
        }
    }
    Ok(findings)
}

fn banned_in(line: &str) -> impl Iterator<Item = String> + '_ {
    BANNED.iter().filter_map(move |(parts, why)| {
        let word = parts.concat();
        line.contains(&word).then(|| format!("`{word}` {why}"))
    })
}
