//! Sessions: requests one after the other, over several connections, with a whole broker.
//!
//! The input is a list of requests: by which connection, of which API and version, its body. What
//! can be read as a request is sent as one, anything else as it is. Every answer must be one that
//! its client can read, nothing may panic, and what is allocated on the way is bounded.
//!
//! No request waits for time: those that could are told not to, and what waits for another client
//! (a group's members) loses its connection. So the clock does not decide what happens.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fleuve_broker::Broker;
use fleuve_broker::config::BrokerConfig;
use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS};
use fleuve_model::{Timestamp, TopicId};
use fleuve_protocol::api::create_topics::CreatableTopic;
use fleuve_protocol::api::{CreateTopicsRequest, CreateTopicsResponse, ProduceRequest};
use fleuve_protocol::schema::sample;
use fleuve_protocol::wire::{Decoder, Encoder};
use fleuve_protocol::{
    AnyRequest, AnyResponse, ApiKey, Records, Str, decode_response, encode_request,
};
use fleuve_storage::disk::SimulatedDisk;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::allocated;

const CONNECTIONS: usize = 3;
const REQUESTS_MAX: usize = 16;
/// A request that has no answer by then waits for another client.
const ANSWER_WAIT: Duration = Duration::from_millis(100);
/// By then the broker has made its topic, however busy the machine is.
const TOPIC_WAIT: Duration = Duration::from_secs(60);
/// What one request may take beyond four times its bytes: answers name what the broker has.
const MEMORY_BYTES_MAX: usize = 8 << 20;
const PARTITIONS_MAX: i32 = 3;
const STREAM_BYTES: usize = 64 << 10;
const TOPIC: &str = "t";

/// Lets a broker handle what `data` says.
pub fn session(data: &[u8]) {
    watch_other_threads();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime is made");
    runtime.block_on(async {
        let mut session = Session::start().await;
        for step in steps(data).take(REQUESTS_MAX) {
            session.take(step).await;
        }
        session.stop().await;
    });
    assert!(!PANICKED.load(Ordering::SeqCst), "a thread has panicked");
}

/// Tasks and log threads catch their panics: this notices them.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn watch_other_threads() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::SeqCst);
            before(panic);
        }));
    });
}

struct Step<'a> {
    connection: usize,
    key: ApiKey,
    version: i16,
    body: &'a [u8],
}

/// Each is a connection, an API, a version, two bytes of length and the body.
fn steps(mut data: &[u8]) -> impl Iterator<Item = Step<'_>> {
    std::iter::from_fn(move || {
        let ([connection, key, version, high, low], rest) = data.split_first_chunk::<5>()?;
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        data = rest;
        let key = ApiKey::ALL[usize::from(*key) % ApiKey::ALL.len()];
        let versions = key.versions();
        Some(Step {
            connection: usize::from(*connection) % CONNECTIONS,
            key,
            version: versions.min + i16::from(*version) % (versions.max - versions.min + 1),
            body,
        })
    })
}

struct Session {
    broker: Arc<Broker>,
    connections: [Option<DuplexStream>; CONNECTIONS],
    topic: Option<TopicId>,
    wait: Duration,
}

impl Session {
    async fn start() -> Session {
        let disk = Arc::new(SimulatedDisk::new());
        let config = BrokerConfig::local(Path::new("/data")).on_disks(disk);
        let broker = Broker::start(config).await.expect("a broker starts");
        let mut session = Session {
            broker: Arc::new(broker),
            connections: Default::default(),
            topic: None,
            wait: TOPIC_WAIT,
        };
        let topic = CreatableTopic {
            name: Str::from_static(TOPIC),
            num_partitions: 2,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let create = CreateTopicsRequest {
            topics: vec![topic],
            ..CreateTopicsRequest::default()
        };
        let answer = session.ask(0, create.into(), 7).await;
        if let Some(AnyResponse::CreateTopics(CreateTopicsResponse { topics, .. })) = answer {
            session.topic = topics.first().and_then(|topic| topic.topic_id);
        }
        assert!(session.topic.is_some(), "the topic is made");
        session.wait = ANSWER_WAIT;
        session
    }

    async fn take(&mut self, step: Step<'_>) {
        let Step {
            connection,
            key,
            version,
            body,
        } = step;
        let mut input = Decoder::bounded(Bytes::copy_from_slice(body));
        match AnyRequest::decode(key, version, &mut input) {
            Ok(request) => {
                let request = tamed(request, self.topic);
                self.ask(connection, request, version).await;
            }
            Err(_) => self.send_raw(connection, key, version, body).await,
        }
    }

    /// Sends a request and reads its answer, if one comes.
    async fn ask(
        &mut self,
        connection: usize,
        request: AnyRequest,
        version: i16,
    ) -> Option<AnyResponse> {
        let key = request.key();
        let is_answered = !matches!(
            &request,
            AnyRequest::Produce(ProduceRequest { acks: 0, .. })
        );
        let client = Str::from_static("fuzz");
        let frame = encode_request(&request, version, 7, Some(&client)).expect("it was read");
        let frame = frame.into_bytes();
        let answer = self.exchange(connection, &frame, is_answered).await?;
        let (header, response) =
            decode_response(key, version, answer).expect("an answer can be read");
        assert_eq!(header.correlation_id, 7);
        Some(response)
    }

    /// Sends what may be no request at all; the broker may end the connection.
    async fn send_raw(&mut self, connection: usize, key: ApiKey, version: i16, body: &[u8]) {
        let mut out = Encoder::new();
        out.put(&key.to_wire().to_be_bytes());
        out.put(&version.to_be_bytes());
        out.put(&[0, 0, 0, 7, 0xff, 0xff]);
        out.put(body);
        let request = out.finish().into_bytes();
        let frame = [&(request.len() as u32).to_be_bytes()[..], &request].concat();
        self.exchange(connection, &frame, true).await;
    }

    async fn exchange(
        &mut self,
        connection: usize,
        frame: &[u8],
        is_answered: bool,
    ) -> Option<Bytes> {
        let mut stream = match self.connections[connection].take() {
            Some(stream) => stream,
            None => self.connect(),
        };
        allocated::begin();
        stream.write_all(frame).await.ok()?;
        if !is_answered {
            self.connections[connection] = Some(stream);
            return None;
        }
        let answer = tokio::time::timeout(self.wait, answer(&mut stream)).await;
        let (answer, answer_bytes) = match answer {
            Ok(Some(answer)) => (answer.clone(), answer.len()),
            Ok(None) | Err(_) => return None,
        };
        let allocated = allocated::peak_since_begin();
        let allowed = 4 * frame.len() + 3 * answer_bytes + MEMORY_BYTES_MAX;
        assert!(
            allocated <= allowed,
            "{} bytes came, and {allocated} were allocated",
            frame.len()
        );
        self.connections[connection] = Some(stream);
        Some(answer)
    }

    fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BYTES);
        let broker = Arc::clone(&self.broker);
        tokio::spawn(async move { broker.serve(theirs).await });
        ours
    }

    async fn stop(self) {
        drop(self.connections);
        // Whoever serves a connection holds the broker until it has seen its end.
        while Arc::strong_count(&self.broker) > 1 {
            tokio::task::yield_now().await;
        }
        let broker = Arc::into_inner(self.broker).expect("nobody else holds it");
        broker.stop().await;
    }
}

