//! State that is larger than memory: rows in a log-structured merge tree.
//!
//! The tree is fjall's, the crate `lsm-tree`, without fjall's journal: the journal is our own
//! delta files, whose checksums cover all of them.
//!
//! ```text
//! state/<operator>/<N>.delta    what batch N − 1 changed, as of the store in memory
//! state/<operator>/tree/        the rows of some version up to the last committed one, and its number
//! state/<operator>/lock         held by who has the tree open
//! ```
//! What a batch changes stays beside the tree until the batch is committed; then it enters the
//! tree's memory, and from there, every few batches, its files.
//! Always true: the tree on disk is that of a committed version, which it names, and every delta
//! after that one is there. So whatever is lost with the process is in the deltas, and what was
//! flushed but not committed is in the tree nowhere. Start at [`FjallVersions`].

mod keys;
mod overlay;
mod store;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use self::store::FjallStore;
use self::tree::{Tree, TreeMemory};
use super::folder::{damaged, delta_path, io_error, list, read_sections, write_sections};
use super::format::{FileKind, Section};
use super::versions::{Partitions, Versions};
use super::{OperatorSpec, SnapshotPolicy, StateError, StateStore, StateVersion};
use crate::file_system::FileSystem;

/// The deltas of one operator and its tree.
#[derive(Debug)]
pub(super) struct FjallVersions {
    folder: PathBuf,
    files: Arc<dyn FileSystem>,
    policy: SnapshotPolicy,
    tree: Option<Arc<Tree>>,
    /// The newest version whose changes are sealed, to be written to the tree's files.
    sealed: StateVersion,
    /// The version in the tree's files; deltas up to it are superfluous.
    durable: StateVersion,
    cleaned: StateVersion,
    writing: Option<JoinHandle<Result<(), StateError>>>,
}

impl FjallVersions {
    pub(super) fn new(folder: PathBuf, files: Arc<dyn FileSystem>, policy: SnapshotPolicy) -> Self {
        let none = StateVersion::new(0);
        Self {
            folder,
            files,
            policy,
            tree: None,
            sealed: none,
            durable: none,
            cleaned: none,
            writing: None,
        }
    }

    fn tree(&self) -> Result<&Arc<Tree>, StateError> {
        self.tree.as_ref().ok_or_else(|| StateError::Io {
            path: self.folder.clone(),
            reason: "the state is not open".to_owned(),
        })
    }

    /// Brings the stores from the tree's version to `version` by the deltas in between.
    fn catch_up(
        &mut self,
        tree: &Arc<Tree>,
        spec: &OperatorSpec,
        partitions: &mut [Vec<FjallStore>],
        version: StateVersion,
    ) -> Result<(), StateError> {
        let mut next = self.durable;
        while next < version {
            next = next.next();
            let path = delta_path(&self.folder, next);
            let sections = read_sections(&path, self.files.as_ref(), FileKind::Delta, next)?;
            for section in &sections {
                let store = store_of(partitions, spec, section)
                    .ok_or_else(|| damaged(&path, unknown_store(section)))?;
                store.apply(&section.changes, &path)?;
            }
            for store in partitions.iter_mut().flatten() {
                store.commit(next)?;
            }
            tree.set_version(next);
            if tree.is_full() {
                tree.seal();
                tree.write_out()?;
                self.sealed = next;
                self.durable = next;
            }
        }
        Ok(())
    }

    /// Notes whether the tree's files have what was sealed.
    fn written(&mut self) -> Result<(), StateError> {
        if let Some(writing) = self.writing.take() {
            join(writing)?;
            self.durable = self.sealed;
        }
        Ok(())
    }

    fn is_writing(&self) -> bool {
        self.writing
            .as_ref()
            .is_some_and(|writing| !writing.is_finished())
    }

