//! The log directories of this broker: opened, formatted, loaded, each with its thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use fleuve_model::{BrokerId, TopicId, TopicPartition};
use fleuve_storage::disk::{Disk, DiskSpace};
use fleuve_storage::recovery::CutReason;
use fleuve_storage::{LogDirectory, MetaProperties};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::configuration::ReplicaConfig;
use super::error::DirectoryFailed;
use super::replica::Replica;
use super::writer::Writer;
use super::writer_handle::{Command, CreateCommand, DirectoryHandle};
use crate::clock::Clock;
use crate::config::Durability;

/// What the directories have in common.
pub(crate) struct DirectoryParts<'a> {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Clock,
    pub(crate) retention_interval: Duration,
    pub(crate) recovery_threads: usize,
    /// The configuration of each log before the metadata is known.
    pub(crate) config_of: &'a (dyn Fn(&TopicPartition) -> (ReplicaConfig, Durability) + Sync),
}

/// Directories that are open, formatted and not loaded yet.
pub(crate) struct OpenDirectories {
    directories: Vec<LogDirectory>,
    are_fresh: bool,
    pub(crate) cluster_id: String,
}

/// Every directory that works, with the threads that write them.
#[derive(Debug)]
pub(crate) struct LogDirectories {
    handles: Vec<DirectoryHandle>,
    /// Whether all that could be opened were empty before.
    are_fresh: bool,
    disk: Arc<dyn Disk>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

/// Opens every directory of `paths`, and formats those that are empty. One that cannot be opened
/// is left out with an error in the log, as long as another can.
pub(crate) fn open(
    disk: &Arc<dyn Disk>,
    paths: &[PathBuf],
    broker: BrokerId,
    cluster_id_wanted: Option<&str>,
) -> Result<OpenDirectories, DirectoryFailed> {
    let mut directories = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        match open_one(disk, path, broker) {
            Ok(directory) => directories.push(directory),
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => errors.push(error),
        }
    }
    // The last of several is told by whoever started the broker.
    let fatal = directories
        .is_empty()
        .then(|| errors.pop().unwrap_or(DirectoryFailed::NoneLeft));
    for error in errors {
        tracing::error!("{error}");
    }
    if let Some(error) = fatal {
        return Err(error);
    }
    let are_fresh = directories
        .iter()
        .all(|directory| directory.meta_properties().is_none());
    let cluster_id = cluster_id(&directories, cluster_id_wanted)?;
    for directory in &mut directories {
        format(directory, broker, &cluster_id)?;
    }
    Ok(OpenDirectories {
        directories,
        are_fresh,
        cluster_id,
    })
}

/// A directory of another broker, or one in use: going on without it would be wrong.
fn is_fatal(error: &DirectoryFailed) -> bool {
    matches!(
        error,
        DirectoryFailed::InUse { .. } | DirectoryFailed::OfAnother { .. }
    )
}

fn open_one(
    disk: &Arc<dyn Disk>,
    path: &Path,
    broker: BrokerId,
) -> Result<LogDirectory, DirectoryFailed> {
    let failed = |reason: String| DirectoryFailed::Failed {
        path: path.to_owned(),
        reason,
    };
    create_folders(&**disk, path).map_err(|error| failed(error.to_string()))?;
    let directory = LogDirectory::open(Arc::clone(disk), path).map_err(|error| match error {
        fleuve_storage::OpenDirectoryError::Locked { path } => DirectoryFailed::InUse { path },
        // The folder's name is in the failure already.
        other => {
            failed(std::error::Error::source(&other).map_or_else(|| other.to_string(), with_source))
        }
    })?;
    if let Some(properties) = directory.meta_properties()
        && properties.node_id != broker
    {
        return Err(DirectoryFailed::OfAnother {
            path: path.to_owned(),
            found: properties.node_id,
            wanted: broker,
        });
    }
    Ok(directory)
}

