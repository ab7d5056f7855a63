//! Takes over a log directory that Apache Kafka (KRaft) wrote.
//!
//! The records stay where they are: logs are the same byte for byte. What Kafka knows of them
//! (topics, ids, leader epochs, configs, producer ids) is read from the newest snapshot of
//! `__cluster_metadata-0` and the log behind it, and becomes records of our own metadata log.
//! Our cluster is created after the import, so an import that was cut off is begun again.
//! Start at [`take_over`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fleuve_cluster::controller::{
    AlterConfigs, Command, ConfigChange, ConfigOperation, ConfigResource, ControllerError,
    ImportedPartition, ImportedTopic, Reply,
};
use fleuve_model::record::{Batches, PLAIN_BYTES_MAX_DEFAULT, RecordBatch};
use fleuve_model::{BrokerId, LeaderEpoch, Offset, TopicId, TopicName};
use fleuve_protocol::internal_records::MetadataRecord;
use fleuve_protocol::internal_records::metadata::{
    ConfigRecord, PartitionChangeRecord, PartitionRecord,
};
use fleuve_storage::disk::{Disk, read_file};

use crate::broker::{BrokerState, StartError};
use crate::config::{topic_table, warn_of_topic_config};
use crate::log::{MachineLog, Replica};

/// The folder of Kafka's metadata.
const METADATA_FOLDER: &str = "__cluster_metadata-0";
const SNAPSHOT_SUFFIX: &str = ".checkpoint";
/// `leader` of a change that leaves it as it is.
const NO_LEADER_CHANGE: i32 = -2;
/// Kafka's numbers for what configs belong to.
const CONFIGS_OF_TOPIC: i8 = 2;
const CONFIGS_OF_BROKER: i8 = 4;

/// What Kafka's metadata amounts to.
#[derive(Debug, Default)]
struct Found {
    topics: BTreeMap<TopicId, FoundTopic>,
    configs: BTreeMap<(i8, String), BTreeMap<String, String>>,
    next_producer_id: i64,
    /// Kinds of record that mean something, and that nothing here can keep yet.
    not_imported: BTreeMap<&'static str, usize>,
}

#[derive(Debug)]
struct FoundTopic {
    name: TopicName,
    partitions: BTreeMap<i32, FoundPartition>,
}

#[derive(Debug)]
struct FoundPartition {
    replicas: Vec<i32>,
    leader_epoch: i32,
}

/// Imports what a Kafka broker left in these directories, if there is anything.
pub(crate) async fn take_over(
    broker: &Arc<BrokerState>,
    replicas: &[Arc<Replica>],
) -> Result<(), StartError> {
    let Some(metadata) = replicas
        .iter()
        .find(|it| it.partition.to_string() == METADATA_FOLDER)
    else {
        return Ok(());
    };
    let failed = |reason: String| {
        StartError::Metadata(format!("Kafka's metadata in {METADATA_FOLDER}: {reason}"))
    };
    let folder = metadata.directory.status.path.join(METADATA_FOLDER);
    let mut found = Found::default();
    let snapshot_end =
        read_snapshot(&*broker.config.disks.0, &folder, &mut found).map_err(failed)?;
    let applied = MachineLog::replay(metadata, |batch| match batch.header().base_offset {
        offset if offset < snapshot_end => Ok(()),
        _ => found.apply_batch(batch),
    });
    applied.await.map_err(|error| failed(error.to_string()))?;
    tracing::info!("taking over {} topics of Apache Kafka", found.topics.len());
    import_topics(broker, &found).await?;
    import_broker_configs(broker, &found).await?;
    skip_producer_ids(broker, found.next_producer_id).await?;
    for (kind, count) in &found.not_imported {
        tracing::warn!("not taken over from Apache Kafka, not supported yet: {count} {kind}");
    }
    Ok(())
}

