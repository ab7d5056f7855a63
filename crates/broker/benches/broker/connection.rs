//! One connection of the load generator: blocking, with nothing between it and the socket.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use fleuve_protocol::api::create_topics::{CreatableTopic, CreateTopicsRequest};
use fleuve_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
use fleuve_protocol::api::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use fleuve_protocol::{
    AnyRequest, AnyResponse, ApiKey, Records, Str, decode_response, encode_request,
};

/// Versions that name topics, so that any broker and the floor take the same bytes.
const PRODUCE_VERSION: i16 = 9;
const FETCH_VERSION: i16 = 12;
const CREATE_TOPICS_VERSION: i16 = 5;
/// Kafka's defaults of a consumer.
const FETCH_BYTES_MAX: i32 = 50 << 20;
const PARTITION_BYTES_MAX: i32 = 1 << 20;

pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let answer = Vec::new();
        Ok(Connection { stream, answer })
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        self.stream.write_all(frame).expect("the server reads");
    }

    /// The next answer without its size.
    fn receive(&mut self) -> &[u8] {
        let mut size = [0; 4];
        let read = self.stream.read_exact(&mut size);
        read.expect("the server answers");
        self.answer.resize(u32::from_be_bytes(size) as usize, 0);
        let read = self.stream.read_exact(&mut self.answer);
        read.expect("a whole answer");
        &self.answer
    }

    /// The next answer, which is to a produce request and without an error.
    pub(crate) fn receive_acknowledgement(&mut self) {
        let answer = Bytes::copy_from_slice(self.receive());
        let decoded = decode_response(ApiKey::Produce, PRODUCE_VERSION, answer);
        let Ok((_, AnyResponse::Produce(response))) = decoded else {
            panic!("not an answer to a produce request: {decoded:?}");
        };
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, 0, "{:?}", partition.error_message);
    }

    /// How many bytes the next answer to a fetch has. All but some dozens of them are records.
    pub(crate) fn receive_records(&mut self) -> usize {
        self.receive().len()
    }

    pub(crate) fn create_topic(&mut self, name: &str, partitions: usize) {
        let topic = CreatableTopic {
            name: Str::from(name),
            num_partitions: partitions as i32,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            ..CreateTopicsRequest::default()
        };
        self.send(&frame(request.into(), CREATE_TOPICS_VERSION));
        let answer = Bytes::copy_from_slice(self.receive());
        let decoded = decode_response(ApiKey::CreateTopics, CREATE_TOPICS_VERSION, answer);
        let Ok((_, AnyResponse::CreateTopics(response))) = decoded else {
            panic!("not an answer to a request for topics: {decoded:?}");
        };
        assert_eq!(response.topics[0].error_code, 0, "topic {name}");
    }
}

pub(crate) fn produce_frame(topic: &str, partition: usize, batch: &Bytes) -> Bytes {
    let data = PartitionProduceData {
        index: partition as i32,
        records: Some(Records::from(batch.clone())),
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: Str::from(topic),
            partition_data: vec![data],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    frame(request.into(), PRODUCE_VERSION)
}

pub(crate) fn fetch_frame(topic: &str, partition: usize, offset: i64) -> Bytes {
    let wanted = FetchPartition {
        partition: partition as i32,
        fetch_offset: offset,
        partition_max_bytes: PARTITION_BYTES_MAX,
        ..FetchPartition::default()
    };
    let request = FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: FETCH_BYTES_MAX,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: Str::from(topic),
            partitions: vec![wanted],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    frame(request.into(), FETCH_VERSION)
}

fn frame(request: AnyRequest, version: i16) -> Bytes {
    let client = Str::from_static("bench");
    let frame = encode_request(&request, version, 1, Some(&client));
    frame.expect("a request of its version").into_bytes()
}
