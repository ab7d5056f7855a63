//! Creating, extending and deleting topics.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::{BrokerId, LeaderEpoch, PartitionId, TopicId, TopicName};

use super::placement::place;
use super::repeated;
use super::{
    ConfigResource, Controller, ControllerError, CreatableTopic, CreatedTopic, ImportedPartition,
    ImportedTopic, Record, Reply, Topic, TopicLayout, TopicSelector,
};
use crate::machine::Chance;

/// How many partitions one request may create, as in Kafka.
pub const PARTITIONS_PER_REQUEST_MAX: usize = 10_000;

/// Kafka's own metadata lies in a folder of this name; a topic may not.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// A topic that passed all checks.
struct PlannedTopic {
    name: TopicName,
    replicas: Vec<Vec<BrokerId>>,
    clamped_from: Option<u16>,
    configs: BTreeMap<String, String>,
}

impl Controller {
    pub(super) fn create_topics(
        &self,
        chance: &mut dyn Chance,
        topics: Vec<CreatableTopic>,
        validate_only: bool,
    ) -> (Vec<Record>, Reply) {
        let mut records = Vec::new();
        let mut results = Vec::with_capacity(topics.len());
        let excessive = self.excessive(&topics);
        let repeated = repeated(topics.iter().map(|topic| topic.name.as_str()));
        for topic in &topics {
            let planned = if excessive {
                Err(ControllerError::TooManyPartitions)
            } else if repeated.contains(topic.name.as_str()) {
                Err(ControllerError::DuplicateTopicName)
            } else {
                self.plan_topic(chance, topic)
            };
            results.push(planned.map(|planned| self.create(chance, planned, &mut records)));
        }
        if validate_only {
            records.clear();
        }
        (records, Reply::CreateTopics(results))
    }

    fn create(
        &self,
        chance: &mut dyn Chance,
        planned: PlannedTopic,
        records: &mut Vec<Record>,
    ) -> CreatedTopic {
        let id = loop {
            let id = TopicId::new(chance.uuid());
            if let Some(id) = id.filter(|id| self.image.topic_by_id(*id).is_none()) {
                break id;
            }
        };
        let partitions = u32::try_from(planned.replicas.len()).unwrap_or(u32::MAX);
        let replication_factor = planned.replicas.first().map_or(0, Vec::len);
        let replication_factor = u16::try_from(replication_factor).unwrap_or(u16::MAX);
        records.push(Record::TopicCreated {
            name: planned.name.clone(),
            id,
        });
        records.extend(config_records(&planned.name, &planned.configs));
        records.extend(partition_records(id, 0, planned.replicas));
        let PlannedTopic {
            name,
            clamped_from,
            configs,
            ..
        } = planned;
        CreatedTopic {
            name,
            id,
            partitions,
            replication_factor,
            clamped_from,
            configs,
        }
    }

    fn plan_topic(
        &self,
        chance: &mut dyn Chance,
        topic: &CreatableTopic,
    ) -> Result<PlannedTopic, ControllerError> {
        let name = self.check_new_name(&topic.name)?;
        let configs = self.check_new_configs(&name, &topic.configs)?;
        let (replicas, clamped_from) = self.plan_layout(chance, &topic.layout)?;
        Ok(PlannedTopic {
            name,
            replicas,
            clamped_from,
            configs,
        })
    }

    fn check_new_name(&self, name: &str) -> Result<TopicName, ControllerError> {
        let name = TopicName::new(name)?;
        if name.as_str() == METADATA_TOPIC {
            return Err(ControllerError::ReservedTopic(name));
        }
        if self.image.topic(&name).is_some() {
            return Err(ControllerError::TopicAlreadyExists(name));
        }
        let colliding = plain_name(&name).and_then(|plain| self.plain_names.get(&plain));
        match colliding.and_then(BTreeSet::first) {
            Some(existing) => Err(ControllerError::TopicNameCollision {
                existing: existing.clone(),
                name,
            }),
            None => Ok(name),
        }
    }

    fn check_new_configs(
        &self,
        name: &TopicName,
        configs: &[(String, Option<String>)],
    ) -> Result<BTreeMap<String, String>, ControllerError> {
        let nulls = configs.iter().filter(|(_, value)| value.is_none());
        let nulls: Vec<&str> = nulls.map(|(name, _)| name.as_str()).collect();
        if !nulls.is_empty() {
            return Err(ControllerError::NullConfigs(nulls.join(",")));
        }
        let set = |(name, value): &(String, Option<String>)| {
            value.clone().map(|value| (name.clone(), value))
        };
        let configs: BTreeMap<String, String> = configs.iter().filter_map(set).collect();
        if !configs.is_empty() {
            self.validator
                .validate(&ConfigResource::Topic(name.clone()), &configs)
                .map_err(ControllerError::InvalidConfig)?;
        }
        Ok(configs)
    }

