//! The tree of one operator, and what it may cost.
//!
//! Always true: nobody else has the tree open; what is in its files was sealed between two
//! versions, never amid one.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsm_tree::compaction::Leveled;
use lsm_tree::config::PinningPolicy;
use lsm_tree::{AbstractTree, AnyTree, Cache, Config, Guard, SeqNo, SequenceNumberCounter, Slice};
use xxhash_rust::xxh3::xxh3_128;

use super::super::folder::{damaged, io_error};
use super::super::{MemoryLimit, StateError, StateVersion};
use super::keys::VERSION;
use super::tree_folder;

/// How long to wait for another run of the query, in this process or another, to let go.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_POLL: Duration = Duration::from_millis(5);
/// How many steps of compaction follow what is written out; more than it takes to keep pace.
const COMPACTIONS: usize = 4;

/// How much memory a tree may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TreeMemory {
    /// Blocks of files that were read.
    cache_bytes: u64,
    /// Changes that are in no file yet.
    unwritten_bytes: u64,
}

impl TreeMemory {
    /// An eighth of the limit for what was read and a sixteenth for what is to be written, which
    /// may be there twice while it is; the rest is the batch's.
    pub(super) fn within(limit: Option<MemoryLimit>) -> Self {
        const LIMIT_BYTES_DEFAULT: u64 = 512 << 20;
        let limit = limit.map_or(LIMIT_BYTES_DEFAULT, MemoryLimit::bytes);
        Self {
            cache_bytes: limit / 8,
            unwritten_bytes: limit / 16,
        }
    }
}

/// An open tree.
pub(super) struct Tree {
    tree: AnyTree,
    folder: PathBuf,
    /// Numbers every change; what was changed later is found first.
    sequence: SequenceNumberCounter,
    cache: Arc<Cache>,
    memory: TreeMemory,
    _lock: File,
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("folder", &self.folder)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

impl Tree {
    pub(super) fn open(operator: &Path, memory: TreeMemory) -> Result<Self, StateError> {
        let lock = lock(&operator.join("lock"))?;
        let folder = tree_folder(operator);
        check_manifest(&folder)?;
        let sequence = SequenceNumberCounter::default();
        let cache = Arc::new(Cache::with_capacity_bytes(memory.cache_bytes));
        let visible = SequenceNumberCounter::default();
        let config = Config::new(&folder, sequence.clone(), visible);
        // In one piece, the filter and the index of a large file are larger than the cache takes.
        let config = config
            .use_cache(Arc::clone(&cache))
            .filter_block_partitioning_policy(PinningPolicy::all(true))
            .index_block_partitioning_policy(PinningPolicy::all(true));
        let tree = guarded(&folder, || config.open())?;
        sequence.set(
            tree.get_highest_persisted_seqno()
                .map_or(1, |last| last + 1),
        );
        Ok(Self {
            tree,
            folder,
            sequence,
            cache,
            memory,
            _lock: lock,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Slice>, StateError> {
        guarded(&self.folder, || self.tree.get(key, SeqNo::MAX))
    }

    pub(super) fn contains(&self, key: &[u8]) -> Result<bool, StateError> {
        guarded(&self.folder, || self.tree.contains_key(key, SeqNo::MAX))
    }

    /// The rows of a range, in order.
    pub(super) fn range(
        &self,
        range: Range<Vec<u8>>,
    ) -> impl Iterator<Item = Result<(Slice, Slice), StateError>> + '_ {
        let mut rows = None;
        std::iter::from_fn(move || {
            let row = guarded(&self.folder, || {
                let rows =
                    rows.get_or_insert_with(|| self.tree.range(range.clone(), SeqNo::MAX, None));
                rows.next().map(|row| row.into_inner()).transpose()
            });
            row.transpose()
        })
    }

    pub(super) fn set(&self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let sequence = self.sequence.next();
        match value {
            Some(value) => self.tree.insert(key, value, sequence),
            None => self.tree.remove(key, sequence),
        };
    }

    /// The version the tree has.
    pub(super) fn version(&self) -> Result<StateVersion, StateError> {
        Ok(self.versions()?.0)
    }

    /// The version that was begun, of which some may be in the tree.
    pub(super) fn started(&self) -> Result<StateVersion, StateError> {
        Ok(self.versions()?.1)
    }

    fn versions(&self) -> Result<(StateVersion, StateVersion), StateError> {
        let Some(bytes) = self.get(&VERSION)? else {
            return Ok((StateVersion::new(0), StateVersion::new(0)));
        };
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 8)?;
            Some(StateVersion::new(u64::from_le_bytes(
                bytes.try_into().ok()?,
            )))
        };
        number(0)
            .zip(number(8))
            .ok_or_else(|| damaged(&self.folder, "the version is no version".to_owned()))
    }

