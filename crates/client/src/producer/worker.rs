//! One broker's produce requests: batches are sealed, sent in the order they came, and their
//! answers handed back.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use fleuve_model::record::{
    BatchProducer, BatchSettings, CompressionSetting, Compressor, RecordBatch, crc32c,
};
use fleuve_model::{BrokerId, ErrorCode, Offset, Timestamp, TopicId, TopicPartition};
use fleuve_protocol::api::produce::{
    PartitionProduceData, PartitionProduceResponse, TopicProduceData,
};
use fleuve_protocol::api::{ProduceRequest, ProduceResponse};
use fleuve_protocol::{Records, Str};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::accumulator::{Batch, Content};
use super::record::Appended;
use super::settings::{Acks, ProducerSettings};
use crate::ClientError;
use crate::cluster::{Cluster, Purpose};

/// From this version on a produce request names topics by id.
const PRODUCE_BY_ID_FROM: i16 = 13;

/// What became of the batches of one request.
pub(super) struct Answered {
    pub(super) broker: BrokerId,
    pub(super) results: Vec<(Batch, Result<Appended, ClientError>)>,
    /// Builders that can be used again.
    pub(super) builders: Vec<fleuve_model::record::BatchBuilder>,
}

pub(super) struct Worker {
    broker: BrokerId,
    cluster: Cluster,
    acks: Acks,
    timeout_ms: i32,
    compressor: Compressor,
    builders: Vec<fleuve_model::record::BatchBuilder>,
}

type Answering = BoxFuture<'static, Vec<(Batch, Result<Appended, ClientError>)>>;

impl Worker {
    pub(super) fn new(
        broker: BrokerId,
        cluster: Cluster,
        settings: &ProducerSettings,
    ) -> Result<Worker, ClientError> {
        Ok(Worker {
            broker,
            cluster,
            acks: settings.acks,
            timeout_ms: settings.common.request_timeout.as_millis() as i32,
            compressor: compressor(settings.compression)?,
            builders: Vec::new(),
        })
    }

    /// Works until the sender is gone.
    pub(super) async fn run(
        mut self,
        mut jobs: mpsc::Receiver<Vec<Batch>>,
        answered: mpsc::Sender<Answered>,
    ) {
        let mut answers = FuturesUnordered::<Answering>::new();
        loop {
            let results = tokio::select! {
                job = jobs.recv() => match job {
                    None => break,
                    Some(batches) => match self.start(batches).await {
                        Started::Sent(answer) => { answers.push(answer); continue }
                        Started::Done(results) => results,
                    },
                },
                Some(results) = answers.next() => results,
            };
            let broker = self.broker;
            let builders = std::mem::take(&mut self.builders);
            if answered
                .send(Answered {
                    broker,
                    results,
                    builders,
                })
                .await
                .is_err()
            {
                break;
            }
        }
    }

    async fn start(&mut self, batches: Vec<Batch>) -> Started {
        let mut sealed = Vec::with_capacity(batches.len());
        let mut failed = Vec::new();
        for mut batch in batches {
            match self.seal(&mut batch) {
                Ok(bytes) => sealed.push((batch, bytes)),
                Err(error) => failed.push((batch, Err(error))),
            }
        }
        if sealed.is_empty() {
            return Started::Done(failed);
        }
        let connection = match self
            .cluster
            .connection(self.broker, Purpose::Requests)
            .await
        {
            Ok(connection) => connection,
            Err(error) => return Started::Done(fail(sealed, failed, &error)),
        };
        let version = match connection.version_of::<ProduceRequest>() {
            Ok(version) => version,
            Err(error) => return Started::Done(fail(sealed, failed, &error)),
        };
        let ids = self.topic_ids(&sealed);
        let version = if ids.is_some() {
            version
        } else {
            version.min(PRODUCE_BY_ID_FROM - 1)
        };
        let request = self.request(&sealed, ids.as_ref());
        let batches: Vec<Batch> = sealed.into_iter().map(|(batch, _)| batch).collect();
        if self.acks == Acks::None {
            let sent = connection.send_unanswered(request, version).await;
            let unknown = Appended {
                base_offset: None,
                log_append_time: None,
            };
            let result = |batch| (batch, sent.clone().map(|()| unknown));
            failed.extend(batches.into_iter().map(result));
            return Started::Done(failed);
        }
        match connection.start_at(request, version).await {
            Err(error) => {
                failed.extend(batches.into_iter().map(|batch| (batch, Err(error.clone()))));
                Started::Done(failed)
            }
            Ok(answer) => Started::Sent(Box::pin(async move {
                let response = answer.receive().await;
                failed.extend(match response {
                    Ok(response) => read_response(batches, response, ids.as_ref()),
                    Err(error) => batches
                        .into_iter()
                        .map(|batch| (batch, Err(error.clone())))
                        .collect(),
                });
                failed
            })),
        }
    }

    /// Closes an open batch; gives one that comes again the identity it is to have now.
    fn seal(&mut self, batch: &mut Batch) -> Result<Bytes, ClientError> {
        let stamp = batch.stamp;
        let content = std::mem::replace(&mut batch.content, Content::Open(Default::default()));
        let sealed = match content {
            Content::Sealed(sealed) => match stamp {
                Some(stamp) if sealed.header().producer != Some(stamp) => restamped(sealed, stamp),
                _ => Ok(sealed),
            },
            Content::Open(mut builder) => {
                let settings = BatchSettings {
                    producer: stamp,
                    ..BatchSettings::default()
                };
                let sealed = builder
                    .build_compressed(&settings, &mut self.compressor)
                    .map_err(|error| ClientError::Invalid(error.to_string()));
                self.builders.push(builder);
                sealed
            }
        };
        let sealed = sealed?;
        let bytes = sealed.bytes().clone();
        batch.content = Content::Sealed(sealed);
        Ok(bytes)
    }

