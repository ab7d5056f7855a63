//! Shows the log directories of this broker and how much is in them (KIP-113).

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_model::{ErrorCode, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};

use super::error_code::of_denied;
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::log::DirectoryHandle;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DescribeLogDirsRequest,
) -> Result<DescribeLogDirsResponse, ConnectionEnd> {
    if let Err(denied) = authorize(context, Operation::Describe, Resource::Cluster) {
        let error_code = of_denied(denied, Resource::Cluster).code();
        return Ok(DescribeLogDirsResponse {
            error_code,
            ..Default::default()
        });
    }
    let is_wanted = |partition: &TopicPartition| match &request.topics {
        None => true,
        Some(topics) => topics.iter().any(|topic| {
            topic.topic == *partition.topic.as_str()
                && topic.partitions.contains(&partition.partition.value())
        }),
    };
    let directories = broker.directories.handles().iter();
    let mut results: Vec<DescribeLogDirsResult> = directories
        .map(|directory| shown(broker, directory, &is_wanted))
        .collect();
    results.extend(missing(broker));
    Ok(DescribeLogDirsResponse {
        results,
        ..DescribeLogDirsResponse::default()
    })
}

fn shown(
    broker: &BrokerState,
    directory: &DirectoryHandle,
    is_wanted: &dyn Fn(&TopicPartition) -> bool,
) -> DescribeLogDirsResult {
    let log_dir = Str::from(directory.status.path.display().to_string());
    if !directory.is_online() {
        let error_code = ErrorCode::KafkaStorageError.code();
        return DescribeLogDirsResult {
            error_code,
            log_dir,
            ..Default::default()
        };
    }
    let mut topics: BTreeMap<String, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for replica in broker.replicas.all() {
        let is_here = Arc::ptr_eq(&replica.directory.status, &directory.status);
        if is_here && is_wanted(&replica.partition) {
            let size = replica.snapshot().size_bytes();
            let partition = DescribeLogDirsPartition {
                partition_index: replica.partition.partition.value(),
                partition_size: i64::try_from(size).unwrap_or(i64::MAX),
                offset_lag: 0,
                is_future_key: false,
            };
            topics
                .entry(replica.partition.topic.to_string())
                .or_default()
                .push(partition);
        }
    }
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let space = broker.directories.space(directory).ok();
    DescribeLogDirsResult {
        error_code: ErrorCode::None.code(),
        log_dir,
        topics: topics
            .into_iter()
            .map(|(name, partitions)| DescribeLogDirsTopic {
                name: Str::from(name),
                partitions,
            })
            .collect(),
        total_bytes: space.map_or(-1, |space| bytes(space.total_bytes)),
        usable_bytes: space.map_or(-1, |space| bytes(space.free_bytes)),
        is_cordoned: false,
    }
}

/// The directories that are configured and could not be opened.
fn missing(broker: &BrokerState) -> Vec<DescribeLogDirsResult> {
    let opened = broker.directories.handles();
    broker
        .config
        .log_directories
        .iter()
        .filter(|path| {
            opened
                .iter()
                .all(|directory| directory.status.path != **path)
        })
        .map(|path| DescribeLogDirsResult {
            error_code: ErrorCode::KafkaStorageError.code(),
            log_dir: Str::from(path.display().to_string()),
            ..DescribeLogDirsResult::default()
        })
        .collect()
}
