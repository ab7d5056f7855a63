//! The versions of one operator's state on disk, of the store in memory.
//!
//! ```text
//! state/<operator>/_metadata/metadata    what the operator is, pinned by the first batch
//! state/<operator>/<N>.delta             what batch N − 1 changed, over all partitions
//! state/<operator>/<N>.snapshot          everything after N batches
//! ```
//! Always true: version N is the newest snapshot up to N and every delta after it up to N; a
//! snapshot is made of committed files alone, never of memory. Start at [`StateFiles`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::folder::{
    damaged, delta_path, io_error, list, read_sections, snapshot_path, write_sections,
};
use super::format::{FileKind, Section};
use super::versions::{Partitions, Versions};
use super::{
    MemoryLimit, MemoryStore, OperatorSpec, StateError, StateStore, StateVersion, StoreSpec,
};
use crate::file_system::FileSystem;

/// When the store in memory makes snapshots, or the tree writes out its memory, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// How many deltas a snapshot takes in, `spark.sql.streaming.stateStore.minDeltasForSnapshot`.
    pub deltas: u64,
    /// On a thread of its own, so that no batch waits for it.
    pub in_background: bool,
    /// What the state may take in memory: a tree keeps within its part of it.
    pub memory_max: Option<MemoryLimit>,
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        Self {
            deltas: 10,
            in_background: true,
            memory_max: None,
        }
    }
}

/// The folder of one operator.
#[derive(Debug)]
pub(super) struct StateFiles {
    folder: PathBuf,
    files: Arc<dyn FileSystem>,
    policy: SnapshotPolicy,
    last_snapshot: StateVersion,
    making: Option<JoinHandle<Result<(), StateError>>>,
    /// The oldest version that must go before there is something to clean.
    cleanable_from: Option<StateVersion>,
}

impl StateFiles {
    pub(super) fn new(folder: PathBuf, files: Arc<dyn FileSystem>, policy: SnapshotPolicy) -> Self {
        let last_snapshot = StateVersion::new(0);
        Self {
            folder,
            files,
            policy,
            last_snapshot,
            making: None,
            cleanable_from: Some(last_snapshot),
        }
    }

    fn made(&mut self, snapshot: StateVersion) {
        self.last_snapshot = snapshot;
        self.cleanable_from.get_or_insert(snapshot);
    }
}

impl Versions for StateFiles {
    fn open(
        &mut self,
        spec: &OperatorSpec,
        version: StateVersion,
    ) -> Result<Partitions, StateError> {
        let (mut changes, snapshot) = read_changes(&self.folder, self.files.as_ref(), version)?;
        self.last_snapshot = snapshot;
        let mut take = |store: &StoreSpec, partition| {
            let changes = changes.remove(&(store.name.clone(), partition));
            let store = store_of(changes.unwrap_or_default())?;
            Ok(Box::new(store) as Box<dyn StateStore>)
        };
        (0..spec.partitions)
            .map(|partition| {
                let stores = spec.stores.iter().map(|store| take(store, partition));
                stores.collect()
            })
            .collect()
    }

    fn write_delta(
        &mut self,
        version: StateVersion,
        sections: &[Section],
    ) -> Result<(), StateError> {
        let path = delta_path(&self.folder, version);
        let files = self.files.as_ref();
        write_sections(&path, files, FileKind::Delta, version, sections).map(|_| ())
    }

    /// Makes a snapshot of `committed` when enough deltas have come. One that was begun before and
    /// failed ends the query here: its deltas may be damaged.
    fn commit(&mut self, committed: StateVersion) -> Result<(), StateError> {
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
        let folder = self.folder.clone();
        let files = Arc::clone(&self.files);
        if !self.policy.in_background {
            snapshot(&folder, files.as_ref(), committed)?;
            self.made(committed);
            return Ok(());
        }
        let spawned = std::thread::Builder::new()
            .name("state-snapshot".to_owned())
            .spawn(move || snapshot(&folder, files.as_ref(), committed));
        self.making = Some(spawned.map_err(|error| io_error(&self.folder, &error))?);
        self.made(committed);
        Ok(())
    }

