use std::fmt;

use fleuve_model::{BrokerId, LeaderEpoch, PartitionId, ProducerId, TopicId, TopicName};
use uuid::Uuid;

/// One change of the cluster's metadata, as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The first record of a log.
    ClusterCreated { cluster_id: String },
    /// A broker process has started. If `incarnation` is new, every partition that the broker
    /// leads gets the next leader epoch: what an earlier process wrote last may be lost.
    BrokerRegistered {
        broker: BrokerId,
        incarnation: Uuid,
        epoch: BrokerEpoch,
        endpoints: Vec<Endpoint>,
        rack: Option<String>,
    },
    /// A broker will not come back.
    BrokerUnregistered { broker: BrokerId },
    /// A topic without partitions; they follow.
    TopicCreated { name: TopicName, id: TopicId },
    /// The topic, its partitions and its configs are gone.
    TopicDeleted { id: TopicId },
    /// A partition as it is from now on, new or changed.
    PartitionSet {
        topic: TopicId,
        partition: PartitionId,
        replicas: Vec<BrokerId>,
        in_sync_replicas: Vec<BrokerId>,
        leader: Option<BrokerId>,
        leader_epoch: LeaderEpoch,
        /// Raised with every change of the partition.
        partition_epoch: u32,
    },
    /// A config's value, or `None`: back to the default.
    ConfigSet {
        resource: ConfigResource,
        name: String,
        value: Option<String>,
    },
    /// Producer ids below `next` have been given out.
    ProducerIdsAllocated { broker: BrokerId, next: ProducerId },
}

/// What a config belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigResource {
    /// A topic.
    Topic(TopicName),
    /// One broker, or with `None` all of them: the cluster-wide default.
    Broker(Option<BrokerId>),
    /// A consumer group.
    Group(String),
    /// A subscription to client metrics.
    ClientMetrics(String),
}

/// Where clients reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, such as `PLAINTEXT`.
    pub listener: String,
    pub host: String,
    pub port: u16,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub security_protocol: String,
}

/// Tells the registrations of one broker apart; each is larger than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerEpoch(i64);

/// A claimed broker epoch is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a broker epoch cannot be negative: {0}")]
pub struct BrokerEpochOutOfRange(pub i64);

impl BrokerEpoch {
    /// Checks that `value` is not negative.
    pub const fn new(value: i64) -> Result<BrokerEpoch, BrokerEpochOutOfRange> {
        if value < 0 {
            Err(BrokerEpochOutOfRange(value))
        } else {
            Ok(BrokerEpoch(value))
        }
    }

    /// The integer that the wire carries.
    pub const fn value(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for BrokerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerEpoch({})", self.0)
    }
}
