//! A broker on a simulated disk, and a client that speaks the bare protocol.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fleuve_broker::Broker;
use fleuve_broker::config::BrokerConfig;
use fleuve_model::record::{
    Attributes, BatchBuilder, BatchProducer, BatchSettings, Batches, Compression, NO_HEADERS,
    PLAIN_BYTES_MAX_DEFAULT,
};
use fleuve_model::{ErrorCode, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId};
use fleuve_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use fleuve_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use fleuve_protocol::api::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use fleuve_protocol::{
    AnyRequest, ApiKey, EncodedFrame, Records, Request, Response, Str, decode_response,
    encode_request,
};
use fleuve_storage::disk::{Disk, SimulatedDisk};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The configuration of a broker on `disk`.
pub(crate) fn config_on(disk: &SimulatedDisk) -> BrokerConfig {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    BrokerConfig::local(Path::new("/data")).on_disks(disk)
}

pub(crate) async fn start(config: BrokerConfig) -> Broker {
    Broker::start(config).await.expect("the broker starts")
}

/// A broker on a disk of its own.
pub(crate) async fn broker() -> Broker {
    start(config_on(&SimulatedDisk::new())).await
}

/// After this a test counts as hanging.
pub(crate) const HANG: std::time::Duration = std::time::Duration::from_secs(30);

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    correlation_last: i32,
}

impl Client {
    pub(crate) async fn connect(broker: &Broker) -> Client {
        let stream = TcpStream::connect(broker.address())
            .await
            .expect("the broker listens");
        Client {
            stream,
            correlation_last: 0,
        }
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .await
            .expect("the broker reads");
    }

    pub(crate) async fn send<R: Request>(&mut self, request: R, version: i16) {
        self.correlation_last += 1;
        let any: AnyRequest = request.into();
        let name = Str::from_static("test");
        let frame = encode_request(&any, version, self.correlation_last, Some(&name));
        self.send_frame(frame.expect("the request is of its version"))
            .await;
    }

    async fn send_frame(&mut self, frame: EncodedFrame) {
        self.send_bytes(&frame.into_bytes()).await;
    }

    /// The bytes of the next answer, or nothing if the broker has closed the connection.
    pub(crate) async fn receive_bytes(&mut self) -> Option<Bytes> {
        let received = tokio::time::timeout(HANG, self.receive_frame()).await;
        received.expect("neither an answer nor the end of the connection")
    }

    async fn receive_frame(&mut self) -> Option<Bytes> {
        let size = self.stream.read_u32().await.ok()?;
        let mut frame = vec![0; size as usize];
        self.stream.read_exact(&mut frame).await.ok()?;
        Some(Bytes::from(frame))
    }

    pub(crate) async fn receive<R: Response>(&mut self, version: i16) -> R {
        let bytes = self.receive_bytes().await.expect("an answer");
        let (header, response) =
            decode_response(R::KEY, version, bytes).expect("the answer is of its version");
        assert!(header.correlation_id <= self.correlation_last);
        R::from_any(response).expect("the answer is to the question")
    }

    pub(crate) async fn call<R: Request>(&mut self, request: R, version: i16) -> R::Response {
        self.send(request, version).await;
        self.receive(version).await
    }

    /// As the newest version has it.
    pub(crate) async fn ask<R: Request>(&mut self, request: R) -> R::Response {
        self.call(request, R::KEY.versions().max).await
    }