/// Applies the newest snapshot, and returns the offset behind the last record in it.
fn read_snapshot(disk: &dyn Disk, folder: &Path, found: &mut Found) -> Result<Offset, String> {
    let entries = disk.list(folder).map_err(|error| error.to_string())?;
    let snapshots = entries.iter().filter_map(|entry| {
        let stem = entry.name.strip_suffix(SNAPSHOT_SUFFIX)?;
        let (end, epoch) = stem.split_once('-')?;
        Some((
            end.parse::<i64>().ok()?,
            epoch.parse::<i32>().ok()?,
            &entry.name,
        ))
    });
    let Some((end, _, name)) = snapshots.max() else {
        return Ok(Offset::ZERO);
    };
    let content = read_file(disk, &folder.join(name)).map_err(|error| error.to_string())?;
    for batch in Batches::new(Bytes::from(content.unwrap_or_default())) {
        let batch = batch.map_err(|error| format!("{name}: {error}"))?;
        batch
            .verify_crc()
            .map_err(|error| format!("{name}: {error}"))?;
        if !batch.header().attributes.is_control() {
            found.apply_batch(&batch)?;
        }
    }
    Offset::new(end).map_err(|error| error.to_string())
}

impl Found {
    fn apply_batch(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let mut scratch = Vec::new();
        let records = batch
            .records(&mut scratch, PLAIN_BYTES_MAX_DEFAULT)
            .map_err(|it| it.to_string())?;
        for record in records {
            let record = record.map_err(|error| error.to_string())?;
            let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
            self.apply(MetadataRecord::decode(value).map_err(|error| error.to_string())?)?;
        }
        Ok(())
    }