    fn set_versions(&self, version: StateVersion, started: StateVersion) {
        let bytes = [version.get().to_le_bytes(), started.get().to_le_bytes()].concat();
        self.set(VERSION.to_vec(), Some(bytes));
    }

    /// Notes that all of `version` is in the tree.
    pub(super) fn set_version(&self, version: StateVersion) {
        self.set_versions(version, version);
    }

    /// Notes that what follows makes `version`, before any of it may reach a file.
    pub(super) fn begin(&self, version: StateVersion) -> Result<(), StateError> {
        let (now, started) = self.versions()?;
        if started < version {
            self.set_versions(now, version);
        }
        Ok(())
    }

    /// Whether there is more in memory than there should be.
    pub(super) fn is_full(&self) -> bool {
        self.tree.active_memtable().size() > self.memory.unwritten_bytes
    }

    /// Sets apart what is in memory, to be written out.
    pub(super) fn seal(&self) {
        self.tree.rotate_memtable();
    }

    /// Writes what was sealed to files, and merges files where there are many.
    pub(super) fn write_out(&self) -> Result<(), StateError> {
        // Nobody reads anything but the newest of every row.
        let newest = self.sequence.get();
        let strategy = Arc::new(Leveled::default());
        guarded(&self.folder, || {
            self.tree.flush(&self.tree.get_flush_lock(), newest)?;
            (0..COMPACTIONS).try_for_each(|_| self.tree.compact(Arc::clone(&strategy) as _, newest))
        })
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        let unwritten = self.tree.version_memtable_size_sum();
        let pinned = self.tree.pinned_filter_size() + self.tree.pinned_block_index_size();
        self.cache.size() + unwritten + pinned as u64
    }
}

/// Takes the lock of an operator's folder, which goes with the file.
fn lock(path: &Path) -> Result<File, StateError> {
    let failed = |error: io::Error| io_error(path, &error);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_PATIENCE => {
                return Err(StateError::InUse {
                    path: path.to_path_buf(),
                });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
        }
    }
}

/// Checks the list of the tree's files, which the tree writes a checksum of but does not look at:
/// `current` has the number of the list (8 bytes), its XXH3-128 (16) and the kind of checksum (1).
fn check_manifest(folder: &Path) -> Result<(), StateError> {
    let read = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path, &error)),
    };
    let current = folder.join("current");
    let Some(bytes) = read(&current)? else {
        return Ok(());
    };
    let parts = bytes
        .split_first_chunk::<8>()
        .and_then(|(number, rest)| Some((number, rest.split_first_chunk::<16>()?)));
    let Some((number, (checksum, [0]))) = parts else {
        return Err(damaged(&current, "it is cut or of another kind".to_owned()));
    };
    let list = folder.join(format!("v{}", u64::from_le_bytes(*number)));
    let bytes = read(&list)?.ok_or_else(|| damaged(&list, "it is not there".to_owned()))?;
    if xxh3_128(&bytes) != u128::from_le_bytes(*checksum) {
        let reason = "the content does not match its checksum".to_owned();
        return Err(damaged(&list, reason));
    }
    Ok(())
}

/// Calls the tree, which asserts much of what it reads.
fn guarded<T>(folder: &Path, call: impl FnOnce() -> lsm_tree::Result<T>) -> Result<T, StateError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| tree_error(folder, error)),
        Err(_) => Err(damaged(folder, "the tree cannot be read".to_owned())),
    }
}

/// What the tree says went wrong: bytes that are not what they were, or the disk.
fn tree_error(folder: &Path, error: lsm_tree::Error) -> StateError {
    match error {
        lsm_tree::Error::Io(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotFound => damaged(folder, error.to_string()),
            _ => io_error(folder, &error),
        },
        error => damaged(folder, error.to_string()),
    }
}
