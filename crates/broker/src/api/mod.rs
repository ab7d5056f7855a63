//! What clients can ask for: one handler a file.
//!
//! Every request, from a socket or from this process, comes through [`handle`]: the handler gets
//! the caller's [`RequestContext`] and asks [`crate::authorize`] first. Wire versions and error
//! codes end here. Start at [`start_request`] for bytes, at [`handle`] for typed requests.

mod alter_configs;
mod api_versions;
mod config_resource;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_topic_partitions;
pub(crate) mod error_code;
mod fetch;
mod find_coordinator;
mod group_common;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod sync_group;
mod topic_listing;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use fleuve_protocol::{
    AnyRequest, AnyResponse, ApiKey, DecodeError, decode_request, encode_response,
};

use crate::broker::BrokerState;
use fleuve_storage::LogSlice;

use crate::connection::{ConnectionEnd, FrameShare, Reply, ReplyFuture};
use crate::memory_budget::MemoryShare;
use crate::request_context::RequestContext;

/// What a handler has to say.
pub(crate) struct Handled {
    /// `None` where the client expects no answer.
    pub(crate) response: Option<AnyResponse>,
    /// The records that the answer has elsewhere, in the order of its partitions.
    pub(crate) bodies: Vec<LogSlice>,
    /// What the answer's bytes take of the response budget.
    pub(crate) share: Option<MemoryShare>,
}

impl<R: Into<AnyResponse>> From<R> for Handled {
    fn from(response: R) -> Handled {
        Handled {
            response: Some(response.into()),
            bodies: Vec::new(),
            share: None,
        }
    }
}

pub(crate) type Handling = Pin<Box<dyn Future<Output = Result<Handled, ConnectionEnd>> + Send>>;

/// Reads a request and prepares its handling; nothing happens before the first poll.
pub(crate) fn start_request(
    broker: &Arc<BrokerState>,
    frame: Bytes,
    share: FrameShare,
    context: impl FnOnce(ApiKey) -> Result<RequestContext, ConnectionEnd>,
) -> Result<(ApiKey, ReplyFuture), ConnectionEnd> {
    let (header, request) = match decode_request(frame) {
        Ok(decoded) => decoded,
        Err(DecodeError::UnsupportedRequestVersion {
            key: ApiKey::ApiVersions,
            header,
        }) => {
            let response = api_versions::unsupported_version();
            let frame = encode_response(&response.into(), 0, header.correlation_id)?;
            let reply = Reply {
                frame: Some(frame),
                ..Reply::default()
            };
            return Ok((ApiKey::ApiVersions, Box::pin(async { Ok(reply) })));
        }
        Err(error) => return Err(error.into()),
    };
    let key = request.key();
    if !is_served(key) {
        return Err(ConnectionEnd::Refused(
            "the request asks for an API that is not served yet",
        ));
    }
    let mut context = context(key)?;
    context.client_id = header.client_id;
    context.version = header.api_version;
    let handling = handle(broker, context, request);
    let reply = async move {
        let handled = handling.await?;
        drop(share);
        let encode =
            |response| encode_response(response, header.api_version, header.correlation_id);
        let frame = handled.response.as_ref().map(encode).transpose()?;
        Ok(Reply {
            frame,
            bodies: handled.bodies,
        })
    };
    Ok((key, Box::pin(reply)))
}

/// Dispatches to the handler of each API; the APIs that are served are those named here.
macro_rules! handlers {
    ($($name:ident => $module:ident,)*) => {
        /// Whether there is a handler for `key`.
        pub(crate) const fn is_served(key: ApiKey) -> bool {
            matches!(key, $(ApiKey::$name)|*)
        }

        /// Handles a request, whichever way it came.
        pub(crate) fn handle(
            broker: &Arc<BrokerState>,
            context: RequestContext,
            request: AnyRequest,
        ) -> Handling {
            let broker = Arc::clone(broker);
            match request {
                $(AnyRequest::$name(request) => Box::pin(async move {
                    $module::handle(&broker, &context, request).await.map(Handled::from)
                }),)*
                _ => Box::pin(async {
                    Err(ConnectionEnd::Refused("the API is not served yet"))
                }),
            }
        }
    };
}

handlers! {
    AlterConfigs => alter_configs,
    ApiVersions => api_versions,
    ConsumerGroupDescribe => consumer_group_describe,
    ConsumerGroupHeartbeat => consumer_group_heartbeat,
    CreatePartitions => create_partitions,
    CreateTopics => create_topics,
    DeleteGroups => delete_groups,
    DeleteRecords => delete_records,
    DeleteTopics => delete_topics,
    DescribeCluster => describe_cluster,
    DescribeConfigs => describe_configs,
    DescribeGroups => describe_groups,
    DescribeLogDirs => describe_log_dirs,
    DescribeTopicPartitions => describe_topic_partitions,
    Fetch => fetch,
    FindCoordinator => find_coordinator,
    Heartbeat => heartbeat,
    IncrementalAlterConfigs => incremental_alter_configs,
    InitProducerId => init_producer_id,
    JoinGroup => join_group,
    LeaveGroup => leave_group,
    ListConfigResources => list_config_resources,
    ListGroups => list_groups,
    ListOffsets => list_offsets,
    Metadata => metadata,
    OffsetCommit => offset_commit,
    OffsetDelete => offset_delete,
    OffsetFetch => offset_fetch,
    OffsetForLeaderEpoch => offset_for_leader_epoch,
    Produce => produce,
    SyncGroup => sync_group,
}
