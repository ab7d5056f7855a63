//! The state of one stateful operator: its stores, split over partitions.
//!
//! Always true: a key lives in the partition its checksum says, and the number of partitions is
//! the one the first batch pinned. Start at [`OperatorState::open`].

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{Section, crc32c};
use super::{MemoryStore, SnapshotPolicy, StateError, StateFiles, StateStore, StateVersion};
use crate::checkpoint::lock;
use crate::file_system::FileSystem;

/// How keys find their partition; written down so that it can never change unseen.
const PARTITION_HASH: &str = "crc32c";

/// What an operator is, as its checkpoint remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorSpec {
    pub operator: u32,
    /// As progress names it: `stateStoreSave`, `dedupe`, …
    pub name: String,
    pub partitions: u32,
    pub stores: Vec<StoreSpec>,
}

/// One store of an operator: what its keys and values are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreSpec {
    pub name: String,
    /// Names and types of the key's columns.
    pub key: String,
    /// Names and types of the value's columns.
    pub value: String,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    hash: String,
    #[serde(flatten)]
    spec: OperatorSpec,
}

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
    partitions: Vec<Mutex<Vec<MemoryStore>>>,
    files: Mutex<StateFiles>,
    figures: Mutex<StateFigures>,
}

impl OperatorState {
    /// Opens version `version` of the state that `spec` describes; the number of partitions is
    /// the checkpoint's where there is one.
    pub fn open(
        mut spec: OperatorSpec,
        state_folder: &std::path::Path,
        files: Arc<dyn FileSystem>,
        policy: SnapshotPolicy,
        version: StateVersion,
    ) -> Result<Self, StateError> {
        let folder = state_folder.join(spec.operator.to_string());
        match read_metadata(&folder, files.as_ref())? {
            Some(pinned) => {
                spec.partitions = pinned.partitions;
                check_unchanged(&pinned, &spec)?;
            }
            None => write_metadata(&folder, files.as_ref(), &spec)?,
        }
        let mut state_files = StateFiles::new(folder, files, policy);
        let mut loaded = state_files.load(version)?;
        let partitions = (0..spec.partitions)
            .map(|partition| {
                let take = |store: &StoreSpec| {
                    loaded
                        .remove(&(store.name.clone(), partition))
                        .unwrap_or_default()
                };
                Mutex::new(spec.stores.iter().map(take).collect())
            })
            .collect();
        Ok(Self {
            spec,
            partitions,
            files: Mutex::new(state_files),
            figures: Mutex::new(StateFigures::default()),
        })
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
    pub fn partition(&self, partition: usize) -> MutexGuard<'_, Vec<MemoryStore>> {
        lock(&self.partitions[partition])
    }

    pub fn report(&self, add: impl FnOnce(&mut StateFigures)) {
        add(&mut lock(&self.figures));
    }

    pub fn take_figures(&self) -> StateFigures {
        std::mem::take(&mut *lock(&self.figures))
    }

    pub fn rows(&self) -> u64 {
        self.sum(StateStore::rows)
    }

    pub fn memory_bytes(&self) -> u64 {
        self.sum(StateStore::memory_bytes)
    }

    pub fn shards(&self) -> u64 {
        self.sum(StateStore::shards)
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
        lock(&self.files)
            .write_delta(version, &sections)
            .map(|_| ())
    }

    /// Makes snapshots and drops old files, now that `committed` is final.
    pub fn maintain(
        &self,
        committed: StateVersion,
        oldest_kept: StateVersion,
    ) -> Result<(), StateError> {
        lock(&self.files).maintain(committed, oldest_kept)
    }

    fn sum(&self, figure: impl Fn(&MemoryStore) -> u64) -> u64 {
        self.partitions
            .iter()
            .map(|stores| lock(stores).iter().map(&figure).sum::<u64>())
            .sum()
    }
}

fn check_unchanged(pinned: &OperatorSpec, asked: &OperatorSpec) -> Result<(), StateError> {
    if pinned.name != asked.name {
        return Err(StateError::OperatorsChanged {
            in_checkpoint: format!(
                "(OperatorId: {} -> OperatorName: {})",
                pinned.operator, pinned.name
            ),
            in_query: format!(
                "(OperatorId: {} -> OperatorName: {})",
                asked.operator, asked.name
            ),
        });
    }
    let differs = |what: &str, before: &str, now: &str| StateError::Changed {
        operator: asked.operator,
        difference: format!("{what} were [{before}] and are now [{now}]"),
    };
    for (before, now) in pinned.stores.iter().zip(&asked.stores) {
        if before.key != now.key {
            return Err(differs("its keys", &before.key, &now.key));
        }
        if before.value != now.value {
            return Err(differs("its values", &before.value, &now.value));
        }
    }
    if pinned.stores.len() != asked.stores.len() {
        let count = |spec: &OperatorSpec| spec.stores.len().to_string();
        return Err(differs("its stores", &count(pinned), &count(asked)));
    }
    Ok(())
}

fn read_metadata(
    folder: &std::path::Path,
    files: &dyn FileSystem,
) -> Result<Option<OperatorSpec>, StateError> {
    let path = folder.join("_metadata").join("metadata");
    let bytes = match files.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(StateError::Io {
                path,
                reason: error.to_string(),
            });
        }
    };
    let damaged = |reason: String| StateError::Damaged {
        path: path.clone(),
        reason,
    };
    let metadata: Metadata =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if metadata.hash != PARTITION_HASH {
        return Err(damaged(format!(
            "its partition hash {} is not known",
            metadata.hash
        )));
    }
    Ok(Some(metadata.spec))
}

fn write_metadata(
    folder: &std::path::Path,
    files: &dyn FileSystem,
    spec: &OperatorSpec,
) -> Result<(), StateError> {
    let path = folder.join("_metadata").join("metadata");
    let metadata = Metadata {
        version: 1,
        hash: PARTITION_HASH.to_owned(),
        spec: spec.clone(),
    };
    let bytes = serde_json::to_vec(&metadata).expect("strings and numbers always serialize");
    files
        .replace(&path, &bytes)
        .map_err(|error| StateError::Io {
            path: path.clone(),
            reason: error.to_string(),
        })
}
