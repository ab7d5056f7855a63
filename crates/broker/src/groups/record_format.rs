//! The coordinator's records as Kafka writes them into `__consumer_offsets`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_cluster::group::{
    Client, CommittedOffset, GroupId, GroupMemberMetadata, GroupMetadata, InstanceId, MemberId,
    Record,
};
use fleuve_model::record::{PLAIN_BYTES_MAX_DEFAULT, RecordBatch};
use fleuve_model::{LeaderEpoch, Offset, PartitionId, Timestamp, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::internal_records::offsets::{
    GroupMetadataKey, GroupMetadataValue, MemberMetadata, OffsetCommitKey, OffsetCommitValue,
};
use fleuve_protocol::internal_records::{GroupRecordKey, GroupRecordValue, encode_versioned};

use super::consumer_record_format;

/// An offset with an expiry of its own is written as old clients ask for it.
const OFFSET_VERSION_WITH_EXPIRY: i16 = 1;
const OFFSET_VERSION: i16 = 4;
const GROUP_VERSION: i16 = 3;
/// The records of consumer groups have one version so far.
const CONSUMER_VERSION: i16 = 0;

/// Key and value; a value of `None` takes the key's record away.
pub(super) fn encode(record: &Record) -> (Bytes, Option<Bytes>) {
    if let Some((key, value)) = consumer_record_format::encode(record) {
        let value = value.map(|value| written(value.encode(CONSUMER_VERSION)));
        return (written(key.encode()), value);
    }
    match record {
        Record::OffsetCommit {
            group,
            partition,
            value,
        } => {
            let key = GroupRecordKey::Offset(OffsetCommitKey {
                group: text(group.as_str()),
                topic: text(partition.topic.as_str()),
                partition: partition.partition.value(),
            });
            (written(key.encode()), value.as_ref().map(offset_value))
        }
        Record::GroupMetadata { group, value } => {
            let key = GroupRecordKey::Group(GroupMetadataKey {
                group: text(group.as_str()),
            });
            let value = value.as_ref().map(group_value);
            (
                written(key.encode()),
                value.map(|it| written(encode_versioned(&it, GROUP_VERSION))),
            )
        }
        _ => unreachable!("records of consumer groups are encoded above"),
    }
}

/// The records of a batch; those of kinds that are not known are passed over, as in Kafka.
pub(super) fn decode_batch(batch: &RecordBatch) -> Result<Vec<Record>, String> {
    let mut scratch = Vec::new();
    let records = batch
        .records(&mut scratch, PLAIN_BYTES_MAX_DEFAULT)
        .map_err(|error| error.to_string())?;
    let mut decoded = Vec::new();
    for record in records {
        let record = record.map_err(|error| error.to_string())?;
        let Some(key) = record.key else { continue };
        let value = record.value.map(Bytes::copy_from_slice);
        match decode(Bytes::copy_from_slice(key), value) {
            Ok(record) => decoded.extend(record),
            Err(error) => tracing::warn!("a record of __consumer_offsets is passed over: {error}"),
        }
    }
    Ok(decoded)
}

fn decode(key: Bytes, value: Option<Bytes>) -> Result<Option<Record>, String> {
    let key = GroupRecordKey::decode(key).map_err(|error| error.to_string())?;
    let value = value
        .map(|value| key.decode_value(value))
        .transpose()
        .map_err(|error| error.to_string())?;
    Ok(match (key, value) {
        (GroupRecordKey::Offset(key), value) => {
            let value = match value {
                Some(GroupRecordValue::Offset(value)) => Some(committed_offset(&value)?),
                _ => None,
            };
            let partition = PartitionId::new(key.partition).map_err(|error| error.to_string())?;
            let topic = TopicName::new(key.topic.as_str()).map_err(|error| error.to_string())?;
            let group = GroupId::new(key.group.as_str());
            Some(Record::OffsetCommit {
                group,
                partition: TopicPartition::new(topic, partition),
                value,
            })
        }
        (GroupRecordKey::Group(key), value) => {
            let value = match value {
                Some(GroupRecordValue::Group(value)) => Some(group_metadata(value)),
                _ => None,
            };
            Some(Record::GroupMetadata {
                group: GroupId::new(key.group.as_str()),
                value,
            })
        }
        (key, value) => consumer_record_format::decode(key, value),
    })
}

fn offset_value(value: &CommittedOffset) -> Bytes {
    let version = match value.expire_timestamp {
        Some(_) => OFFSET_VERSION_WITH_EXPIRY,
        None => OFFSET_VERSION,
    };
    let value = OffsetCommitValue {
        offset: value.offset.value(),
        leader_epoch: value.leader_epoch.map_or(-1, LeaderEpoch::value),
        metadata: text(&value.metadata),
        commit_timestamp: value.commit_timestamp.as_millis(),
        expire_timestamp: value.expire_timestamp.map_or(-1, Timestamp::as_millis),
        topic_id: value.topic_id,
    };
    written(encode_versioned(&value, version))
}

fn committed_offset(value: &OffsetCommitValue) -> Result<CommittedOffset, String> {
    Ok(CommittedOffset {
        offset: Offset::new(value.offset).map_err(|error| error.to_string())?,
        leader_epoch: LeaderEpoch::from_wire(value.leader_epoch),
        metadata: Arc::from(value.metadata.as_str()),
        commit_timestamp: Timestamp::from_millis(value.commit_timestamp),
        expire_timestamp: Timestamp::from_wire(value.expire_timestamp),
        topic_id: value.topic_id,
    })
}

fn group_value(value: &GroupMetadata) -> GroupMetadataValue {
    GroupMetadataValue {
        protocol_type: value.protocol_type.as_deref().map_or(Str::EMPTY, text),
        generation: value.generation,
        protocol: value.protocol.as_deref().map(text),
        leader: value.leader.as_ref().map(|leader| text(leader.as_str())),
        current_state_timestamp: value.state_timestamp.map_or(-1, Timestamp::as_millis),
        members: value.members.iter().map(member_value).collect(),
    }
}

fn member_value(member: &GroupMemberMetadata) -> MemberMetadata {
    MemberMetadata {
        member_id: text(member.member.as_str()),
        group_instance_id: member
            .instance
            .as_ref()
            .map(|instance| text(instance.as_str())),
        client_id: text(&member.client.id),
        client_host: text(&member.client.host),
        rebalance_timeout: millis(member.rebalance_timeout),
        session_timeout: millis(member.session_timeout),
        subscription: member.subscription.clone(),
        assignment: member.assignment.clone(),
    }
}

fn group_metadata(value: GroupMetadataValue) -> GroupMetadata {
    let some = |text: &Str| (!text.is_empty()).then(|| Arc::from(text.as_str()));
    GroupMetadata {
        protocol_type: some(&value.protocol_type),
        generation: value.generation,
        protocol: value
            .protocol
            .as_ref()
            .map(|protocol| Arc::from(protocol.as_str())),
        leader: value
            .leader
            .as_ref()
            .and_then(|leader| MemberId::from_wire(leader.as_str())),
        state_timestamp: Timestamp::from_wire(value.current_state_timestamp),
        members: value.members.into_iter().map(member_metadata).collect(),
    }
}

fn member_metadata(member: MemberMetadata) -> GroupMemberMetadata {
    let session_timeout = duration(member.session_timeout);
    GroupMemberMetadata {
        member: MemberId::new(member.member_id.as_str()),
        instance: member
            .group_instance_id
            .map(|instance| InstanceId::new(instance.as_str())),
        client: Client {
            id: Arc::from(member.client_id.as_str()),
            host: Arc::from(member.client_host.as_str()),
        },
        // The oldest records have one timeout for both.
        rebalance_timeout: match member.rebalance_timeout {
            -1 => session_timeout,
            millis => duration(millis),
        },
        session_timeout,
        subscription: member.subscription,
        assignment: member.assignment,
    }
}

pub(super) fn text(text: &str) -> Str {
    Str::from(text)
}

pub(super) fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

pub(super) fn duration(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn written<E: std::fmt::Debug>(bytes: Result<Bytes, E>) -> Bytes {
    bytes.expect("every field of ours is in the version that is written")
}
