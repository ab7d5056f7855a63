use std::collections::BTreeMap;

use fleuve_model::{BrokerId, LeaderEpoch, ProducerId, TopicId, TopicName};
use uuid::Uuid;

use super::{BrokerEpoch, ConfigResource, ControllerError, Endpoint};

/// What the controller can be asked for. A reply has the variant of its command, and in lists
/// one result for each entry, in the same order.
#[derive(Clone, Debug)]
pub enum Command {
    /// Gives an empty log its cluster; answered with an error if there is one.
    CreateCluster {
        cluster_id: String,
    },
    RegisterBroker(RegisterBroker),
    UnregisterBroker {
        broker: BrokerId,
    },
    AllocateProducerIds {
        broker: BrokerId,
    },
    CreateTopics {
        topics: Vec<CreatableTopic>,
        validate_only: bool,
    },
    /// Takes over topics that exist on disk, ids and all.
    ImportTopics {
        topics: Vec<ImportedTopic>,
    },
    DeleteTopics {
        topics: Vec<TopicSelector>,
    },
    CreatePartitions {
        topics: Vec<NewPartitions>,
        validate_only: bool,
    },
    AlterConfigs {
        resources: Vec<AlterConfigs>,
        validate_only: bool,
    },
}

/// What the controller answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    CreateCluster(Result<(), ControllerError>),
    RegisterBroker(Result<BrokerEpoch, ControllerError>),
    UnregisterBroker(Result<(), ControllerError>),
    AllocateProducerIds(Result<ProducerIdBlock, ControllerError>),
    CreateTopics(Vec<Result<CreatedTopic, ControllerError>>),
    ImportTopics(Vec<Result<(), ControllerError>>),
    /// The name and id of each deleted topic.
    DeleteTopics(Vec<Result<(TopicName, TopicId), ControllerError>>),
    CreatePartitions(Vec<Result<(), ControllerError>>),
    AlterConfigs(Vec<Result<(), ControllerError>>),
}

/// A broker process that has started.
#[derive(Clone, Debug)]
pub struct RegisterBroker {
    pub broker: BrokerId,
    /// Chosen at random by the process.
    pub incarnation: Uuid,
    pub endpoints: Vec<Endpoint>,
    pub rack: Option<String>,
}

/// A topic as a client wants it. Names and numbers are as the client sent them.
#[derive(Clone, Debug)]
pub struct CreatableTopic {
    pub name: String,
    pub layout: TopicLayout,
    pub configs: Vec<(String, Option<String>)>,
}

/// How many partitions, and where.
#[derive(Clone, Debug)]
pub enum TopicLayout {
    /// The controller places the replicas; with `None` as many as the configuration says.
    Counts {
        partitions: Option<i32>,
        replication_factor: Option<i16>,
    },
    /// The client does: partition numbers with their replicas, the preferred leader first. The
    /// counts may not be given beside it; what the client sent is passed on to be refused.
    Manual {
        assignments: Vec<(i32, Vec<i32>)>,
        partitions: Option<i32>,
        replication_factor: Option<i16>,
    },
}

/// A topic that was created, or would be if that were not only validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    pub name: TopicName,
    pub id: TopicId,
    pub partitions: u32,
    pub replication_factor: u16,
    /// The replication factor asked for, if `fleuve.replication.factor.clamp` lowered it.
    pub clamped_from: Option<u16>,
    /// The configs given with it; those of the cluster are not mixed in.
    pub configs: BTreeMap<String, String>,
}

/// A topic of a log directory that Apache Kafka wrote.
#[derive(Clone, Debug)]
pub struct ImportedTopic {
    pub name: TopicName,
    pub id: TopicId,
    pub partitions: Vec<ImportedPartition>,
    pub configs: Vec<(String, String)>,
}

/// A partition that exists on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPartition {
    /// The leader first.
    pub replicas: Vec<BrokerId>,
    /// The last that Apache Kafka gave it: its log may hold records of that epoch.
    pub leader_epoch: LeaderEpoch,
}

/// Names a topic in one of two ways.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicSelector {
    Name(String),
    Id(TopicId),
}

/// A topic that should have more partitions.
#[derive(Clone, Debug)]
pub struct NewPartitions {
    pub name: String,
    /// How many it should have in all.
    pub count: i32,
    /// Replicas of each new partition, if the client places them.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// Changes to the configs of one resource, all or none.
#[derive(Clone, Debug)]
pub struct AlterConfigs {
    pub resource: ConfigResource,
    /// AlterConfigs, not IncrementalAlterConfigs: what is not named goes back to its default.
    pub replace: bool,
    pub changes: Vec<ConfigChange>,
}

/// A change to one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    pub name: String,
    pub operation: ConfigOperation,
}

/// What to do with a config's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOperation {
    Set(String),
    Delete,
    /// Adds entries to a list.
    Append(String),
    /// Takes entries out of a list.
    Subtract(String),
}

/// Producer ids that nobody else will get: `length` of them from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    pub first: ProducerId,
    pub length: u32,
}
