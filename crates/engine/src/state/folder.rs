//! The files of an operator's folder: their names, and what reading and writing them can tell.

use std::io;
use std::path::{Path, PathBuf};

use super::format::{FileKind, Section, decode_file, encode_file};
use super::{StateError, StateVersion};
use crate::file_system::FileSystem;

pub(super) fn read_sections(
    path: &Path,
    files: &dyn FileSystem,
    kind: FileKind,
    version: StateVersion,
) -> Result<Vec<Section>, StateError> {
    let bytes = files.read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StateError::Missing {
            path: path.to_path_buf(),
        },
        _ => io_error(path, &error),
    })?;
    decode_file(&bytes, kind, version).map_err(|reason| damaged(path, reason))
}

/// Writes one file, and says how many bytes it has.
pub(super) fn write_sections(
    path: &Path,
    files: &dyn FileSystem,
    kind: FileKind,
    version: StateVersion,
    sections: &[Section],
) -> Result<u64, StateError> {
    let bytes = encode_file(kind, version, sections);
    files
        .replace(path, &bytes)
        .map_err(|error| io_error(path, &error))?;
    Ok(bytes.len() as u64)
}

pub(super) fn list(
    folder: &Path,
    files: &dyn FileSystem,
) -> Result<Vec<(FileKind, StateVersion)>, StateError> {
    let entries = files
        .list(folder)
        .map_err(|error| io_error(folder, &error))?;
    let parse = |name: &str| {
        let (number, kind) = match name.rsplit_once('.')? {
            (number, "delta") => (number, FileKind::Delta),
            (number, "snapshot") => (number, FileKind::Snapshot),
            _ => return None,
        };
        Some((kind, StateVersion::new(number.parse().ok()?)))
    };
    Ok(entries
        .iter()
        .filter_map(|entry| parse(&entry.name))
        .collect())
}

pub(super) fn delta_path(folder: &Path, version: StateVersion) -> PathBuf {
    folder.join(format!("{version}.delta"))
}

pub(super) fn snapshot_path(folder: &Path, version: StateVersion) -> PathBuf {
    folder.join(format!("{version}.snapshot"))
}

pub(super) fn damaged(path: &Path, reason: String) -> StateError {
    StateError::Damaged {
        path: path.to_path_buf(),
        reason,
    }
}

pub(super) fn io_error(path: &Path, error: &io::Error) -> StateError {
    StateError::Io {
        path: path.to_path_buf(),
        reason: error.to_string(),
    }
}