    /// The replicas of each partition, and the replication factor that was lowered, if any.
    fn plan_layout(
        &self,
        chance: &mut dyn Chance,
        layout: &TopicLayout,
    ) -> Result<(Vec<Vec<BrokerId>>, Option<u16>), ControllerError> {
        match layout {
            TopicLayout::Manual {
                replication_factor: Some(_),
                ..
            } => Err(ControllerError::ManualAssignmentWithReplicationFactor),
            TopicLayout::Manual {
                partitions: Some(_),
                ..
            } => Err(ControllerError::ManualAssignmentWithPartitions),
            TopicLayout::Manual { assignments, .. } => {
                Ok((self.check_assignments(assignments)?, None))
            }
            TopicLayout::Counts {
                partitions,
                replication_factor,
            } => self.plan_counts(chance, *partitions, *replication_factor),
        }
    }

    fn plan_counts(
        &self,
        chance: &mut dyn Chance,
        partitions: Option<i32>,
        replication_factor: Option<i16>,
    ) -> Result<(Vec<Vec<BrokerId>>, Option<u16>), ControllerError> {
        let wanted = match replication_factor.map(u16::try_from) {
            None => self.defaults.replication_factor,
            Some(Ok(wanted)) if wanted > 0 => wanted,
            Some(_) => return Err(ControllerError::ReplicationFactorNotPositive),
        };
        let partitions = match partitions.map(usize::try_from) {
            None => self.defaults.partitions as usize,
            Some(Ok(partitions)) if partitions > 0 => partitions,
            Some(_) => return Err(ControllerError::PartitionsNotPositive),
        };
        let brokers = self.image.brokers().len();
        let factor = if self.defaults.clamp_replication_factor && brokers > 0 {
            usize::from(wanted).min(brokers)
        } else {
            usize::from(wanted)
        };
        if factor > brokers {
            let replication_factor = wanted;
            return Err(ControllerError::ReplicationFactorTooLarge {
                replication_factor,
                brokers,
            });
        }
        let clamped_from = (factor < usize::from(wanted)).then_some(wanted);
        Ok((self.place(chance, partitions, factor), clamped_from))
    }

    pub(super) fn place(
        &self,
        chance: &mut dyn Chance,
        partitions: usize,
        replication_factor: usize,
    ) -> Vec<Vec<BrokerId>> {
        let brokers = self
            .image
            .brokers()
            .map(|broker| (broker.id, broker.rack.as_deref()));
        let start = (chance.next_u64() % self.image.brokers().len() as u64) as usize;
        place(brokers, partitions, replication_factor, start)
    }

    fn check_assignments(
        &self,
        assignments: &[(i32, Vec<i32>)],
    ) -> Result<Vec<Vec<BrokerId>>, ControllerError> {
        let mut by_partition = BTreeMap::new();
        let mut expected = None;
        for (partition, replicas) in assignments {
            if by_partition.contains_key(partition) {
                return Err(ControllerError::AssignmentRepeated(*partition));
            }
            let replicas = self.check_assignment(replicas, expected)?;
            expected = Some(replicas.len());
            by_partition.insert(*partition, replicas);
        }
        if !by_partition
            .keys()
            .copied()
            .eq((0..).take(by_partition.len()))
        {
            return Err(ControllerError::AssignmentNotConsecutive);
        }
        Ok(by_partition.into_values().collect())
    }

    pub(super) fn check_assignment(
        &self,
        replicas: &[i32],
        expected: Option<usize>,
    ) -> Result<Vec<BrokerId>, ControllerError> {
        if replicas.is_empty() {
            return Err(ControllerError::AssignmentEmpty);
        }
        let mut brokers = Vec::with_capacity(replicas.len());
        for id in replicas {
            let known = BrokerId::from_wire(*id).filter(|id| self.image.broker(*id).is_some());
            let broker = known.ok_or(ControllerError::AssignmentUnknownBroker(*id))?;
            if brokers.contains(&broker) {
                return Err(ControllerError::AssignmentRepeatsBroker(*id));
            }
            brokers.push(broker);
        }
        match expected {
            Some(expected) if expected != replicas.len() => {
                let replicas = replicas.len();
                Err(ControllerError::AssignmentInconsistent { replicas, expected })
            }
            _ => Ok(brokers),
        }
    }

    fn excessive(&self, topics: &[CreatableTopic]) -> bool {
        let partitions = |topic: &CreatableTopic| match &topic.layout {
            TopicLayout::Manual { assignments, .. } => assignments.len(),
            TopicLayout::Counts {
                partitions: None, ..
            } => self.defaults.partitions as usize,
            TopicLayout::Counts {
                partitions: Some(count),
                ..
            } => usize::try_from(*count).unwrap_or(0),
        };
        topics.iter().map(partitions).fold(0, usize::saturating_add) > PARTITIONS_PER_REQUEST_MAX
    }

