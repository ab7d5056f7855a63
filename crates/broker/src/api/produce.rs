//! Appends what a producer sent, and answers when it is as safe as the producer asked.

use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::partition::Acks;
use fleuve_model::record::{Compressor, PLAIN_BYTES_MAX_DEFAULT, RecordBatch, TimestampType};
use fleuve_model::{ErrorCode, PartitionId, TopicId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use super::Handled;
use super::error_code::{CodedError, of_append, of_denied, of_produce};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::log::{AppendOutcome, PendingAppend};
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ProduceRequest,
) -> Result<Handled, ConnectionEnd> {
    let acks = Acks::from_wire(request.acks);
    let producing = Producing {
        broker,
        context,
        acks,
        is_transactional: request.transactional_id.is_some(),
        timeout: Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0)),
    };
    // Everything is on its way to the logs before anything is waited for, so that the order of
    // requests of a connection is the order of their appends.
    let started: Vec<StartedTopic> = request
        .topic_data
        .into_iter()
        .map(|topic| producing.start(topic))
        .collect();
    let mut responses = Vec::with_capacity(started.len());
    for topic in started {
        responses.push(topic.response().await);
    }
    if acks == Some(Acks::None) {
        return no_answer(&responses);
    }
    Ok(ProduceResponse {
        responses,
        ..ProduceResponse::default()
    }
    .into())
}

/// A client that wants no answer learns of an error by losing its connection, as with Kafka.
fn no_answer(responses: &[TopicProduceResponse]) -> Result<Handled, ConnectionEnd> {
    let mut partitions = responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    if partitions.any(|partition| partition.error_code != 0) {
        return Err(ConnectionEnd::Refused(
            "a produce request with acks=0 failed",
        ));
    }
    Ok(Handled {
        response: None,
        bodies: Vec::new(),
        share: None,
    })
}

struct Producing<'a> {
    broker: &'a BrokerState,
    context: &'a RequestContext,
    acks: Option<Acks>,
    is_transactional: bool,
    timeout: Duration,
}

/// Why a partition's batch is not appended.
struct Refusal {
    error: CodedError,
    records: Vec<BatchIndexAndErrorMessage>,
}

impl From<CodedError> for Refusal {
    fn from(error: CodedError) -> Refusal {
        Refusal {
            error,
            records: Vec::new(),
        }
    }
}

struct StartedTopic {
    name: Str,
    id: Option<TopicId>,
    partitions: Vec<(i32, Result<StartedPartition, Refusal>)>,
}

struct StartedPartition {
    append: PendingAppend,
    is_log_append_time: bool,
}

