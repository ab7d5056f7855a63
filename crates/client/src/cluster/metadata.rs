//! What a cluster looks like: brokers, topics, partitions and who leads them.

use std::collections::BTreeMap;

use fleuve_model::{BrokerId, ErrorCode, LeaderEpoch, PartitionId, TopicId, TopicName};
use fleuve_protocol::api::MetadataResponse;
use fleuve_protocol::api::metadata::{MetadataResponsePartition, MetadataResponseTopic};

/// A snapshot; a later one may differ in everything.
#[derive(Clone, Debug, Default)]
pub struct ClusterMetadata {
    /// The id that the cluster was formatted with.
    pub cluster_id: Option<String>,
    /// Where admin requests go; any broker with KRaft.
    pub controller: Option<BrokerId>,
    /// The brokers that are alive.
    pub brokers: BTreeMap<BrokerId, Broker>,
    /// The topics that were asked for and exist.
    pub topics: BTreeMap<TopicName, Topic>,
}

/// A broker and where its clients reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: BrokerId,
    /// The host it advertises.
    pub host: String,
    /// The port it advertises.
    pub port: u16,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

/// A topic with its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// The id of this incarnation; none from brokers that have no ids.
    pub id: Option<TopicId>,
    /// Whether it is Kafka's own.
    pub is_internal: bool,
    /// Its partitions, by number; the first is number 0.
    pub partitions: Vec<Partition>,
    /// What the client may do with it, as Kafka's bits, if it was asked for.
    pub authorized_operations: Option<i32>,
}

/// A partition and its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub id: PartitionId,
    /// Who leads it, if anybody does.
    pub leader: Option<BrokerId>,
    /// The leader's term.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Which replicas are in sync.
    pub in_sync_replicas: Vec<BrokerId>,
    /// Which replicas are offline.
    pub offline_replicas: Vec<BrokerId>,
}

/// A topic that was asked for and could not be told of.
#[derive(Clone, Debug)]
pub(crate) struct TopicRefusal {
    pub(crate) name: Option<String>,
    pub(crate) code: ErrorCode,
}

impl Topic {
    /// A partition by its number.
    pub fn partition(&self, id: PartitionId) -> Option<&Partition> {
        self.partitions.get(usize::try_from(id.value()).ok()?)
    }
}

impl ClusterMetadata {
    /// Reads an answer; topics that have an error are given apart.
    pub(crate) fn from_response(
        response: &MetadataResponse,
    ) -> (ClusterMetadata, Vec<TopicRefusal>) {
        let brokers = response.brokers.iter().filter_map(|broker| {
            let id = BrokerId::from_wire(broker.node_id)?;
            let host = broker.host.as_str().to_owned();
            let port = u16::try_from(broker.port).ok()?;
            let rack = broker.rack.as_ref().map(|rack| rack.as_str().to_owned());
            Some((
                id,
                Broker {
                    id,
                    host,
                    port,
                    rack,
                },
            ))
        });
        let mut metadata = ClusterMetadata {
            cluster_id: response
                .cluster_id
                .as_ref()
                .map(|id| id.as_str().to_owned()),
            controller: BrokerId::from_wire(response.controller_id),
            brokers: brokers.collect(),
            topics: BTreeMap::new(),
        };
        let mut refusals = Vec::new();
        for topic in &response.topics {
            match topic_from_response(topic) {
                Ok(topic) => drop(metadata.topics.insert(topic.name.clone(), topic)),
                Err(refusal) => refusals.push(refusal),
            }
        }
        (metadata, refusals)
    }
}

fn topic_from_response(topic: &MetadataResponseTopic) -> Result<Topic, TopicRefusal> {
    let text = topic.name.as_ref().map(|name| name.as_str().to_owned());
    let refusal = |code| TopicRefusal {
        name: text.clone(),
        code,
    };
    let code = ErrorCode::from_wire(topic.error_code).unwrap_or(ErrorCode::UnknownServerError);
    if !code.is_none() {
        return Err(refusal(code));
    }
    let name = TopicName::new(text.as_deref().unwrap_or_default())
        .map_err(|_| refusal(ErrorCode::InvalidTopicException))?;
    let mut partitions: Vec<Partition> = topic
        .partitions
        .iter()
        .filter_map(partition_from_response)
        .collect();
    partitions.sort_by_key(|partition| partition.id);
    let are_contiguous = partitions
        .iter()
        .enumerate()
        .all(|(index, p)| p.id.value() as usize == index);
    if !are_contiguous {
        return Err(refusal(ErrorCode::LeaderNotAvailable));
    }
    let operations = topic.topic_authorized_operations;
    Ok(Topic {
        name,
        id: topic.topic_id,
        is_internal: topic.is_internal,
        partitions,
        authorized_operations: (operations != i32::MIN).then_some(operations),
    })
}

fn partition_from_response(partition: &MetadataResponsePartition) -> Option<Partition> {
    Some(Partition {
        id: PartitionId::from_wire(partition.partition_index)?,
        leader: BrokerId::from_wire(partition.leader_id),
        leader_epoch: LeaderEpoch::from_wire(partition.leader_epoch),
        replicas: broker_ids(&partition.replica_nodes),
        in_sync_replicas: broker_ids(&partition.isr_nodes),
        offline_replicas: broker_ids(&partition.offline_replicas),
    })
}

pub(crate) fn broker_ids(nodes: &[i32]) -> Vec<BrokerId> {
    nodes
        .iter()
        .copied()
        .filter_map(BrokerId::from_wire)
        .collect()
}