    /// The ids of the batches' topics, if all have one.
    fn topic_ids(&self, sealed: &[(Batch, Bytes)]) -> Option<BTreeMap<TopicId, TopicPartition>> {
        let metadata = self.cluster.metadata();
        let id = |(batch, _): &(Batch, Bytes)| {
            let id = metadata.topics.get(&batch.partition.topic)?.id?;
            Some((id, batch.partition.clone()))
        };
        sealed.iter().map(id).collect()
    }

    fn request(
        &self,
        sealed: &[(Batch, Bytes)],
        ids: Option<&BTreeMap<TopicId, TopicPartition>>,
    ) -> ProduceRequest {
        let mut topics: BTreeMap<&str, Vec<PartitionProduceData>> = BTreeMap::new();
        for (batch, bytes) in sealed {
            let topic = batch.partition.topic.as_str();
            topics.entry(topic).or_default().push(PartitionProduceData {
                index: batch.partition.partition.value(),
                records: Some(Records::from(bytes.clone())),
            });
        }
        let id_of = |name: &str| {
            let found = ids?
                .iter()
                .find(|(_, partition)| partition.topic.as_str() == name);
            found.map(|(id, _)| *id)
        };
        let topic_data = topics
            .into_iter()
            .map(|(name, partition_data)| TopicProduceData {
                name: Str::from(name),
                topic_id: id_of(name),
                partition_data,
            });
        ProduceRequest {
            transactional_id: None,
            acks: self.acks.to_wire(),
            timeout_ms: self.timeout_ms,
            topic_data: topic_data.collect(),
        }
    }
}

enum Started {
    Sent(Answering),
    Done(Vec<(Batch, Result<Appended, ClientError>)>),
}

fn compressor(setting: CompressionSetting) -> Result<Compressor, ClientError> {
    Compressor::new(setting).map_err(|error| ClientError::Invalid(error.to_string()))
}

fn fail(
    sealed: Vec<(Batch, Bytes)>,
    mut failed: Vec<(Batch, Result<Appended, ClientError>)>,
    error: &ClientError,
) -> Vec<(Batch, Result<Appended, ClientError>)> {
    failed.extend(
        sealed
            .into_iter()
            .map(|(batch, _)| (batch, Err(error.clone()))),
    );
    failed
}

fn read_response(
    batches: Vec<Batch>,
    response: ProduceResponse,
    ids: Option<&BTreeMap<TopicId, TopicPartition>>,
) -> Vec<(Batch, Result<Appended, ClientError>)> {
    let mut found: BTreeMap<(String, i32), PartitionProduceResponse> = BTreeMap::new();
    for topic in response.responses {
        let by_id = topic.topic_id.and_then(|id| ids?.get(&id));
        let name = by_id.map_or(topic.name.as_str(), |partition| partition.topic.as_str());
        for partition in topic.partition_responses {
            found.insert((name.to_owned(), partition.index), partition);
        }
    }
    let result = |batch: Batch| {
        let partition = &batch.partition;
        let key = (
            partition.topic.as_str().to_owned(),
            partition.partition.value(),
        );
        let result = match found.get(&key) {
            Some(answer) => read_partition(partition, answer),
            None => Err(ClientError::Invalid(format!(
                "the broker's answer leaves {partition} out"
            ))),
        };
        (batch, result)
    };
    batches.into_iter().map(result).collect()
}

fn read_partition(
    partition: &TopicPartition,
    answer: &PartitionProduceResponse,
) -> Result<Appended, ClientError> {
    // The broker has the batch: an earlier attempt had come through.
    if answer.error_code == ErrorCode::DuplicateSequenceNumber.code() {
        return Ok(Appended {
            base_offset: None,
            log_append_time: None,
        });
    }
    let details = answer
        .record_errors
        .iter()
        .find_map(|e| e.batch_index_error_message.clone());
    let message = answer.error_message.clone().or(details);
    ClientError::check(answer.error_code, partition.to_string(), message.as_ref())?;
    Ok(Appended {
        base_offset: Offset::from_wire(answer.base_offset),
        log_append_time: Timestamp::from_wire(answer.log_append_time_ms),
    })
}

/// The same batch of another producer or sequence: three fields and the CRC over them.
fn restamped(batch: RecordBatch, stamp: BatchProducer) -> Result<RecordBatch, ClientError> {
    const CRC: usize = 17;
    const ATTRIBUTES: usize = 21;
    const PRODUCER_ID: usize = 43;
    const RECORDS_COUNT: usize = 57;
    let mut fields = Vec::with_capacity(RECORDS_COUNT - PRODUCER_ID);
    fields.put_i64(stamp.id.value());
    fields.put_i16(stamp.epoch.value());
    fields.put_i32(stamp.base_sequence.map_or(-1, |sequence| sequence.value()));
    let mut bytes = BytesMut::from(batch.into_bytes());
    bytes[PRODUCER_ID..RECORDS_COUNT].copy_from_slice(&fields);
    let crc = crc32c(&bytes[ATTRIBUTES..]);
    bytes[CRC..ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
    RecordBatch::parse(&bytes.freeze()).map_err(|error| ClientError::Invalid(error.to_string()))
}
