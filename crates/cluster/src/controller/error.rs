use fleuve_model::{BrokerId, ErrorCode, InvalidTopicName, TopicName};

use super::PARTITIONS_PER_REQUEST_MAX;

/// Why the controller refuses something. The texts are those a Kafka user knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControllerError {
    #[error(transparent)]
    InvalidTopicName(#[from] InvalidTopicName),
    #[error("Topic '{name}' collides with existing topic: {existing}")]
    TopicNameCollision {
        name: TopicName,
        existing: TopicName,
    },
    #[error("Topic '{0}' already exists.")]
    TopicAlreadyExists(TopicName),
    #[error("Duplicate topic name.")]
    DuplicateTopicName,
    #[error("Duplicate topic id.")]
    DuplicateTopicId,
    #[error("This server does not host this topic-partition.")]
    UnknownTopic,
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    #[error("Creation of internal topic {0} is prohibited.")]
    ReservedTopic(TopicName),
    #[error("Number of partitions was set to an invalid non-positive value.")]
    PartitionsNotPositive,
    #[error("Replication factor must be larger than 0, or -1 to use the default value.")]
    ReplicationFactorNotPositive,
    #[error(
        "Unable to replicate the partition {replication_factor} time(s): The target replication \
         factor of {replication_factor} cannot be reached because only {brokers} broker(s) are \
         registered."
    )]
    ReplicationFactorTooLarge {
        replication_factor: u16,
        brokers: usize,
    },
    #[error("Excessively large number of partitions per request.")]
    TooManyPartitions,
    #[error("Topic already has {0} partition(s).")]
    PartitionCountUnchanged(usize),
    #[error(
        "The topic {topic} currently has {current} partition(s); {requested} would not be an \
         increase."
    )]
    PartitionCountNotLarger {
        topic: TopicName,
        current: usize,
        requested: i32,
    },
    #[error(
        "A manual partition assignment was specified, but replication factor was not set to -1."
    )]
    ManualAssignmentWithReplicationFactor,
    #[error("A manual partition assignment was specified, but numPartitions was not set to -1.")]
    ManualAssignmentWithPartitions,
    #[error("Found multiple manual partition assignments for partition {0}")]
    AssignmentRepeated(i32),
    #[error("partitions should be a consecutive 0-based integer sequence")]
    AssignmentNotConsecutive,
    #[error("The manual partition assignment includes an empty replica list.")]
    AssignmentEmpty,
    #[error(
        "The manual partition assignment includes broker {0}, but no such broker is registered."
    )]
    AssignmentUnknownBroker(i32),
    #[error("The manual partition assignment includes the broker {0} more than once.")]
    AssignmentRepeatsBroker(i32),
    #[error(
        "The manual partition assignment includes a partition with {replicas} replica(s), but \
         this is not consistent with previous partitions, which have {expected} replica(s)."
    )]
    AssignmentInconsistent { replicas: usize, expected: usize },
    #[error(
        "Attempted to add {additional} additional partition(s), but only {assignments} \
         assignment(s) were specified."
    )]
    AssignmentsTooFew {
        additional: usize,
        assignments: usize,
    },
    #[error("Null value not supported for topic configs: {0}")]
    NullConfigs(String),
    #[error("{0}")]
    InvalidConfig(String),
    #[error("Can't {operation} to key {name} because its type is not LIST.")]
    ConfigNotList {
        operation: &'static str,
        name: String,
    },
    #[error("Each resource must appear at most once.")]
    DuplicateResource,
    #[error("Error due to duplicate config keys")]
    DuplicateConfigKeys,
    #[error("The topic '{0}' does not exist.")]
    ConfigOfUnknownTopic(TopicName),
    #[error("No broker with id {0} found.")]
    ConfigOfUnknownBroker(BrokerId),
    #[error("Broker ID {0} is not currently registered")]
    BrokerNotRegistered(BrokerId),
    #[error(
        "Exhausted all producerIds as the next block's end producerId has exceeded the int64 \
         type limit"
    )]
    ProducerIdsExhausted,
    #[error("The cluster has the id {0} already.")]
    ClusterExists(String),
    #[error("The id of the topic {0} is in use.")]
    TopicIdInUse(TopicName),
}

const _: () = assert!(
    PARTITIONS_PER_REQUEST_MAX == 10_000,
    "as Kafka's controller"
);

impl ControllerError {
    /// The code that Kafka answers in this case.
    pub const fn code(&self) -> ErrorCode {
        use ControllerError as E;
        match self {
            E::InvalidTopicName(_) | E::TopicNameCollision { .. } => {
                ErrorCode::InvalidTopicException
            }
            E::TopicAlreadyExists(_) => ErrorCode::TopicAlreadyExists,
            E::DuplicateTopicName
            | E::DuplicateTopicId
            | E::ReservedTopic(_)
            | E::ManualAssignmentWithReplicationFactor
            | E::ManualAssignmentWithPartitions
            | E::DuplicateResource
            | E::DuplicateConfigKeys
            | E::ClusterExists(_)
            | E::TopicIdInUse(_) => ErrorCode::InvalidRequest,
            E::UnknownTopic | E::ConfigOfUnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
            E::UnknownTopicId => ErrorCode::UnknownTopicId,
            E::PartitionsNotPositive
            | E::PartitionCountUnchanged(_)
            | E::PartitionCountNotLarger { .. } => ErrorCode::InvalidPartitions,
            E::ReplicationFactorNotPositive | E::ReplicationFactorTooLarge { .. } => {
                ErrorCode::InvalidReplicationFactor
            }
            E::TooManyPartitions => ErrorCode::PolicyViolation,
            E::AssignmentRepeated(_)
            | E::AssignmentNotConsecutive
            | E::AssignmentEmpty
            | E::AssignmentUnknownBroker(_)
            | E::AssignmentRepeatsBroker(_)
            | E::AssignmentInconsistent { .. }
            | E::AssignmentsTooFew { .. } => ErrorCode::InvalidReplicaAssignment,
            E::NullConfigs(_) | E::InvalidConfig(_) | E::ConfigNotList { .. } => {
                ErrorCode::InvalidConfig
            }
            E::ConfigOfUnknownBroker(_) | E::BrokerNotRegistered(_) => {
                ErrorCode::BrokerIdNotRegistered
            }
            E::ProducerIdsExhausted => ErrorCode::UnknownServerError,
        }
    }
}
