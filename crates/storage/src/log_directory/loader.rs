//! Opening all logs of a directory, several at a time.

use std::path::Path;
use std::sync::Mutex;

use fleuve_model::{PartitionId, Timestamp, TopicName, TopicPartition};

use super::LogDirectory;
use crate::config::LogConfig;
use crate::disk::{Disk, EntryKind};
use crate::error::StorageError;
use crate::parallel;
use crate::partition_log::PartitionLog;
use crate::recovery::{Damage, LoadReport, LoadRequest, LoadedPartition, load_partition};

/// What a directory holds.
#[derive(Debug, Default)]
pub struct LoadedDirectory {
    /// The logs that can be used, by topic and partition.
    pub logs: Vec<(PartitionLog, LoadReport)>,
    /// The logs that lack what they had promised; they stay as they are.
    pub damaged: Vec<Damage>,
    /// The logs that could not be opened for another reason.
    pub failed: Vec<FailedPartition>,
    /// The names of what is no log of ours.
    pub ignored: Vec<String>,
}

/// A log that could not be opened.
#[derive(Debug)]
pub struct FailedPartition {
    /// Whose log.
    pub partition: TopicPartition,
    /// Why.
    pub error: StorageError,
}

/// Behind the name of the folder of a partition that has been deleted.
pub(crate) const DELETED_FOLDER_SUFFIX: &str = "-delete";

impl LogDirectory {
    /// Opens all logs, on as many threads as `threads` says. Folders of deleted partitions are
    /// removed. The clean stop, if there was one, is used up by this.
    pub fn load(
        &self,
        config_of: &(dyn Fn(&TopicPartition) -> LogConfig + Sync),
        now: Timestamp,
        threads: usize,
    ) -> Result<LoadedDirectory, StorageError> {
        let was_stopped_cleanly = self.was_stopped_cleanly();
        self.begin_work()?;
        // A process that was killed may have left a folder whose name is not durable yet.
        if !was_stopped_cleanly {
            self.context.sync_dir(self.path())?;
        }
        let mut loaded = LoadedDirectory::default();
        let mut requests = Vec::new();
        let entries = self.context.disk().list(self.path());
        for entry in self.context.read(entries, self.path())? {
            if entry.kind != EntryKind::Directory {
                continue;
            }
            if entry.name.ends_with(DELETED_FOLDER_SUFFIX) {
                self.remove_folder(&self.path().join(entry.name))?;
                continue;
            }
            let Some(partition) = partition_of(&entry.name) else {
                loaded.ignored.push(entry.name);
                continue;
            };
            requests.push(LoadRequest {
                directory: self.context.clone(),
                config: config_of(&partition),
                partition,
                was_stopped_cleanly,
                now,
            });
        }
        for (partition, outcome) in load_all(requests, threads) {
            match outcome {
                Ok(LoadedPartition::Log(log, report)) => loaded.logs.push((*log, report)),
                Ok(LoadedPartition::Damaged(damage)) => loaded.damaged.push(damage),
                Err(error) => loaded.failed.push(FailedPartition { partition, error }),
            }
        }
        Ok(loaded)
    }

    /// Removes the folder of a deleted partition with all its files.
    pub fn remove_folder(&self, path: &Path) -> Result<(), StorageError> {
        let disk = self.context.disk();
        self.context.wrote(remove_tree(disk, path), path)
    }
}

type Outcome = (TopicPartition, Result<LoadedPartition, StorageError>);

fn load_all(requests: Vec<LoadRequest>, threads: usize) -> Vec<Outcome> {
    let outcomes = Mutex::new(Vec::new());
    parallel::for_each(threads, requests, |request| {
        let outcome = load_partition(&request);
        let outcomes = &mut *outcomes.lock().expect("adding an outcome does not panic");
        outcomes.push((request.partition, outcome));
    });
    let mut outcomes = outcomes
        .into_inner()
        .expect("adding an outcome does not panic");
    outcomes.sort_by(|(left, _): &Outcome, (right, _)| left.cmp(right));
    outcomes
}

/// The partition that a folder's name stands for: the topic, a hyphen and a number.
fn partition_of(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    let is_plain = partition == "0" || !partition.starts_with('0');
    if !is_plain || !partition.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let partition = PartitionId::new(partition.parse().ok()?).ok()?;
    Some(TopicPartition::new(TopicName::new(topic).ok()?, partition))
}

fn remove_tree(disk: &dyn Disk, path: &Path) -> std::io::Result<()> {
    for entry in disk.list(path)? {
        let path = path.join(entry.name);
        match entry.kind {
            EntryKind::Directory => remove_tree(disk, &path)?,
            EntryKind::File { .. } => disk.remove(&path)?,
        }
    }
    disk.remove_dir(path)
}