    fn apply(&mut self, record: MetadataRecord) -> Result<(), String> {
        match record {
            MetadataRecord::TopicRecord(topic) => {
                let name = TopicName::new(topic.name.as_str()).map_err(|it| it.to_string())?;
                let id = topic.topic_id.ok_or("a topic has no id")?;
                let partitions = BTreeMap::new();
                self.topics.insert(id, FoundTopic { name, partitions });
            }
            MetadataRecord::RemoveTopicRecord(removed) => self.remove_topic(removed.topic_id),
            MetadataRecord::PartitionRecord(partition) => self.set_partition(&partition),
            MetadataRecord::PartitionChangeRecord(change) => self.change_partition(&change),
            MetadataRecord::ConfigRecord(config) => self.set_config(&config),
            MetadataRecord::ProducerIdsRecord(ids) => {
                self.next_producer_id = self.next_producer_id.max(ids.next_producer_id);
            }
            MetadataRecord::AbortTransactionRecord(_) => {
                return Err("an aborted metadata transaction cannot be read yet".to_owned());
            }
            MetadataRecord::AccessControlEntryRecord(_) => self.note("access control entries"),
            MetadataRecord::UserScramCredentialRecord(_) => self.note("SCRAM credentials"),
            MetadataRecord::ClientQuotaRecord(_) => self.note("client quotas"),
            MetadataRecord::DelegationTokenRecord(_) => self.note("delegation tokens"),
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, kind: &'static str) {
        *self.not_imported.entry(kind).or_default() += 1;
    }

    fn remove_topic(&mut self, id: Option<TopicId>) {
        if let Some(removed) = id.and_then(|id| self.topics.remove(&id)) {
            self.configs
                .remove(&(CONFIGS_OF_TOPIC, removed.name.to_string()));
        }
    }

    fn set_partition(&mut self, partition: &PartitionRecord) {
        let topic = partition.topic_id.and_then(|id| self.topics.get_mut(&id));
        if let Some(topic) = topic {
            let found = FoundPartition {
                replicas: partition.replicas.clone(),
                leader_epoch: partition.leader_epoch,
            };
            topic.partitions.insert(partition.partition_id, found);
        }
    }

    /// A change of the leader raises its epoch, even if it stays the same.
    fn change_partition(&mut self, change: &PartitionChangeRecord) {
        let topic = change.topic_id.and_then(|id| self.topics.get_mut(&id));
        let partition = topic.and_then(|topic| topic.partitions.get_mut(&change.partition_id));
        if let Some(partition) = partition {
            if change.leader != NO_LEADER_CHANGE {
                partition.leader_epoch += 1;
            }
            if let Some(replicas) = &change.replicas {
                partition.replicas.clone_from(replicas);
            }
        }
    }

    fn set_config(&mut self, config: &ConfigRecord) {
        let resource = (config.resource_type, config.resource_name.to_string());
        let configs = self.configs.entry(resource).or_default();
        match &config.value {
            Some(value) => configs.insert(config.name.to_string(), value.to_string()),
            None => configs.remove(config.name.as_str()),
        };
    }

    fn topic_configs(&self, topic: &TopicName) -> Vec<(String, String)> {
        let configs = self.configs.get(&(CONFIGS_OF_TOPIC, topic.to_string()));
        let is_valid = |(name, value): &(&String, &String)| {
            let checked = topic_table()
                .get(name)
                .map(|definition| definition.check(value));
            let valid = matches!(checked, Some(Ok(_)));
            if !valid {
                tracing::warn!(%topic, "config {name}={value} is not taken over");
            }
            valid
        };
        let configs = configs.into_iter().flatten().filter(is_valid);
        configs
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

impl FoundTopic {
    /// The partitions as this broker alone holds them; none if it does not hold them all.
    fn partitions_of(&self, broker: BrokerId) -> Option<Vec<ImportedPartition>> {
        let is_whole = self
            .partitions
            .keys()
            .copied()
            .eq(0..self.partitions.len() as i32);
        let mut imported = Vec::with_capacity(self.partitions.len());
        for partition in self.partitions.values() {
            partition.replicas.contains(&broker.value()).then_some(())?;
            let leader_epoch = LeaderEpoch::from_wire(partition.leader_epoch)?;
            imported.push(ImportedPartition {
                replicas: vec![broker],
                leader_epoch,
            });
        }
        (is_whole && !imported.is_empty()).then_some(imported)
    }
}

async fn import_topics(broker: &BrokerState, found: &Found) -> Result<(), StartError> {
    let mut topics = Vec::new();
    for (id, topic) in &found.topics {
        let Some(partitions) = topic.partitions_of(broker.id()) else {
            tracing::warn!(topic = %topic.name, "not taken over: it has partitions elsewhere");
            continue;
        };
        let configs = found.topic_configs(&topic.name);
        for (name, value) in &configs {
            warn_of_topic_config(topic.name.as_str(), name, value);
        }
        topics.push(ImportedTopic {
            name: topic.name.clone(),
            id: *id,
            partitions,
            configs,
        });
    }
    let answer = crate::metadata::ask(broker, Command::ImportTopics { topics }).await?;
    let Reply::ImportTopics(results) = answer else {
        return Err(StartError::Metadata(format!(
            "the import was answered {answer:?}"
        )));
    };
    for result in results {
        match result {
            // An earlier start began this import and was cut off.
            Ok(()) | Err(ControllerError::TopicAlreadyExists(_)) => {}
            Err(error) => tracing::error!("a topic is not taken over: {error}"),
        }
    }
    Ok(())
}

async fn import_broker_configs(broker: &BrokerState, found: &Found) -> Result<(), StartError> {
    for ((kind, name), configs) in &found.configs {
        let resource = match (*kind, name.as_str()) {
            (CONFIGS_OF_BROKER, "") => ConfigResource::Broker(None),
            (CONFIGS_OF_BROKER, id) if *id == broker.id().to_string() => {
                ConfigResource::Broker(Some(broker.id()))
            }
            _ => continue,
        };
        let changes = configs.iter().map(|(name, value)| ConfigChange {
            name: name.clone(),
            operation: ConfigOperation::Set(value.clone()),
        });
        let change = AlterConfigs {
            resource,
            replace: false,
            changes: changes.collect(),
        };
        let command = Command::AlterConfigs {
            resources: vec![change],
            validate_only: false,
        };
        let answer = crate::metadata::ask(broker, command).await?;
        if let Reply::AlterConfigs(results) = answer
            && let Some(Err(error)) = results.into_iter().next()
        {
            tracing::warn!("broker configs of Apache Kafka are not taken over: {error}");
        }
    }
    Ok(())
}

/// Gives out blocks to nobody until those that Kafka gave out are behind.
async fn skip_producer_ids(broker: &BrokerState, next: i64) -> Result<(), StartError> {
    while broker.image().next_producer_id().value() < next {
        let command = Command::AllocateProducerIds {
            broker: broker.id(),
        };
        match crate::metadata::ask(broker, command).await? {
            Reply::AllocateProducerIds(Ok(_)) => {}
            other => return Err(StartError::Metadata(format!("producer ids: {other:?}"))),
        }
    }
    Ok(())
}
