//! The versions of one operator's state on disk.
//!
//! ```text
//! state/<operator>/_metadata/metadata    what the operator is, pinned by the first batch
//! state/<operator>/<N>.delta             what batch N − 1 changed, over all partitions
//! state/<operator>/<N>.snapshot          everything after N batches
//! ```
//! Always true: version N is the newest snapshot up to N and every delta after it up to N; a
//! snapshot is made of committed files alone, never of memory. Start at [`StateFiles::load`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::format::{FileKind, Section, decode_file, encode_file};
use super::{MemoryStore, StateError, StateStore, StateVersion};
use crate::file_system::FileSystem;

/// When snapshots are made, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// How many deltas a snapshot takes in, `spark.sql.streaming.stateStore.minDeltasForSnapshot`.
    pub deltas: u64,
    /// On a thread of its own, so that no batch waits for it.
    pub in_background: bool,
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        Self {
            deltas: 10,
            in_background: true,
        }
    }
}

/// The folder of one operator.
#[derive(Debug)]
pub struct StateFiles {
    folder: PathBuf,
    files: Arc<dyn FileSystem>,
    policy: SnapshotPolicy,
    last_snapshot: StateVersion,
    making: Option<JoinHandle<Result<(), StateError>>>,
}

impl StateFiles {
    pub fn new(folder: PathBuf, files: Arc<dyn FileSystem>, policy: SnapshotPolicy) -> Self {
        let last_snapshot = StateVersion::new(0);
        Self {
            folder,
            files,
            policy,
            last_snapshot,
            making: None,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads `version` into stores, by store name and partition.
    pub(super) fn load(
        &mut self,
        version: StateVersion,
    ) -> Result<BTreeMap<(String, u32), MemoryStore>, StateError> {
        let (stores, snapshot) = load(&self.folder, self.files.as_ref(), version)?;
        self.last_snapshot = snapshot;
        Ok(stores)
    }

    /// Writes what a batch changed. A batch that runs again writes the same file again.
    pub(super) fn write_delta(
        &self,
        version: StateVersion,
        sections: &[Section],
    ) -> Result<u64, StateError> {
        let path = delta_path(&self.folder, version);
        let bytes = encode_file(FileKind::Delta, version, sections);
        self.files
            .replace(&path, &bytes)
            .map_err(|error| io_error(&path, &error))?;
        Ok(bytes.len() as u64)
    }

    /// Makes a snapshot of `committed` when enough deltas have come, and drops what no version
    /// from `oldest_kept` on needs.
    pub(super) fn maintain(
        &mut self,
        committed: StateVersion,
        oldest_kept: StateVersion,
    ) -> Result<(), StateError> {
        if let Some(making) = self.making.take() {
            if !making.is_finished() {
                self.making = Some(making);
                return Ok(());
            }
            join(making)?;
        }
        if committed.get() < self.last_snapshot.get() + self.policy.deltas {
            return Ok(());
        }
        self.last_snapshot = committed;
        let folder = self.folder.clone();
        let files = Arc::clone(&self.files);
        let work = move || {
            snapshot(&folder, files.as_ref(), committed)?;
            clean(&folder, files.as_ref(), oldest_kept)
        };
        if !self.policy.in_background {
            return work();
        }
        let spawned = std::thread::Builder::new()
            .name("state-snapshot".to_owned())
            .spawn(work);
        self.making = Some(spawned.map_err(|error| io_error(&self.folder, &error))?);
        Ok(())
    }
}

impl Drop for StateFiles {
    fn drop(&mut self) {
        if let Some(making) = self.making.take()
            && let Err(error) = join(making)
        {
            tracing::warn!(%error, "a state snapshot was not made; its deltas remain");
        }
    }
}

fn join(making: JoinHandle<Result<(), StateError>>) -> Result<(), StateError> {
    making
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The stores of an operator, by name and partition.
type Stores = BTreeMap<(String, u32), MemoryStore>;

fn load(
    folder: &Path,
    files: &dyn FileSystem,
    version: StateVersion,
) -> Result<(Stores, StateVersion), StateError> {
    let base = list(folder, files)?
        .into_iter()
        .filter(|(kind, found)| *kind == FileKind::Snapshot && *found <= version)
        .map(|(_, found)| found)
        .max();
    let mut stores = BTreeMap::new();
    if let Some(base) = base {
        read_into(
            &snapshot_path(folder, base),
            files,
            FileKind::Snapshot,
            base,
            &mut stores,
        )?;
    }
    let base = base.unwrap_or(StateVersion::new(0));
    let mut next = base;
    while next < version {
        next = next.next();
        read_into(
            &delta_path(folder, next),
            files,
            FileKind::Delta,
            next,
            &mut stores,
        )?;
    }
    Ok((stores, base))
}

fn read_into(
    path: &Path,
    files: &dyn FileSystem,
    kind: FileKind,
    version: StateVersion,
    stores: &mut BTreeMap<(String, u32), MemoryStore>,
) -> Result<(), StateError> {
    let damaged = |reason| StateError::Damaged {
        path: path.to_path_buf(),
        reason,
    };
    let bytes = files.read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StateError::Missing {
            path: path.to_path_buf(),
        },
        _ => io_error(path, &error),
    })?;
    for section in decode_file(&bytes, kind, version).map_err(damaged)? {
        let store = stores
            .entry((section.store, section.partition))
            .or_default();
        store.apply(&section.changes).map_err(damaged)?;
    }
    Ok(())
}

fn snapshot(
    folder: &Path,
    files: &dyn FileSystem,
    version: StateVersion,
) -> Result<(), StateError> {
    let (stores, _) = load(folder, files, version)?;
    let sections: Vec<Section> = stores
        .iter()
        .map(|((store, partition), rows)| Section {
            store: store.clone(),
            partition: *partition,
            changes: rows.encode_all(),
        })
        .collect();
    let path = snapshot_path(folder, version);
    let bytes = encode_file(FileKind::Snapshot, version, &sections);
    files
        .replace(&path, &bytes)
        .map_err(|error| io_error(&path, &error))
}

/// Removes what the newest snapshot up to `oldest_kept` has made superfluous.
fn clean(
    folder: &Path,
    files: &dyn FileSystem,
    oldest_kept: StateVersion,
) -> Result<(), StateError> {
    let listed = list(folder, files)?;
    let base = listed
        .iter()
        .filter(|(kind, version)| *kind == FileKind::Snapshot && *version <= oldest_kept)
        .map(|(_, version)| *version)
        .max();
    let Some(base) = base else { return Ok(()) };
    for (kind, version) in listed {
        let path = match kind {
            FileKind::Delta if version <= base => delta_path(folder, version),
            FileKind::Snapshot if version < base => snapshot_path(folder, version),
            _ => continue,
        };
        files
            .remove(&path)
            .map_err(|error| io_error(&path, &error))?;
    }
    Ok(())
}

fn list(
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

fn delta_path(folder: &Path, version: StateVersion) -> PathBuf {
    folder.join(format!("{version}.delta"))
}

fn snapshot_path(folder: &Path, version: StateVersion) -> PathBuf {
    folder.join(format!("{version}.snapshot"))
}

fn io_error(path: &Path, error: &io::Error) -> StateError {
    StateError::Io {
        path: path.to_path_buf(),
        reason: error.to_string(),
    }
}