    pub(super) fn import_topics(&self, topics: Vec<ImportedTopic>) -> (Vec<Record>, Reply) {
        let mut records = Vec::new();
        let mut results = Vec::with_capacity(topics.len());
        for topic in topics {
            let checked = self.check_import(&topic, &records);
            if checked.is_ok() {
                let ImportedTopic {
                    name,
                    id,
                    partitions,
                    configs,
                } = topic;
                records.push(Record::TopicCreated {
                    name: name.clone(),
                    id,
                });
                records.extend(config_records(&name, &configs.into_iter().collect()));
                records.extend(imported_records(id, partitions));
            }
            results.push(checked);
        }
        (records, Reply::ImportTopics(results))
    }

    fn check_import(
        &self,
        topic: &ImportedTopic,
        records: &[Record],
    ) -> Result<(), ControllerError> {
        let planned = |record: &Record, same_name: bool| {
            matches!(record, Record::TopicCreated { name, id }
                if if same_name { *name == topic.name } else { *id == topic.id })
        };
        if self.image.topic(&topic.name).is_some()
            || records.iter().any(|record| planned(record, true))
        {
            return Err(ControllerError::TopicAlreadyExists(topic.name.clone()));
        }
        if self.image.topic_by_id(topic.id).is_some()
            || records.iter().any(|record| planned(record, false))
        {
            return Err(ControllerError::TopicIdInUse(topic.name.clone()));
        }
        if topic.partitions.is_empty()
            || topic
                .partitions
                .iter()
                .any(|partition| partition.replicas.is_empty())
        {
            return Err(ControllerError::AssignmentEmpty);
        }
        Ok(())
    }

    pub(super) fn delete_topics(&self, topics: Vec<TopicSelector>) -> (Vec<Record>, Reply) {
        let mut deleted = BTreeSet::new();
        let mut results = Vec::with_capacity(topics.len());
        let repeated = repeated(topics.iter());
        for selector in &topics {
            let result = self.select(selector, repeated.contains(selector));
            results.push(result.and_then(|topic| {
                if deleted.insert(topic.id) {
                    Ok((topic.name.clone(), topic.id))
                } else {
                    Err(ControllerError::DuplicateTopicName)
                }
            }));
        }
        let records = deleted
            .into_iter()
            .map(|id| Record::TopicDeleted { id })
            .collect();
        (records, Reply::DeleteTopics(results))
    }

    fn select(&self, selector: &TopicSelector, repeated: bool) -> Result<&Topic, ControllerError> {
        match selector {
            TopicSelector::Name(_) if repeated => Err(ControllerError::DuplicateTopicName),
            TopicSelector::Id(_) if repeated => Err(ControllerError::DuplicateTopicId),
            TopicSelector::Name(name) => self.topic_named(name),
            TopicSelector::Id(id) => {
                let topic = self.image.topic_by_id(*id);
                topic
                    .map(|topic| &**topic)
                    .ok_or(ControllerError::UnknownTopicId)
            }
        }
    }

    pub(super) fn topic_named(&self, name: &str) -> Result<&Topic, ControllerError> {
        let name = TopicName::new(name).map_err(|_| ControllerError::UnknownTopic)?;
        self.image
            .topic(&name)
            .map(|topic| &**topic)
            .ok_or(ControllerError::UnknownTopic)
    }
}

/// How metrics would write `name`, if that may be another topic's name too.
pub(super) fn plain_name(name: &TopicName) -> Option<String> {
    name.as_str()
        .contains(['.', '_'])
        .then(|| name.as_str().replace('.', "_"))
}

fn config_records(name: &TopicName, configs: &BTreeMap<String, String>) -> Vec<Record> {
    let resource = ConfigResource::Topic(name.clone());
    let record = |(name, value): (&String, &String)| Record::ConfigSet {
        resource: resource.clone(),
        name: name.clone(),
        value: Some(value.clone()),
    };
    configs.iter().map(record).collect()
}

/// New partitions, numbered from `first`, all replicas in sync and the first one leading.
pub(super) fn partition_records(
    topic: TopicId,
    first: usize,
    replicas: Vec<Vec<BrokerId>>,
) -> impl Iterator<Item = Record> {
    let numbers = (first as i32..).map_while(|number| PartitionId::new(number).ok());
    numbers.zip(replicas).map(move |(partition, replicas)| {
        partition_record(topic, partition, replicas, LeaderEpoch::ZERO)
    })
}

fn imported_records(
    topic: TopicId,
    partitions: Vec<ImportedPartition>,
) -> impl Iterator<Item = Record> {
    let numbers = (0..).map_while(|number| PartitionId::new(number).ok());
    numbers.zip(partitions).map(move |(partition, imported)| {
        partition_record(topic, partition, imported.replicas, imported.leader_epoch)
    })
}

fn partition_record(
    topic: TopicId,
    partition: PartitionId,
    replicas: Vec<BrokerId>,
    leader_epoch: LeaderEpoch,
) -> Record {
    Record::PartitionSet {
        topic,
        partition,
        in_sync_replicas: replicas.clone(),
        leader: replicas.first().copied(),
        leader_epoch,
        partition_epoch: 0,
        replicas,
    }
}
