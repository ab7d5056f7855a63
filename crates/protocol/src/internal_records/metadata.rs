//! The records of `__cluster_metadata` (KRaft).

use bytes::Bytes;
use fleuve_model::TopicId;
use uuid::Uuid;

use crate::{Message, Str};

/// A broker has registered.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-4", flexible = "0+")]
pub struct RegisterBrokerRecord {
    pub broker_id: i32,
    #[field("2+")]
    pub is_migrating_zk_broker: bool,
    pub incarnation_id: Uuid,
    pub broker_epoch: i64,
    pub end_points: Vec<BrokerEndpoint>,
    pub features: Vec<BrokerFeature>,
    #[field(default = empty)]
    pub rack: Option<Str>,
    #[field(default = true)]
    pub fenced: bool,
    #[field("1+")]
    pub in_controlled_shutdown: bool,
    #[field("3+", tag = 0)]
    pub log_dirs: Vec<Uuid>,
    #[field("4+", tag = 1)]
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BrokerEndpoint {
    pub name: Str,
    pub host: Str,
    pub port: u16,
    pub security_protocol: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BrokerFeature {
    pub name: Str,
    pub min_supported_version: i16,
    pub max_supported_version: i16,
}

/// A broker was removed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct UnregisterBrokerRecord {
    pub broker_id: i32,
    pub broker_epoch: i64,
}

/// A topic was created.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct TopicRecord {
    pub name: Str,
    pub topic_id: Option<TopicId>,
}

/// A partition was created, with all there is to say of it.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "0+")]
pub struct PartitionRecord {
    #[field(default = -1)]
    pub partition_id: i32,
    pub topic_id: Option<TopicId>,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub removing_replicas: Vec<i32>,
    pub adding_replicas: Vec<i32>,
    #[field(default = -1)]
    pub leader: i32,
    #[field(tag = 0)]
    pub leader_recovery_state: i8,
    #[field(default = -1)]
    pub leader_epoch: i32,
    #[field(default = -1)]
    pub partition_epoch: i32,
    #[field("1+")]
    pub directories: Vec<Uuid>,
    #[field("2+", tag = 1)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    #[field("2+", tag = 2)]
    pub last_known_elr: Option<Vec<i32>>,
}

/// A config was set or, with a null value, removed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ConfigRecord {
    pub resource_type: i8,
    pub resource_name: Str,
    pub name: Str,
    #[field(default = empty)]
    pub value: Option<Str>,
}

/// Some of a partition has changed; null means that this has not.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-2", flexible = "0+")]
pub struct PartitionChangeRecord {
    #[field(default = -1)]
    pub partition_id: i32,
    pub topic_id: Option<TopicId>,
    #[field(tag = 0)]
    pub isr: Option<Vec<i32>>,
    #[field(default = -2, tag = 1)]
    pub leader: i32,
    #[field(tag = 2)]
    pub replicas: Option<Vec<i32>>,
    #[field(tag = 3)]
    pub removing_replicas: Option<Vec<i32>>,
    #[field(tag = 4)]
    pub adding_replicas: Option<Vec<i32>>,
    #[field(default = -1, tag = 5)]
    pub leader_recovery_state: i8,
    #[field("1+", tag = 8)]
    pub directories: Option<Vec<Uuid>>,
    #[field("2+", tag = 6)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    #[field("2+", tag = 7)]
    pub last_known_elr: Option<Vec<i32>>,
}

/// A broker was fenced; superseded by BrokerRegistrationChangeRecord.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct FenceBrokerRecord {
    pub id: i32,
    pub epoch: i64,
}

/// A broker was unfenced; superseded by BrokerRegistrationChangeRecord.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct UnfenceBrokerRecord {
    pub id: i32,
    pub epoch: i64,
}

/// A topic was deleted.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct RemoveTopicRecord {
    pub topic_id: Option<TopicId>,
}

/// A delegation token was created or changed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct DelegationTokenRecord {
    pub owner: Str,
    pub requester: Str,
    pub renewers: Vec<Str>,
    pub issue_timestamp: i64,
    pub max_timestamp: i64,
    pub expiration_timestamp: i64,
    pub token_id: Str,
}

/// A SCRAM credential was set.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct UserScramCredentialRecord {
    pub name: Str,
    pub mechanism: i8,
    pub salt: Bytes,
    pub stored_key: Bytes,
    pub server_key: Bytes,
    pub iterations: i32,
}

/// A feature's level was finalized.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct FeatureLevelRecord {
    pub name: Str,
    pub feature_level: i16,
}

/// A client quota was set or removed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ClientQuotaRecord {
    pub entity: Vec<EntityData>,
    pub key: Str,
    pub value: f64,
    pub remove: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EntityData {
    pub entity_type: Str,
    #[field(default = empty)]
    pub entity_name: Option<Str>,
}

/// A block of producer ids was handed out.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ProducerIdsRecord {
    pub broker_id: i32,
    #[field(default = -1)]
    pub broker_epoch: i64,
    pub next_producer_id: i64,
}

/// Some of a broker's registration has changed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-3", flexible = "0+")]
pub struct BrokerRegistrationChangeRecord {
    pub broker_id: i32,
    pub broker_epoch: i64,
    #[field(tag = 0)]
    pub fenced: i8,
    #[field("1+", tag = 1)]
    pub in_controlled_shutdown: i8,
    #[field("2+", tag = 2)]
    pub log_dirs: Vec<Uuid>,
    #[field("3+", tag = 3)]
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

/// An ACL was added.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct AccessControlEntryRecord {
    pub id: Uuid,
    pub resource_type: i8,
    pub resource_name: Str,
    pub pattern_type: i8,
    pub principal: Str,
    pub host: Str,
    pub operation: i8,
    pub permission_type: i8,
}

/// An ACL was removed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct RemoveAccessControlEntryRecord {
    pub id: Uuid,
}

/// Nothing; the controller writes it to move the offset on.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct NoOpRecord {}

/// The state of a migration from ZooKeeper.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ZkMigrationStateRecord {
    pub zk_migration_state: i8,
}

/// A SCRAM credential was removed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct RemoveUserScramCredentialRecord {
    pub name: Str,
    pub mechanism: i8,
}

/// Records up to the end of this transaction apply together or not at all.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct BeginTransactionRecord {
    #[field(tag = 0)]
    pub name: Option<Str>,
}

/// The transaction of metadata records ends.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct EndTransactionRecord {}

/// The transaction of metadata records never happened.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct AbortTransactionRecord {
    #[field(tag = 0)]
    pub reason: Option<Str>,
}

/// A delegation token was removed.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct RemoveDelegationTokenRecord {
    pub token_id: Str,
}

/// A controller has registered.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct RegisterControllerRecord {
    pub controller_id: i32,
    pub incarnation_id: Uuid,
    pub zk_migration_ready: bool,
    pub end_points: Vec<ControllerEndpoint>,
    pub features: Vec<ControllerFeature>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ControllerEndpoint {
    pub name: Str,
    pub host: Str,
    pub port: u16,
    pub security_protocol: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ControllerFeature {
    pub name: Str,
    pub min_supported_version: i16,
    pub max_supported_version: i16,
}

/// The eligible leader replicas of a topic, or of all, were cleared.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct ClearElrRecord {
    pub topic_name: Str,
}
