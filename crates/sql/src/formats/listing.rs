//! Which files a path stands for, and what their folders' names say (`date=2024-01-01`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Result, SparkError};

/// The folder in which a stream keeps the log of what it wrote.
const STREAM_LOG: &str = "_spark_metadata";
/// What every entry of that log begins with.
const STREAM_LOG_VERSION: &str = "v1";

/// A file and the partition values above it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) partitions: Vec<(String, Option<String>)>,
}

/// The path that a URL or a plain path stands for.
pub(crate) fn local_path(path: &str) -> PathBuf {
    let path = path
        .strip_prefix("file://")
        .or_else(|| path.strip_prefix("file:"))
        .unwrap_or(path);
    PathBuf::from(path)
}

/// All data files under the paths, in order of their names.
pub(crate) fn files(paths: &[String]) -> Result<Vec<DataFile>> {
    let mut found = Vec::new();
    for path in paths {
        let roots = expand(path)?;
        for root in roots {
            if root.is_file() {
                found.push(DataFile {
                    path: root,
                    partitions: Vec::new(),
                });
            } else if root.join(STREAM_LOG).is_dir() {
                found.extend(logged(&root)?);
            } else {
                walk(&root, &mut Vec::new(), &mut found)?;
            }
        }
    }
    Ok(found)
}

/// The paths that a pattern with `*` matches in its last part, or the path itself.
fn expand(path: &str) -> Result<Vec<PathBuf>> {
    let root = local_path(path);
    if root.exists() {
        return Ok(vec![root]);
    }
    let pattern = root
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let parent = root.parent().map(Path::to_path_buf).unwrap_or_default();
    if !pattern.contains(['*', '?', '{', '[']) {
        return Err(SparkError::path_not_found(&format!(
            "file:{}",
            root.display()
        )));
    }
    let regex = regex::escape(&pattern)
        .replace("\\*", ".*")
        .replace("\\?", ".");
    let regex = regex::Regex::new(&format!("^{regex}$"))
        .map_err(|e| SparkError::internal(e.to_string()))?;
    let mut matching: Vec<PathBuf> = entries(&parent)?
        .into_iter()
        .filter(|p| {
            p.file_name()
                .is_some_and(|n| regex.is_match(&n.to_string_lossy()))
        })
        .collect();
    matching.sort();
    if matching.is_empty() {
        return Err(SparkError::path_not_found(&format!(
            "file:{}",
            root.display()
        )));
    }
    Ok(matching)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| {
        SparkError::cannot_read_file(&folder.display().to_string(), &e.to_string())
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn walk(
    folder: &Path,
    partitions: &mut Vec<(String, Option<String>)>,
    found: &mut Vec<DataFile>,
) -> Result<()> {
    for path in entries(folder)? {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with('.') || (name.starts_with('_') && !name.contains('=')) {
            continue;
        }
        if path.is_dir() {
            let partition = partition(&name);
            let depth = partitions.len();
            partitions.extend(partition);
            walk(&path, partitions, found)?;
            partitions.truncate(depth);
        } else {
            found.push(DataFile {
                path,
                partitions: partitions.clone(),
            });
        }
    }
    Ok(())
}

/// `name=value` of a folder.
fn partition(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=')?;
    let value = unescape(value);
    Some((
        unescape(name),
        (value != "__HIVE_DEFAULT_PARTITION__").then_some(value),
    ))
}

/// A partition value as part of a path.
pub(crate) fn escape(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        if c.is_control() || "\"#%'*/:=?\\{[]^\u{7f}".contains(c) {
            out.push_str(&format!("%{:02X}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

fn unescape(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let code = value
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An entry of a stream's log that says less than it should: without it rows would be missing.
fn malformed(entry: &Path, reason: &str) -> SparkError {
    let reason = format!("Log file was malformed: {reason}");
    SparkError::cannot_read_file(&format!("file://{}", entry.display()), &reason)
}

/// The files that a stream's log names: the newest compacted entry and what came after it.
fn logged(root: &Path) -> Result<Vec<DataFile>> {
    let mut batches: Vec<(u64, bool, PathBuf)> = entries(&root.join(STREAM_LOG))?
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let compact = name.ends_with(".compact");
            Some((
                name.trim_end_matches(".compact").parse().ok()?,
                compact,
                path,
            ))
        })
        .collect();
    batches.sort();
    let start = batches
        .iter()
        .rposition(|(_, compact, _)| *compact)
        .unwrap_or(0);
    let mut names: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, _, path) in &batches[start..] {
        let text = std::fs::read_to_string(path).map_err(|e| {
            SparkError::cannot_read_file(&path.display().to_string(), &e.to_string())
        })?;
        let mut lines = text.lines();
        let version = lines.next().unwrap_or_default();
        if version != STREAM_LOG_VERSION {
            return Err(malformed(
                path,
                &format!("failed to read correct log version from {version}."),
            ));
        }
        for line in lines {
            let entry = serde_json::from_str::<serde_json::Value>(line).ok();
            let file = entry.as_ref().and_then(|entry| entry.get("path")?.as_str());
            let (Some(entry), Some(file)) = (&entry, file) else {
                return Err(malformed(path, &format!("it has the line {line}")));
            };
            if entry.get("action").and_then(|a| a.as_str()) == Some("delete") {
                names.retain(|n| n != file);
            } else if seen.insert(file.to_owned()) {
                names.push(file.to_owned());
            }
        }
    }
    Ok(names
        .into_iter()
        .map(|name| {
            let decoded = local_path(&unescape(&name));
            let path = if decoded.exists() {
                decoded
            } else {
                local_path(&name)
            };
            let inside = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            let partitions = inside
                .parent()
                .map(|p| {
                    p.components()
                        .filter_map(|c| partition(&c.as_os_str().to_string_lossy()))
                        .collect()
                })
                .unwrap_or_default();
            DataFile { path, partitions }
        })
        .collect())
}
