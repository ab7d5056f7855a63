//! The records that Kafka keeps in topics of its own, and what consumers of a classic group
//! tell each other.
//!
//! A record of `__consumer_offsets` has a key that begins with its type and a value that begins
//! with its version: [`GroupRecordKey`], [`encode_versioned`]. A record of `__cluster_metadata`
//! has no key, and a value that begins with frame version, type and version:
//! [`MetadataRecord`].

pub mod consumer_group;
pub mod consumer_protocol;
pub mod metadata;
pub mod offsets;

use bytes::Bytes;

use crate::wire::{Decoder, Encoder};
use crate::{DecodeError, EncodeError, Message};
use consumer_group::*;
use metadata::*;
use offsets::*;

/// A message with its version before it, in two bytes.
pub fn encode_versioned<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut out = Encoder::new();
    out.put(&version.to_be_bytes());
    message.encode_into(version, &mut out)?;
    Ok(out.finish().into_bytes())
}

/// Reads a message after the two bytes of its version.
pub fn decode_versioned<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut input = Decoder::new(bytes);
    let version = i16::from_be_bytes(input.take_array()?);
    M::decode_from(version, &mut input)
}

/// Reads a message of the consumer's embedded protocol: of a later version than is known, only
/// what the latest known one has, since later ones may only append fields.
pub fn decode_consumer_protocol<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut input = Decoder::new(bytes);
    let version = i16::from_be_bytes(input.take_array()?);
    M::decode_from(version.min(M::VERSIONS.max), &mut input)
}

/// Declares the types of record in `__consumer_offsets` once.
macro_rules! group_records {
    ($($name:ident = $type:literal, $key:ident, $value:ident;)*) => {
        /// The key of a record of `__consumer_offsets`.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum GroupRecordKey {
            $($name($key),)*
        }

        /// The value of a record of `__consumer_offsets`.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum GroupRecordValue {
            $($name($value),)*
        }

        impl GroupRecordKey {
            /// The type of record on the wire.
            pub fn record_type(&self) -> i16 {
                match self {
                    $(GroupRecordKey::$name(_) => $type,)*
                }
            }

            /// Reads a key.
            ///
            /// # Errors
            /// [`DecodeError::UnknownRecord`] for a type that is not in the list; Kafka skips
            /// such records with a warning.
            pub fn decode(bytes: Bytes) -> Result<GroupRecordKey, DecodeError> {
                let mut input = Decoder::new(bytes);
                let record_type = i16::from_be_bytes(input.take_array()?);
                match record_type {
                    $($type => {
                        $key::decode_from(KEY_VERSION, &mut input).map(GroupRecordKey::$name)
                    })*
                    // The first form of an offset's key; nothing but its number differs.
                    0 => OffsetCommitKey::decode_from(KEY_VERSION, &mut input)
                        .map(GroupRecordKey::Offset),
                    _ => Err(unknown("type", record_type)),
                }
            }

            /// Writes the key.
            pub fn encode(&self) -> Result<Bytes, EncodeError> {
                let mut out = Encoder::new();
                out.put(&self.record_type().to_be_bytes());
                match self {
                    $(GroupRecordKey::$name(key) => key.encode_into(KEY_VERSION, &mut out)?,)*
                }
                Ok(out.finish().into_bytes())
            }

            /// Reads the value of a record with this key.
            pub fn decode_value(&self, bytes: Bytes) -> Result<GroupRecordValue, DecodeError> {
                match self {
                    $(GroupRecordKey::$name(_) => {
                        decode_versioned(bytes).map(GroupRecordValue::$name)
                    })*
                }
            }
        }

        impl GroupRecordValue {
            /// Writes the value.
            pub fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
                match self {
                    $(GroupRecordValue::$name(value) => encode_versioned(value, version),)*
                }
            }
        }
    };
}

/// The version of every key: the two bytes before it tell its type, not a version.
const KEY_VERSION: i16 = 0;

