//! The APIs, one file each, and the one list of them all.
//!
//! An API is added by a file here and a line in the list at the end of this one; whether a
//! broker tells clients of it stands in [`crate::versions`].

pub mod alter_configs;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_topic_partitions;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod sync_group;

pub use alter_configs::{AlterConfigsRequest, AlterConfigsResponse};
pub use api_versions::{ApiVersionsRequest, ApiVersionsResponse};
pub use consumer_group_describe::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
pub use consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
pub use create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
pub use create_topics::{CreateTopicsRequest, CreateTopicsResponse};
pub use delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
pub use delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
pub use delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
pub use describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
pub use describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse};
pub use describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
pub use describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse};
pub use describe_topic_partitions::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};
pub use fetch::{FetchRequest, FetchResponse};
pub use find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
pub use heartbeat::{HeartbeatRequest, HeartbeatResponse};
pub use incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
pub use init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
pub use join_group::{JoinGroupRequest, JoinGroupResponse};
pub use leave_group::{LeaveGroupRequest, LeaveGroupResponse};
pub use list_config_resources::{ListConfigResourcesRequest, ListConfigResourcesResponse};
pub use list_groups::{ListGroupsRequest, ListGroupsResponse};
pub use list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
pub use metadata::{MetadataRequest, MetadataResponse};
pub use offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
pub use offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
pub use offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
pub use offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
pub use produce::{ProduceRequest, ProduceResponse};
pub use sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
pub use sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
pub use sync_group::{SyncGroupRequest, SyncGroupResponse};

use std::fmt;

use crate::schema::Struct;
use crate::wire::{Decoder, Encoder};
use crate::{DecodeError, EncodeError, Message, VersionRange};

/// A message that a client sends; its response has the same versions.
pub trait Request: Message + Into<AnyRequest> {
    /// The API it belongs to.
    const KEY: ApiKey;
    /// The answer to it.
    type Response: Response;
}

/// A message that a broker answers with.
pub trait Response: Message + Into<AnyResponse> {
    /// The API it belongs to.
    const KEY: ApiKey;

    /// The response inside `any`, or nothing if it is one of another API.
    fn from_any(any: AnyResponse) -> Option<Self>;
}

/// Declares the APIs once: name, key, request and response.
macro_rules! apis {
    ($($name:ident = $number:literal, $request:ident, $response:ident;)*) => {
        /// An API that this crate can read and write.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("Key ", stringify!($number), ".")]
                $name = $number,
            )*
        }

        impl ApiKey {
            /// Every API, in the order of the keys.
            pub const ALL: &[ApiKey] = &[$(ApiKey::$name),*];

            /// The API of a key on the wire, if it is one of these.
            pub const fn from_wire(number: i16) -> Option<ApiKey> {
                match number {
                    $($number => Some(ApiKey::$name),)*
                    _ => None,
                }
            }

            /// Kafka's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ApiKey::$name => stringify!($name),)*
                }
            }

            /// The versions that this crate can read and write.
            pub const fn versions(self) -> VersionRange {
                match self {
                    $(ApiKey::$name => <$request as Message>::VERSIONS,)*
                }
            }

            /// The fields of the request and of the response.
            pub fn schemas(self) -> (&'static Struct, &'static Struct) {
                match self {
                    $(ApiKey::$name => ($request::schema(), $response::schema()),)*
                }
            }

            /// The first version with compact lengths and tagged fields.
            pub const fn flexible_from(self) -> Option<i16> {
                let versions = match self {
                    $(ApiKey::$name => <$request as Message>::FLEXIBLE,)*
                };
                match versions {
                    Some(versions) => Some(versions.min),
                    None => None,
                }
            }
        }

        /// A request of any API.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum AnyRequest {
            $($name($request),)*
        }

        impl AnyRequest {
            /// The API.
            pub fn key(&self) -> ApiKey {
                match self {
                    $(AnyRequest::$name(_) => ApiKey::$name,)*
                }
            }

            /// Reads a request of `key` where `input` stands.
            pub fn decode(
                key: ApiKey,
                version: i16,
                input: &mut Decoder,
            ) -> Result<AnyRequest, DecodeError> {
                match key {
                    $(ApiKey::$name => {
                        $request::decode_from(version, input).map(AnyRequest::$name)
                    })*
                }
            }

            /// Appends the request, without a header.
            pub fn encode(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
                match self {
                    $(AnyRequest::$name(request) => request.encode_into(version, out),)*
                }
            }
        }

        /// A response of any API.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum AnyResponse {
            $($name($response),)*
        }

        impl AnyResponse {
            /// The API.
            pub fn key(&self) -> ApiKey {
                match self {
                    $(AnyResponse::$name(_) => ApiKey::$name,)*
                }
            }

            /// Reads a response of `key` where `input` stands.
            pub fn decode(
                key: ApiKey,
                version: i16,
                input: &mut Decoder,
            ) -> Result<AnyResponse, DecodeError> {
                match key {
                    $(ApiKey::$name => {
                        $response::decode_from(version, input).map(AnyResponse::$name)
                    })*
                }
            }

            /// Appends the response, without a header.
            pub fn encode(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
                match self {
                    $(AnyResponse::$name(response) => response.encode_into(version, out),)*
                }
            }
        }

        $(
            impl Request for $request {
                const KEY: ApiKey = ApiKey::$name;
                type Response = $response;
            }

            impl From<$request> for AnyRequest {
                fn from(request: $request) -> AnyRequest {
                    AnyRequest::$name(request)
                }
            }

            impl Response for $response {
                const KEY: ApiKey = ApiKey::$name;

                fn from_any(any: AnyResponse) -> Option<$response> {
                    match any {
                        AnyResponse::$name(response) => Some(response),
                        _ => None,
                    }
                }
            }

            impl From<$response> for AnyResponse {
                fn from(response: $response) -> AnyResponse {
                    AnyResponse::$name(response)
                }
            }
        )*
    };
}