async fn answer(stream: &mut DuplexStream) -> Option<Bytes> {
    let size = stream.read_u32().await.ok()?;
    let mut answer = vec![0; size as usize];
    stream.read_exact(&mut answer).await.ok()?;
    Some(Bytes::from(answer))
}

/// The request without what would make it wait for time, or ask for many logs; with the id of the
/// topic that is there in place of any.
fn tamed(mut request: AnyRequest, topic: Option<TopicId>) -> AnyRequest {
    match &mut request {
        AnyRequest::Fetch(fetch) => {
            fetch.max_wait_ms = 0;
            for wanted in &mut fetch.topics {
                wanted.topic_id = wanted.topic_id.and(topic);
            }
        }
        AnyRequest::Produce(produce) => {
            for sent in &mut produce.topic_data {
                sent.topic_id = sent.topic_id.and(topic);
            }
        }
        AnyRequest::CreateTopics(create) => {
            for wanted in &mut create.topics {
                wanted.num_partitions = wanted.num_partitions.min(PARTITIONS_MAX);
                wanted.assignments.truncate(PARTITIONS_MAX as usize);
            }
        }
        AnyRequest::CreatePartitions(create) => {
            for wanted in &mut create.topics {
                wanted.count = wanted.count.min(PARTITIONS_MAX);
            }
        }
        _ => {}
    }
    request
}

/// Sessions that make sense, and for each version of each API a request made up of chance.
pub fn session_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        [produced(7, &["a", "b"]), fetched(11), fetched(4)].concat(),
        [produced(9, &["c"]), produced(9, &["d"]), fetched(12)].concat(),
    ];
    let mut all = Vec::new();
    for (index, key) in ApiKey::ALL.iter().copied().enumerate() {
        for version in key.versions().iter() {
            let mut state = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(version as u64 + 3);
            let mut random = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                state >> 16
            };
            let is_flexible = key.is_flexible(version);
            let body = sample(key.schemas().0, version, is_flexible, &mut random);
            let number = (version - key.versions().min) as u8;
            all.push(step(index as u8, index as u8, number, &body));
        }
    }
    seeds.extend(all.chunks(5).map(<[Vec<u8>]>::concat));
    seeds
}

fn step(connection: u8, key: u8, version: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[connection, key, version][..], &length, body].concat()
}

fn encoded(request: AnyRequest, version: i16) -> Vec<u8> {
    let key = request.key();
    let mut out = Encoder::new();
    request
        .encode(version, &mut out)
        .expect("a request of its version");
    let index = ApiKey::ALL.iter().position(|it| *it == key).expect("known");
    let number = (version - key.versions().min) as u8;
    step(0, index as u8, number, &out.finish().into_bytes())
}

fn produced(version: i16, values: &[&str]) -> Vec<u8> {
    use fleuve_protocol::api::produce::{PartitionProduceData, TopicProduceData};
    let mut builder = BatchBuilder::new();
    for value in values {
        let time = Some(Timestamp::from_millis(1_700_000_000_000));
        builder
            .append(time, Some(b"k"), Some(value.as_bytes()), NO_HEADERS)
            .expect("it is small");
    }
    let batch = builder
        .build(&BatchSettings::default())
        .expect("it is small");
    let partition = PartitionProduceData {
        index: 0,
        records: Some(Records::from(batch.into_bytes())),
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: Str::from_static(TOPIC),
            partition_data: vec![partition],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    encoded(request.into(), version)
}

fn fetched(version: i16) -> Vec<u8> {
    use fleuve_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
    let partition = FetchPartition {
        partition: 0,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let request = FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: Str::from_static(TOPIC),
            partitions: vec![partition],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    encoded(request.into(), version)
}
