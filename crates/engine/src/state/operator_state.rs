//! The state of one stateful operator: its stores, split over partitions.
//!
//! Always true: a key lives in the partition its checksum says, and the number of partitions is
//! the one the first batch pinned. Start at [`OperatorState::open`].

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::files::StateFiles;
use super::fjall::FjallVersions;
use super::format::{Section, crc32c};
use super::metadata::{self, OperatorSpec};
use super::versions::Versions;
use super::{SnapshotPolicy, StateError, StateStore, StateVersion, StoreKind};
use crate::checkpoint::lock;
use crate::file_system::FileSystem;

/// What an operator did with its state in one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateFigures {
    pub updated: u64,
    pub removed: u64,
    pub dropped_by_watermark: u64,
    pub update_time: Duration,
    pub removal_time: Duration,
    pub commit_time: Duration,
}

/// The stores of one operator.
#[derive(Debug)]
pub struct OperatorState {
    spec: OperatorSpec,
    /// Per partition, its stores in the order of the spec.
    partitions: Vec<Mutex<Vec<Box<dyn StateStore>>>>,
    /// The bytes of each partition when it was measured last.
    memory: Vec<AtomicU64>,
    versions: Mutex<Box<dyn Versions>>,
    figures: Mutex<StateFigures>,
}

impl OperatorState {
    /// Opens version `version` of the state that `spec` describes; the number of partitions and the
    /// kind of store are the checkpoint's where there is one.
    pub fn open(
        mut spec: OperatorSpec,
        state_folder: &Path,
        files: Arc<dyn FileSystem>,
        policy: SnapshotPolicy,
        version: StateVersion,
    ) -> Result<Self, StateError> {
        let folder = state_folder.join(spec.operator.to_string());
        match metadata::read(&folder, files.as_ref())? {
            Some(pinned) => {
                spec.partitions = pinned.partitions;
                if spec.store != pinned.store {
                    let (asked, kept) = (spec.store, pinned.store);
                    tracing::warn!(
                        %asked, %kept, folder = %folder.display(),
                        "the state goes on in the store it was begun in"
                    );
                    spec.store = kept;
                }
                metadata::check_unchanged(&pinned, &spec)?;
            }
            None => metadata::write(&folder, files.as_ref(), &spec)?,
        }
        let mut versions: Box<dyn Versions> = match spec.store {
            StoreKind::Memory => Box::new(StateFiles::new(folder, files, policy)),
            StoreKind::Fjall => Box::new(FjallVersions::new(folder, files, policy)),
        };
        let partitions = versions.open(&spec, version)?;
        let partitions: Vec<_> = partitions.into_iter().map(Mutex::new).collect();
        let state = Self {
            memory: partitions.iter().map(|_| AtomicU64::new(0)).collect(),
            spec,
            partitions,
            versions: Mutex::new(versions),
            figures: Mutex::new(StateFigures::default()),
        };
        (0..state.partition_count()).for_each(|partition| state.measure(partition));
        Ok(state)
    }

    pub fn spec(&self) -> &OperatorSpec {
        &self.spec
    }

    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// The partition a key lives in.
    pub fn partition_of(&self, key: &[u8]) -> usize {
        crc32c(key) as usize % self.partitions.len()
    }

    /// The stores of one partition, which one task at a time works on.
    pub fn partition(&self, partition: usize) -> MutexGuard<'_, Vec<Box<dyn StateStore>>> {
        lock(&self.partitions[partition])
    }

    pub fn report(&self, add: impl FnOnce(&mut StateFigures)) {
        add(&mut lock(&self.figures));
    }

    pub fn take_figures(&self) -> StateFigures {
        std::mem::take(&mut *lock(&self.figures))
    }

    /// The rows of the first store; what others hold beside it is an index of the same rows.
    pub fn rows(&self) -> u64 {
        self.sum(|stores| stores.first().map_or(0, |store| store.rows()))
    }

    /// How many event times have rows, over all partitions.
    pub fn shards(&self) -> u64 {
        self.sum(|stores| stores.iter().map(|store| store.shards()).sum())
    }

    /// Notes how much memory a partition takes now.
    pub fn measure(&self, partition: usize) {
        let bytes = lock(&self.partitions[partition])
            .iter()
            .map(|store| store.memory_bytes())
            .sum();
        self.memory[partition].store(bytes, Ordering::Relaxed);
    }

    /// What the partitions took when they were measured last, and what they share takes now.
    pub fn memory_bytes(&self) -> u64 {
        let partitions = self.memory.iter();
        let measured: u64 = partitions.map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        measured + lock(&self.versions).memory_bytes()
    }

    /// Writes what the batch changed as `version`.
    pub fn flush(&self, version: StateVersion) -> Result<(), StateError> {
        let mut sections = Vec::new();
        for (partition, stores) in self.partitions.iter().enumerate() {
            for (store, spec) in lock(stores).iter_mut().zip(&self.spec.stores) {
                let changes = store.take_changes();
                if !changes.is_empty() {
                    let (store, partition) = (spec.name.clone(), partition as u32);
                    sections.push(Section {
                        store,
                        partition,
                        changes,
                    });
                }
            }
        }
        let written = lock(&self.versions).write_delta(version, &sections);
        (0..self.partition_count()).for_each(|partition| self.measure(partition));
        written
    }

    /// Learns that `committed` is final: no batch goes back behind it. Where enough deltas have
    /// come, what makes them superfluous is written.
    pub fn commit(&self, committed: StateVersion) -> Result<(), StateError> {
        for stores in &self.partitions {
            for store in lock(stores).iter_mut() {
                store.commit(committed)?;
            }
        }
        lock(&self.versions).commit(committed)
    }

    /// Drops the files that no version from `oldest_kept` on needs.
    pub fn clean(&self, oldest_kept: StateVersion) -> Result<(), StateError> {
        lock(&self.versions).clean(oldest_kept)
    }

    /// Lets go of the files, so that another run may open them at once: a task of this run that was
    /// cancelled may be there a little longer. It finds no stores.
    pub fn close(&self) {
        for stores in &self.partitions {
            lock(stores).clear();
        }
        lock(&self.versions).close();
    }

    fn sum(&self, figure: impl Fn(&[Box<dyn StateStore>]) -> u64) -> u64 {
        self.partitions
            .iter()
            .map(|stores| figure(&lock(stores)))
            .sum()
    }
}
