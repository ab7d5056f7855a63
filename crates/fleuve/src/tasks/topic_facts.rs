//! What topics hold: of each partition where it begins and ends, and what it takes on disk.
//! Start at [`of_topics`].

use std::collections::BTreeMap;

use fleuve_client::admin::LogDirectory;
use fleuve_client::metadata::{Partition, Topic};
use fleuve_client::{Admin, ClientError, IsolationLevel, OffsetSpec};
use fleuve_model::{BrokerId, TopicPartition};

/// A topic and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct TopicFacts {
    pub topic: Topic,
    /// In the order of the topic's partitions.
    pub partitions: Vec<PartitionFacts>,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartitionFacts {
    /// The first offset, if its leader answered.
    pub start: Option<i64>,
    /// The offset after the last, likewise.
    pub end: Option<i64>,
    /// What the leader's segments take.
    pub bytes: Option<u64>,
}

impl PartitionFacts {
    pub(crate) fn records(&self) -> Option<u64> {
        u64::try_from(self.end? - self.start?).ok()
    }
}

impl TopicFacts {
    /// The records of all partitions, if all are known.
    pub(crate) fn records(&self) -> Option<u64> {
        self.partitions.iter().map(PartitionFacts::records).sum()
    }

    /// What all partitions take, each counted once, if all are known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.partitions.iter().map(|facts| facts.bytes).sum()
    }
}

/// Asks the leaders and the brokers' log directories.
pub(crate) async fn of_topics(
    admin: &Admin,
    topics: Vec<Topic>,
) -> Result<Vec<TopicFacts>, ClientError> {
    let starts = offsets(admin, &topics, OffsetSpec::Earliest).await;
    let ends = offsets(admin, &topics, OffsetSpec::Latest).await;
    let directories = log_directories(admin).await?;
    let facts = |topic: &Topic, partition: &Partition| {
        let id = TopicPartition::new(topic.name.clone(), partition.id);
        PartitionFacts {
            start: starts.get(&id).copied(),
            end: ends.get(&id).copied(),
            bytes: partition
                .leader
                .and_then(|leader| bytes_of(directories.get(&leader)?, &id)),
        }
    };
    let all = topics.into_iter().map(|topic| TopicFacts {
        partitions: topic.partitions.iter().map(|p| facts(&topic, p)).collect(),
        topic,
    });
    Ok(all.collect())
}

async fn offsets(
    admin: &Admin,
    topics: &[Topic],
    spec: OffsetSpec,
) -> BTreeMap<TopicPartition, i64> {
    let mut asked = BTreeMap::new();
    for topic in topics {
        for partition in topic.partitions.iter().filter(|p| p.leader.is_some()) {
            asked.insert(TopicPartition::new(topic.name.clone(), partition.id), spec);
        }
    }
    let found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await;
    let known = found
        .into_iter()
        .filter_map(|(partition, listed)| Some((partition, listed.ok()?.offset?.value())));
    known.collect()
}

/// The log directories of every broker that answers.
pub(crate) async fn log_directories(
    admin: &Admin,
) -> Result<BTreeMap<BrokerId, Vec<LogDirectory>>, ClientError> {
    let mut directories = BTreeMap::new();
    for broker in admin.describe_cluster().await?.brokers {
        if let Ok(found) = admin.describe_log_dirs(broker.id).await {
            directories.insert(broker.id, found);
        }
    }
    Ok(directories)
}

fn bytes_of(directories: &[LogDirectory], partition: &TopicPartition) -> Option<u64> {
    let mut found = directories
        .iter()
        .filter_map(|directory| directory.partitions.get(partition))
        .filter(|found| !found.is_future);
    u64::try_from(found.next()?.size_bytes).ok()
}