    pub(crate) async fn create_topic(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> TopicId {
        let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
            name: Str::from(*name),
            value: Some(Str::from(*value)),
        });
        let topic = CreatableTopic {
            name: Str::from(name),
            num_partitions: partitions,
            replication_factor: 1,
            configs: configs.collect(),
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            ..Default::default()
        };
        let mut response = self.ask(request).await;
        let created = response.topics.remove(0);
        assert_eq!(created.error_code, 0, "{:?}", created.error_message);
        created.topic_id.expect("a topic has an id")
    }

    /// Produces to one partition with acks=all.
    pub(crate) async fn produce(
        &mut self,
        topic: TopicId,
        partition: i32,
        records: Bytes,
    ) -> PartitionProduceResponse {
        let mut response = self
            .ask(produce_request(topic, partition, records, -1))
            .await;
        response.responses.remove(0).partition_responses.remove(0)
    }

    /// Fetches one partition, with no session.
    pub(crate) async fn fetch(
        &mut self,
        topic: TopicId,
        partition: i32,
        offset: i64,
    ) -> PartitionData {
        let mut response = self.ask(fetch_request(topic, partition, offset)).await;
        assert_eq!(response.error_code, 0);
        response.responses.remove(0).partitions.remove(0)
    }

    /// The values of all records of a partition from `offset` on.
    pub(crate) async fn values(
        &mut self,
        topic: TopicId,
        partition: i32,
        offset: i64,
    ) -> Vec<String> {
        let mut offset = offset;
        let mut values = Vec::new();
        loop {
            let data = self.fetch(topic, partition, offset).await;
            assert_eq!(data.error_code, 0, "fetch at {offset}");
            let records = records_of(&data);
            let Some((last, _)) = records.last() else {
                return values;
            };
            offset = last + 1;
            values.extend(records.into_iter().map(|(_, value)| value));
        }
    }
}

pub(crate) fn produce_request(
    topic: TopicId,
    partition: i32,
    records: Bytes,
    acks: i16,
) -> ProduceRequest {
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            topic_id: Some(topic),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(Records::from(records)),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

pub(crate) fn fetch_request(topic: TopicId, partition: i32, offset: i64) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 0,
        min_bytes: 1,
        max_bytes: 50 * 1024 * 1024,
        topics: vec![FetchTopic {
            topic_id: Some(topic),
            partitions: vec![FetchPartition {
                partition,
                fetch_offset: offset,
                partition_max_bytes: 1024 * 1024,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// Offsets and values.
pub(crate) fn records_of(data: &PartitionData) -> Vec<(i64, String)> {
    let bytes = data.records.clone().expect("never null").into_bytes();
    let mut records = Vec::new();
    for batch in Batches::new(bytes) {
        let batch = batch.expect("a whole batch");
        batch.verify_crc().expect("an undamaged batch");
        let mut scratch = Vec::new();
        for record in batch
            .records(&mut scratch, PLAIN_BYTES_MAX_DEFAULT)
            .expect("readable")
        {
            let record = record.expect("readable");
            let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
            records.push((record.offset.value(), value));
        }
    }
    records
}

/// Who writes a batch.
#[derive(Clone, Copy)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    pub(crate) sequence: i32,
}

pub(crate) fn batch(values: &[&str]) -> Bytes {
    batch_of(values, None, Compression::None, Some(now()))
}

pub(crate) fn batch_of(
    values: &[&str],
    producer: Option<Producer>,
    compression: Compression,
    timestamp: Option<Timestamp>,
) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder
            .append(timestamp, Some(b"key"), Some(value.as_bytes()), NO_HEADERS)
            .expect("a small record");
    }
    let settings = BatchSettings {
        producer: producer.map(|producer| BatchProducer {
            id: ProducerId::new(producer.id).expect("not negative"),
            epoch: ProducerEpoch::new(producer.epoch).expect("not negative"),
            base_sequence: Sequence::from_wire(producer.sequence),
        }),
        attributes: Attributes::default(),
        ..BatchSettings::default()
    };
    let batch = if compression.is_none() {
        builder.build(&settings)
    } else {
        let mut compressor = fleuve_model::record::Compressor::new(compression).expect("known");
        builder.build_compressed(&settings, &mut compressor)
    };
    batch.expect("a small batch").into_bytes()
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(since.expect("after 1970").as_millis() as i64)
}

pub(crate) fn code(code: ErrorCode) -> i16 {
    code.code()
}

/// Every API that the broker tells of.
pub(crate) async fn served(client: &mut Client) -> Vec<ApiKey> {
    let request = fleuve_protocol::api::ApiVersionsRequest {
        client_software_name: Str::from_static("test"),
        client_software_version: Str::from_static("1"),
    };
    let response = client.ask(request).await;
    response
        .api_keys
        .iter()
        .filter_map(|it| ApiKey::from_wire(it.api_key))
        .collect()
}