/// Makes the folder and those above it, durably: a log is only as safe as the name it is under.
fn create_folders(disk: &dyn Disk, path: &Path) -> std::io::Result<()> {
    if disk.list(path).is_ok() {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_folders(disk, parent)?;
    }
    match disk.create_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    disk.sync_dir(parent.unwrap_or(Path::new(".")))
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_source(source)),
        None => error.to_string(),
    }
}

fn cluster_id(
    directories: &[LogDirectory],
    wanted: Option<&str>,
) -> Result<String, DirectoryFailed> {
    let mut found: Option<String> = None;
    for directory in directories {
        let Some(properties) = directory.meta_properties() else {
            continue;
        };
        match &found {
            Some(first) if *first != properties.cluster_id => {
                return Err(DirectoryFailed::OfAnotherCluster {
                    path: directory.path().to_owned(),
                    found: properties.cluster_id.clone(),
                    wanted: first.clone(),
                });
            }
            _ => found = Some(properties.cluster_id.clone()),
        }
    }
    let fresh = || {
        TopicId::new(Uuid::new_v4())
            .map(|id| id.to_string())
            .unwrap_or_default()
    };
    Ok(found
        .or_else(|| wanted.map(str::to_owned))
        .unwrap_or_else(fresh))
}

fn format(
    directory: &mut LogDirectory,
    broker: BrokerId,
    cluster_id: &str,
) -> Result<(), DirectoryFailed> {
    if directory.meta_properties().is_some() {
        return Ok(());
    }
    let path = directory.path().to_owned();
    tracing::info!("formatting {} for cluster {cluster_id}", path.display());
    let properties = MetaProperties {
        cluster_id: cluster_id.to_owned(),
        node_id: broker,
        directory_id: Some(Uuid::new_v4()),
    };
    directory
        .format(properties)
        .map_err(|error| DirectoryFailed::Failed {
            path,
            reason: with_source(&error),
        })
}

impl OpenDirectories {
    /// Loads the logs of every directory and starts the threads.
    pub(crate) fn load(
        self,
        parts: &DirectoryParts<'_>,
    ) -> Result<(LogDirectories, Vec<Arc<Replica>>), DirectoryFailed> {
        let mut loaded = LogDirectories {
            handles: Vec::new(),
            are_fresh: self.are_fresh,
            disk: Arc::clone(&parts.disk),
            threads: std::sync::Mutex::default(),
        };
        let mut replicas = Vec::new();
        let mut last_error = DirectoryFailed::NoneLeft;
        for directory in self.directories {
            match loaded.start(directory, parts) {
                Ok(found) => replicas.extend(found),
                Err(error) => {
                    tracing::error!("{error}");
                    last_error = error;
                }
            }
        }
        if loaded.handles.is_empty() {
            Err(last_error)
        } else {
            Ok((loaded, replicas))
        }
    }
}

