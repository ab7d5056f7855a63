//! More partitions for topics that there are.

use fleuve_model::BrokerId;

use super::topics::{PARTITIONS_PER_REQUEST_MAX, partition_records};
use super::{Controller, ControllerError, NewPartitions, Record, Reply, Topic, repeated};
use crate::machine::Chance;

impl Controller {
    pub(super) fn create_partitions(
        &self,
        chance: &mut dyn Chance,
        topics: Vec<NewPartitions>,
        validate_only: bool,
    ) -> (Vec<Record>, Reply) {
        let mut records = Vec::new();
        let mut results = Vec::with_capacity(topics.len());
        let repeated = repeated(topics.iter().map(|topic| topic.name.as_str()));
        for topic in &topics {
            let result = if repeated.contains(topic.name.as_str()) {
                Err(ControllerError::DuplicateTopicName)
            } else {
                self.extend_topic(chance, topic)
            };
            results.push(result.map(|new| records.extend(new)));
        }
        if validate_only {
            records.clear();
        }
        (records, Reply::CreatePartitions(results))
    }

    fn extend_topic(
        &self,
        chance: &mut dyn Chance,
        request: &NewPartitions,
    ) -> Result<Vec<Record>, ControllerError> {
        let topic = self.topic_named(&request.name)?;
        let current = topic.partitions.len();
        let additional = additional_partitions(topic, request.count)?;
        if additional > PARTITIONS_PER_REQUEST_MAX {
            return Err(ControllerError::TooManyPartitions);
        }
        let factor = topic
            .partitions
            .first()
            .map_or(1, |partition| partition.replicas.len());
        let replicas = match &request.assignments {
            Some(assignments) if assignments.len() != additional => {
                let assignments = assignments.len();
                return Err(ControllerError::AssignmentsTooFew {
                    additional,
                    assignments,
                });
            }
            Some(assignments) => {
                let check = |replicas: &Vec<i32>| self.check_assignment(replicas, Some(factor));
                assignments.iter().map(check).collect::<Result<_, _>>()?
            }
            None => self.place_additional(chance, additional, factor)?,
        };
        Ok(partition_records(topic.id, current, replicas).collect())
    }

    fn place_additional(
        &self,
        chance: &mut dyn Chance,
        partitions: usize,
        replication_factor: usize,
    ) -> Result<Vec<Vec<BrokerId>>, ControllerError> {
        let brokers = self.image.brokers().len();
        if replication_factor > brokers {
            let replication_factor = u16::try_from(replication_factor).unwrap_or(u16::MAX);
            return Err(ControllerError::ReplicationFactorTooLarge {
                replication_factor,
                brokers,
            });
        }
        Ok(self.place(chance, partitions, replication_factor))
    }
}

fn additional_partitions(topic: &Topic, count: i32) -> Result<usize, ControllerError> {
    let current = topic.partitions.len();
    let requested = usize::try_from(count).unwrap_or(0);
    match requested.cmp(&current) {
        std::cmp::Ordering::Greater => Ok(requested - current),
        std::cmp::Ordering::Equal => Err(ControllerError::PartitionCountUnchanged(current)),
        std::cmp::Ordering::Less => Err(ControllerError::PartitionCountNotLarger {
            topic: topic.name.clone(),
            current,
            requested: count,
        }),
    }
}