    fn write_out(&mut self, tree: &Arc<Tree>, version: StateVersion) -> Result<(), StateError> {
        tree.seal();
        self.sealed = version;
        if !self.policy.in_background {
            tree.write_out()?;
            self.durable = version;
            return Ok(());
        }
        let tree = Arc::clone(tree);
        let spawned = std::thread::Builder::new()
            .name("state-tree".to_owned())
            .spawn(move || tree.write_out());
        self.writing = Some(spawned.map_err(|error| io_error(&self.folder, &error))?);
        Ok(())
    }
}

impl Versions for FjallVersions {
    fn open(
        &mut self,
        spec: &OperatorSpec,
        version: StateVersion,
    ) -> Result<Partitions, StateError> {
        let memory = TreeMemory::within(self.policy.memory_max);
        let tree = Arc::new(Tree::open(&self.folder, memory)?);
        let (durable, started) = (tree.version()?, tree.started()?);
        if version < durable.max(started) {
            return Err(StateError::Passed {
                path: self.folder.clone(),
                asked: version,
                kept: durable.max(started),
            });
        }
        self.durable = durable;
        self.sealed = durable;
        let mut partitions = (0..spec.partitions)
            .map(|partition| {
                (0..spec.stores.len())
                    .map(|store| FjallStore::open(Arc::clone(&tree), store, partition))
                    .collect()
            })
            .collect::<Result<Vec<Vec<_>>, _>>()?;
        self.catch_up(&tree, spec, &mut partitions, version)?;
        self.tree = Some(tree);
        let boxed = |store| Box::new(store) as Box<dyn StateStore>;
        Ok(partitions
            .into_iter()
            .map(|stores| stores.into_iter().map(boxed).collect())
            .collect())
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

    /// Lets the tree's memory be written to its files when it is full or enough deltas have come.
    /// A batch waits for that only when the memory is full again before the last time is over.
    fn commit(&mut self, committed: StateVersion) -> Result<(), StateError> {
        let tree = Arc::clone(self.tree()?);
        tree.set_version(committed);
        let full = tree.is_full();
        if self.is_writing() && !full {
            return Ok(());
        }
        self.written()?;
        if full || committed.get() >= self.sealed.get() + self.policy.deltas {
            self.write_out(&tree, committed)?;
        }
        Ok(())
    }

    /// Only the newest version can be opened, so only what leads to it from the tree is kept.
    fn clean(&mut self, _: StateVersion) -> Result<(), StateError> {
        if self.cleaned == self.durable {
            return Ok(());
        }
        for (kind, version) in list(&self.folder, self.files.as_ref())? {
            if kind == FileKind::Delta && version <= self.durable {
                let path = delta_path(&self.folder, version);
                let removed = self.files.remove(&path);
                removed.map_err(|error| io_error(&path, &error))?;
            }
        }
        self.cleaned = self.durable;
        Ok(())
    }

    fn close(&mut self) {
        if let Err(error) = self.written() {
            tracing::warn!(%error, "state was not written to its tree; its deltas remain");
        }
        self.tree = None;
    }

    fn memory_bytes(&self) -> u64 {
        self.tree.as_ref().map_or(0, |tree| tree.memory_bytes())
    }
}

impl Drop for FjallVersions {
    fn drop(&mut self) {
        self.close();
    }
}

fn join(writing: JoinHandle<Result<(), StateError>>) -> Result<(), StateError> {
    writing
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn store_of<'a>(
    partitions: &'a mut [Vec<FjallStore>],
    spec: &OperatorSpec,
    section: &Section,
) -> Option<&'a mut FjallStore> {
    let mut names = spec.stores.iter().map(|store| &store.name);
    let store = names.position(|name| *name == section.store)?;
    partitions
        .get_mut(section.partition as usize)?
        .get_mut(store)
}

fn unknown_store(section: &Section) -> String {
    format!(
        "there is no store {} in partition {}",
        section.store, section.partition
    )
}

/// Where the tree of an operator is.
fn tree_folder(folder: &Path) -> PathBuf {
    folder.join("tree")
}