impl ApiKey {
    /// The key on the wire.
    pub const fn to_wire(self) -> i16 {
        self as i16
    }

    /// Whether `version` has compact lengths and tagged fields.
    pub const fn is_flexible(self, version: i16) -> bool {
        match self.flexible_from() {
            Some(first) => version >= first,
            None => false,
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

apis! {
    Produce = 0, ProduceRequest, ProduceResponse;
    Fetch = 1, FetchRequest, FetchResponse;
    ListOffsets = 2, ListOffsetsRequest, ListOffsetsResponse;
    Metadata = 3, MetadataRequest, MetadataResponse;
    OffsetCommit = 8, OffsetCommitRequest, OffsetCommitResponse;
    OffsetFetch = 9, OffsetFetchRequest, OffsetFetchResponse;
    FindCoordinator = 10, FindCoordinatorRequest, FindCoordinatorResponse;
    JoinGroup = 11, JoinGroupRequest, JoinGroupResponse;
    Heartbeat = 12, HeartbeatRequest, HeartbeatResponse;
    LeaveGroup = 13, LeaveGroupRequest, LeaveGroupResponse;
    SyncGroup = 14, SyncGroupRequest, SyncGroupResponse;
    DescribeGroups = 15, DescribeGroupsRequest, DescribeGroupsResponse;
    ListGroups = 16, ListGroupsRequest, ListGroupsResponse;
    SaslHandshake = 17, SaslHandshakeRequest, SaslHandshakeResponse;
    ApiVersions = 18, ApiVersionsRequest, ApiVersionsResponse;
    CreateTopics = 19, CreateTopicsRequest, CreateTopicsResponse;
    DeleteTopics = 20, DeleteTopicsRequest, DeleteTopicsResponse;
    DeleteRecords = 21, DeleteRecordsRequest, DeleteRecordsResponse;
    InitProducerId = 22, InitProducerIdRequest, InitProducerIdResponse;
    OffsetForLeaderEpoch = 23, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
    DescribeConfigs = 32, DescribeConfigsRequest, DescribeConfigsResponse;
    AlterConfigs = 33, AlterConfigsRequest, AlterConfigsResponse;
    DescribeLogDirs = 35, DescribeLogDirsRequest, DescribeLogDirsResponse;
    SaslAuthenticate = 36, SaslAuthenticateRequest, SaslAuthenticateResponse;
    CreatePartitions = 37, CreatePartitionsRequest, CreatePartitionsResponse;
    DeleteGroups = 42, DeleteGroupsRequest, DeleteGroupsResponse;
    IncrementalAlterConfigs = 44, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
    OffsetDelete = 47, OffsetDeleteRequest, OffsetDeleteResponse;
    DescribeCluster = 60, DescribeClusterRequest, DescribeClusterResponse;
    ConsumerGroupHeartbeat = 68, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
    ConsumerGroupDescribe = 69, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
    ListConfigResources = 74, ListConfigResourcesRequest, ListConfigResourcesResponse;
    DescribeTopicPartitions = 75, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
}