impl Producing<'_> {
    fn start(&self, topic: TopicProduceData) -> StartedTopic {
        let name = self.topic_name(&topic);
        let start = |partition: PartitionProduceData| {
            let index = partition.index;
            let started = match &name {
                Ok(name) => self.start_partition(name, partition),
                Err(error) => Err(Refusal::from(error.clone())),
            };
            (index, started)
        };
        let partitions = topic.partition_data.into_iter().map(start).collect();
        StartedTopic {
            name: topic.name,
            id: topic.topic_id,
            partitions,
        }
    }

    fn topic_name(&self, topic: &TopicProduceData) -> Result<TopicName, CodedError> {
        let name = match topic.topic_id {
            Some(id) => match self.broker.image().topic_by_id(id) {
                Some(found) => found.name.clone(),
                None => {
                    let message = "This server does not host this topic ID.";
                    return Err(CodedError::new(ErrorCode::UnknownTopicId, message));
                }
            },
            None => TopicName::new(topic.name.as_str()).map_err(|_| not_hosted())?,
        };
        let resource = Resource::Topic(name.as_str());
        authorize(self.context, Operation::Write, resource)
            .map_err(|it| CodedError::new(of_denied(it, resource), "Authorization failed."))?;
        Ok(name)
    }

    fn start_partition(
        &self,
        topic: &TopicName,
        data: PartitionProduceData,
    ) -> Result<StartedPartition, Refusal> {
        let Some(acks) = self.acks else {
            let message = "The required acks must be -1, 0 or 1.";
            return Err(CodedError::new(ErrorCode::InvalidRequiredAcks, message).into());
        };
        if self.is_transactional {
            let message = "Transactions are not supported yet.";
            return Err(CodedError::new(ErrorCode::UnsupportedVersion, message).into());
        }
        let number = PartitionId::new(data.index).map_err(|_| not_hosted())?;
        let of = TopicPartition::new(topic.clone(), number);
        let replica = self.broker.replicas.get(&of).ok_or_else(not_hosted)?;
        let config = replica.config();
        let records = data
            .records
            .map(|records| records.into_bytes())
            .unwrap_or_default();
        let rules = config.produce_rules(crate::clock::wall());
        let mut batch = rules.check(&records).map_err(|error| of_produce(&error))?;
        if let Some(setting) = config.recompress_as
            && batch.header().compression() != setting.compression()
        {
            batch = recompressed(&batch, setting)?;
        }
        if batch.header().attributes.is_transactional() {
            let message = "Transactions are not supported yet.";
            return Err(CodedError::new(ErrorCode::InvalidTxnState, message).into());
        }
        let append = replica
            .append(batch, acks, self.timeout)
            .map_err(|error| of_append(&error))?;
        let is_log_append_time = config.timestamp_type == TimestampType::LogAppendTime;
        Ok(StartedPartition {
            append,
            is_log_append_time,
        })
    }
}

fn not_hosted() -> CodedError {
    let message = "This server does not host this topic-partition.";
    CodedError::new(ErrorCode::UnknownTopicOrPartition, message)
}

fn recompressed(
    batch: &RecordBatch,
    setting: fleuve_model::record::CompressionSetting,
) -> Result<RecordBatch, CodedError> {
    let failed = |error: &dyn std::fmt::Display| {
        CodedError::new(ErrorCode::UnknownServerError, error.to_string())
    };
    let mut compressor = Compressor::new(setting).map_err(|error| failed(&error))?;
    batch
        .recompressed(&mut compressor, PLAIN_BYTES_MAX_DEFAULT)
        .map_err(|error| failed(&error))
}

impl StartedTopic {
    async fn response(self) -> TopicProduceResponse {
        let mut partition_responses = Vec::with_capacity(self.partitions.len());
        for (index, started) in self.partitions {
            partition_responses.push(match started {
                Ok(partition) => partition.response(index).await,
                Err(refusal) => refused(index, refusal),
            });
        }
        TopicProduceResponse {
            name: self.name,
            topic_id: self.id,
            partition_responses,
        }
    }
}

impl StartedPartition {
    async fn response(self, index: i32) -> PartitionProduceResponse {
        match self.append.outcome().await {
            Ok(AppendOutcome {
                appended,
                log_start,
            }) => PartitionProduceResponse {
                index,
                base_offset: appended.base_offset.value(),
                log_append_time_ms: match appended.max_timestamp {
                    Some(time) if self.is_log_append_time => time.as_millis(),
                    _ => -1,
                },
                log_start_offset: log_start.value(),
                ..PartitionProduceResponse::default()
            },
            Err(error) => refused(index, of_append(&error).into()),
        }
    }
}

fn refused(index: i32, refusal: Refusal) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: refusal.error.code.code(),
        base_offset: -1,
        error_message: refusal.error.text(),
        record_errors: refusal.records,
        ..PartitionProduceResponse::default()
    }
}

impl From<super::error_code::ProduceRefusal> for Refusal {
    fn from(refusal: super::error_code::ProduceRefusal) -> Refusal {
        let records = refusal.records.into_iter().map(|(index, message)| {
            let batch_index = i32::try_from(index).unwrap_or(i32::MAX);
            let batch_index_error_message = Some(Str::from(message));
            BatchIndexAndErrorMessage {
                batch_index,
                batch_index_error_message,
            }
        });
        Refusal {
            error: refusal.error,
            records: records.collect(),
        }
    }
}