group_records! {
    Offset = 1, OffsetCommitKey, OffsetCommitValue;
    Group = 2, GroupMetadataKey, GroupMetadataValue;
    ConsumerGroupMetadata = 3, ConsumerGroupMetadataKey, ConsumerGroupMetadataValue;
    ConsumerGroupPartitionMetadata = 4,
        ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue;
    ConsumerGroupMemberMetadata = 5,
        ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue;
    ConsumerGroupTargetAssignmentMetadata = 6,
        ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue;
    ConsumerGroupTargetAssignmentMember = 7,
        ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue;
    ConsumerGroupCurrentMemberAssignment = 8,
        ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue;
    ConsumerGroupRegularExpression = 16,
        ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue;
}

/// Declares the types of record in `__cluster_metadata` once.
macro_rules! metadata_records {
    ($($name:ident = $type:literal;)*) => {
        /// A record of `__cluster_metadata` (KRaft).
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum MetadataRecord {
            $($name($name),)*
        }

        impl MetadataRecord {
            /// Kafka's name of the record's type.
            pub fn name(&self) -> &'static str {
                match self {
                    $(MetadataRecord::$name(_) => stringify!($name),)*
                }
            }

            /// Reads the value of a record.
            pub fn decode(bytes: Bytes) -> Result<MetadataRecord, DecodeError> {
                let mut input = Decoder::new(bytes);
                let frame_version = input.take_unsigned_varint()?;
                if !METADATA_FRAME_VERSIONS.contains(&frame_version) {
                    return Err(unknown("frame version", frame_version));
                }
                let record_type = input.take_unsigned_varint()?;
                let version = input.take_unsigned_varint()?;
                let version = i16::try_from(version).map_err(|_| unknown("version", version))?;
                match record_type {
                    $($type => {
                        $name::decode_from(version, &mut input).map(MetadataRecord::$name)
                    })*
                    _ => Err(unknown("type", record_type)),
                }
            }

            /// Writes the value of a record.
            pub fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
                let mut out = Encoder::new();
                out.put_unsigned_varint(METADATA_FRAME_VERSION);
                let record_type: u32 = match self {
                    $(MetadataRecord::$name(_) => $type,)*
                };
                out.put_unsigned_varint(record_type);
                out.put_unsigned_varint(u32::from(version.unsigned_abs()));
                match self {
                    $(MetadataRecord::$name(record) => record.encode_into(version, &mut out)?,)*
                }
                Ok(out.finish().into_bytes())
            }
        }
    };
}

const METADATA_FRAME_VERSION: u32 = 1;

/// Kafka wrote 0 in an early release and reads both.
const METADATA_FRAME_VERSIONS: std::ops::RangeInclusive<u32> = 0..=METADATA_FRAME_VERSION;

metadata_records! {
    RegisterBrokerRecord = 0;
    UnregisterBrokerRecord = 1;
    TopicRecord = 2;
    PartitionRecord = 3;
    ConfigRecord = 4;
    PartitionChangeRecord = 5;
    FenceBrokerRecord = 7;
    UnfenceBrokerRecord = 8;
    RemoveTopicRecord = 9;
    DelegationTokenRecord = 10;
    UserScramCredentialRecord = 11;
    FeatureLevelRecord = 12;
    ClientQuotaRecord = 14;
    ProducerIdsRecord = 15;
    BrokerRegistrationChangeRecord = 17;
    AccessControlEntryRecord = 18;
    RemoveAccessControlEntryRecord = 19;
    NoOpRecord = 20;
    ZkMigrationStateRecord = 21;
    RemoveUserScramCredentialRecord = 22;
    BeginTransactionRecord = 23;
    EndTransactionRecord = 24;
    AbortTransactionRecord = 25;
    RemoveDelegationTokenRecord = 26;
    RegisterControllerRecord = 27;
    ClearElrRecord = 28;
}

fn unknown(what: &'static str, value: impl Into<i64>) -> DecodeError {
    DecodeError::UnknownRecord {
        what,
        value: value.into(),
    }
}