impl LogDirectories {
    fn start(
        &mut self,
        directory: LogDirectory,
        parts: &DirectoryParts<'_>,
    ) -> Result<Vec<Arc<Replica>>, DirectoryFailed> {
        let path = directory.path().to_owned();
        let failed = |reason: String| DirectoryFailed::Failed {
            path: path.clone(),
            reason,
        };
        let config_of = |partition: &TopicPartition| (parts.config_of)(partition).0.log;
        let loaded = directory
            .load(&config_of, parts.clock.now().wall, parts.recovery_threads)
            .map_err(|error| failed(with_source(&error)))?;
        for damage in &loaded.damaged {
            let reason = match &damage.reason {
                Some(CutReason::Bad(error)) => format!(" ({error})"),
                _ => String::new(),
            };
            tracing::error!(
                "{damage}{reason}; the partition stays offline and its files untouched"
            );
        }
        for failure in &loaded.failed {
            let (partition, error) = (&failure.partition, with_source(&failure.error));
            tracing::error!(%partition, "the log cannot be opened: {error}");
        }
        let (commands, received) = mpsc::channel();
        let handle = DirectoryHandle::new(path.clone(), commands);
        let mut writer = Writer {
            directory,
            handle: handle.clone(),
            commands: received,
            logs: Vec::new(),
            queued: BTreeMap::new(),
            clock: parts.clock,
            retention_interval: parts.retention_interval,
            broker_epoch: 0,
        };
        let mut replicas = Vec::new();
        for (log, report) in loaded.logs {
            tracing::debug!(partition = %log.partition(), ?report, "log loaded");
            let (config, durability) = (parts.config_of)(log.partition());
            let noted = writer.directory.noted_high_watermark(log.partition());
            // One replica, and recovery has made durable what it kept: all of it is committed.
            let high_watermark = noted.unwrap_or(log.log_end()).max(log.log_end());
            replicas.push(writer.add(log, durability, config, high_watermark));
        }
        handle.status.count_partitions(replicas.len());
        let name = format!("log {}", path.display());
        let thread = std::thread::Builder::new()
            .name(name.chars().take(THREAD_NAME_MAX).collect())
            .spawn(move || writer.run())
            .map_err(|error| failed(error.to_string()))?;
        self.threads
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(thread);
        self.handles.push(handle);
        Ok(replicas)
    }

    /// Those of `configured` that could not be opened and may hold what is in no other: none at the
    /// first start of all, when there is nothing to be held.
    pub(crate) fn missing(&self, configured: &[PathBuf]) -> Vec<PathBuf> {
        let is_open = |path: &PathBuf| self.handles.iter().any(|it| it.status.path == *path);
        let configured = configured.iter().filter(|_| !self.are_fresh);
        configured.filter(|path| !is_open(path)).cloned().collect()
    }

    /// Makes a partition where the fewest are.
    pub(crate) async fn create(
        &self,
        partition: TopicPartition,
        topic_id: Option<TopicId>,
        config: ReplicaConfig,
        durability: Durability,
    ) -> Result<Arc<Replica>, DirectoryFailed> {
        let emptiest = self
            .handles
            .iter()
            .filter(|directory| directory.is_online())
            .min_by_key(|directory| directory.status.partitions_count())
            .ok_or(DirectoryFailed::NoneLeft)?;
        let (done, created) = oneshot::channel();
        let create = CreateCommand {
            partition,
            topic_id,
            config,
            durability,
            done,
        };
        let failed = |reason: String| DirectoryFailed::Failed {
            path: emptiest.status.path.clone(),
            reason,
        };
        emptiest
            .send(Command::Create(create))
            .map_err(|error| failed(error.to_string()))?;
        match created.await {
            Ok(outcome) => outcome.map_err(|error| failed(with_source(&error))),
            Err(_) => Err(failed("the broker is stopping".to_owned())),
        }
    }

    /// Deletes a partition's log.
    pub(crate) async fn delete(&self, replica: &Arc<Replica>) {
        replica.resign();
        let (done, deleted) = oneshot::channel();
        let delete = Command::Delete {
            replica: Arc::clone(replica),
            done,
        };
        if replica.directory.send(delete).is_ok() {
            // The thread may have ended; then the next start deletes it.
            _ = deleted.await;
        }
    }

    /// Every directory.
    pub(crate) fn handles(&self) -> &[DirectoryHandle] {
        &self.handles
    }

    /// The room on a directory's file system.
    pub(crate) fn space(&self, directory: &DirectoryHandle) -> std::io::Result<DiskSpace> {
        self.disk.space(&directory.status.path)
    }

    /// Tells every thread to finish, and waits until it has. Blocks.
    pub(crate) fn stop(&self) {
        for handle in &self.handles {
            // A thread that has ended needs no telling.
            _ = handle.send(Command::Stop);
        }
        let mut threads = self
            .threads
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a log thread has panicked");
            }
        }
    }
}

/// What the operating system shows of a thread's name.
const THREAD_NAME_MAX: usize = 15;