    fn clean(&mut self, oldest_kept: StateVersion) -> Result<(), StateError> {
        if self.cleanable_from.is_some_and(|from| from <= oldest_kept) {
            self.cleanable_from = clean(&self.folder, self.files.as_ref(), oldest_kept)?;
        }
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

/// By store name and partition, what was changed, file by file.
type Changes = BTreeMap<(String, u32), Vec<(PathBuf, Vec<u8>)>>;

/// Reads what makes up `version`, and says which snapshot it begins with.
fn read_changes(
    folder: &Path,
    files: &dyn FileSystem,
    version: StateVersion,
) -> Result<(Changes, StateVersion), StateError> {
    let base = list(folder, files)?
        .into_iter()
        .filter(|(kind, found)| *kind == FileKind::Snapshot && *found <= version)
        .map(|(_, found)| found)
        .max();
    let mut changes = Changes::new();
    let mut read = |path: PathBuf, kind, version| {
        for section in read_sections(&path, files, kind, version)? {
            let store = changes.entry((section.store, section.partition));
            store.or_default().push((path.clone(), section.changes));
        }
        Ok(())
    };
    if let Some(base) = base {
        read(snapshot_path(folder, base), FileKind::Snapshot, base)?;
    }
    let base = base.unwrap_or(StateVersion::new(0));
    let mut next = base;
    while next < version {
        next = next.next();
        read(delta_path(folder, next), FileKind::Delta, next)?;
    }
    Ok((changes, base))
}

/// Applies the changes of one store, letting go of each file's as soon as they are.
fn store_of(changes: Vec<(PathBuf, Vec<u8>)>) -> Result<MemoryStore, StateError> {
    let mut store = MemoryStore::default();
    for (path, changes) in changes {
        store
            .apply(&changes)
            .map_err(|reason| damaged(&path, reason))?;
    }
    Ok(store)
}

/// Makes a snapshot, one store after the other so that only one of them is in memory again.
fn snapshot(
    folder: &Path,
    files: &dyn FileSystem,
    version: StateVersion,
) -> Result<(), StateError> {
    let (changes, _) = read_changes(folder, files, version)?;
    let sections = changes
        .into_iter()
        .map(|((store, partition), changes)| {
            let changes = store_of(changes)?.encode_all();
            Ok(Section {
                store,
                partition,
                changes,
            })
        })
        .collect::<Result<Vec<_>, StateError>>()?;
    let path = snapshot_path(folder, version);
    write_sections(&path, files, FileKind::Snapshot, version, &sections).map(|_| ())
}

/// Removes what the newest snapshot up to `oldest_kept` has made superfluous, and says which
/// snapshot will make more so. What a snapshot in the making reads is newer, and stays.
fn clean(
    folder: &Path,
    files: &dyn FileSystem,
    oldest_kept: StateVersion,
) -> Result<Option<StateVersion>, StateError> {
    let listed = list(folder, files)?;
    let snapshots = || {
        listed
            .iter()
            .filter(|(kind, _)| *kind == FileKind::Snapshot)
            .map(|(_, version)| *version)
    };
    let newer = snapshots().filter(|version| *version > oldest_kept).min();
    let base = snapshots().filter(|version| *version <= oldest_kept).max();
    let Some(base) = base else { return Ok(newer) };
    for (kind, version) in &listed {
        let path = match kind {
            FileKind::Delta if *version <= base => delta_path(folder, *version),
            FileKind::Snapshot if *version < base => snapshot_path(folder, *version),
            _ => continue,
        };
        files
            .remove(&path)
            .map_err(|error| io_error(&path, &error))?;
    }
    Ok(newer)
}
