//! Rust files that no `mod` names: the compiler never sees them, so nothing keeps them true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{shown, tracked_files};

/// Files that cargo itself finds.
const ROOTS: &[&str] = &["lib.rs", "main.rs", "build.rs"];

/// Folders in which every file is a crate root.
const ROOT_FOLDERS: &[&str] = &["examples", "benches", "bin", "fuzz_targets"];

pub fn check(root: &Path) -> Result<Vec<String>> {
    let files: Vec<PathBuf> = tracked_files(root)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    let mut named = BTreeSet::new();
    for file in &files {
        named.extend(modules_named_in(file, &fs::read_to_string(file)?));
    }
    let dead = files
        .iter()
        .filter(|file| !is_root(file) && !named.contains(*file));
    Ok(dead
        .map(|file| format!("{}: no `mod` names this file", shown(root, file)))
        .collect())
}

fn is_root(file: &Path) -> bool {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let parent = file
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    ROOTS.contains(&name) || parent.is_some_and(|folder| ROOT_FOLDERS.contains(&folder))
}

/// The files that `mod x;` lines of `file` may mean.
fn modules_named_in(file: &Path, text: &str) -> Vec<PathBuf> {
    let mut named = Vec::new();
    let folder = module_folder(file);
    for line in text.lines() {
        if let Some(name) = module_name(line) {
            named.push(folder.join(format!("{name}.rs")));
            named.push(folder.join(name).join("mod.rs"));
        }
    }
    named
}

/// Where the modules of `file` live: beside a root or `mod.rs`, below any other file.
fn module_folder(file: &Path) -> PathBuf {
    let parent = file.parent().unwrap_or(Path::new(""));
    let stem = file.file_stem().unwrap_or_default();
    if is_root(file) || stem == "mod" {
        parent.to_owned()
    } else {
        parent.join(stem)
    }
}

/// `x` of a line `mod x;`, with any visibility.
fn module_name(line: &str) -> Option<&str> {
    let declaration = line.trim().strip_suffix(';')?;
    let (before, name) = declaration.rsplit_once("mod ")?;
    let visibility = before.trim();
    (visibility.is_empty() || visibility.starts_with("pub")).then_some(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_lines_are_read_with_their_visibility() {
        assert_eq!(module_name("mod segment;"), Some("segment"));
        assert_eq!(module_name("pub(crate) mod index;"), Some("index"));
        assert_eq!(module_name("mod inline {"), None);
        assert_eq!(module_name("// see mod x;"), None);
    }

    #[test]
    fn modules_of_a_plain_file_stand_in_its_folder() {
        assert_eq!(module_folder(Path::new("a/disk.rs")), Path::new("a/disk"));
        assert_eq!(
            module_folder(Path::new("a/disk/mod.rs")),
            Path::new("a/disk")
        );
        assert_eq!(module_folder(Path::new("a/lib.rs")), Path::new("a"));
    }
}
