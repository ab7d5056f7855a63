//! Reads records, at once or as soon as there are enough.

use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::partition::ReadBound;
use fleuve_model::{ErrorCode, LeaderEpoch, TopicId, TopicName};
use fleuve_protocol::api::fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartition, FetchRequest, FetchResponse,
    FetchableTopicResponse, PartitionData,
};
use fleuve_protocol::{Records, Str};
use fleuve_storage::LogSlice;

use super::Handled;
use super::error_code::of_session;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::fetch::session::{
    FetchContext, FetchPosition, FetchTarget, FetchTopic, Heard, SessionClaim,
};
use crate::fetch::{Fetch, FetchedPartition, Outcome};
use crate::log::Watermarks;
use crate::request_context::{ClientHost, RequestContext};

/// From this version on topics are named by id.
const VERSION_OF_TOPIC_IDS: i16 = 13;
/// `isolation_level` of a consumer that wants committed transactions only.
const READ_COMMITTED: i8 = 1;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: FetchRequest,
) -> Result<Handled, ConnectionEnd> {
    let bound = match request.isolation_level {
        READ_COMMITTED => ReadBound::LastStableOffset,
        _ => ReadBound::HighWatermark,
    };
    let naming = Naming {
        by_id: context.version >= VERSION_OF_TOPIC_IDS,
    };
    let claim = SessionClaim {
        session_id: request.session_id,
        epoch: request.session_epoch,
        uses_topic_ids: naming.by_id,
    };
    let now = broker.clock.now().monotonic;
    let (wanted, forgotten) = (naming.wanted(&request), naming.forgotten(&request));
    let begun = broker
        .fetch_sessions
        .begin(context.connection, claim, wanted, &forgotten, now);
    let (session, targets) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            let error_code = of_session(error).code();
            return Ok(FetchResponse {
                error_code,
                ..FetchResponse::default()
            }
            .into());
        }
    };
    let bytes = |value: i32| u64::try_from(value).unwrap_or(0);
    let bytes_max =
        bytes(request.max_bytes).min(broker.settings().number_of("fetch.max.bytes").max(0) as u64);
    let in_memory = context.host == ClientHost::InProcess;
    let fetch = Fetch {
        broker,
        context,
        targets,
        bound,
        bytes_min: bytes(request.min_bytes).min(bytes_max),
        bytes_max,
        deadline: now + Duration::from_millis(bytes(request.max_wait_ms)),
        in_memory,
    };
    let fetched = fetch.run().await;
    let (session_id, partitions) = news(broker, session, fetched.partitions);
    let mut bodies = Bodies {
        in_memory,
        elsewhere: Vec::new(),
    };
    let response = FetchResponse {
        session_id,
        responses: naming.grouped(partitions, bound, &mut bodies),
        ..FetchResponse::default()
    };
    Ok(Handled {
        response: Some(response.into()),
        bodies: bodies.elsewhere,
        share: fetched.share,
    })
}

/// Leaves out what the session says is no news, and remembers what the client now knows.
fn news(
    broker: &BrokerState,
    session: FetchContext,
    mut partitions: Vec<FetchedPartition>,
) -> (i32, Vec<FetchedPartition>) {
    match session {
        FetchContext::Sessionless => (0, partitions),
        FetchContext::Full {
            connection,
            uses_topic_ids,
        } => {
            let remembered = partitions
                .iter()
                .map(|it| (it.target.clone(), it.position.clone(), heard(&it.outcome)))
                .collect();
            let now = broker.clock.now().monotonic;
            let sessions = &broker.fetch_sessions;
            (
                sessions.remember(connection, uses_topic_ids, remembered, now),
                partitions,
            )
        }
        FetchContext::Incremental {
            session_id,
            session,
        } => {
            partitions.retain(|it| {
                let says_something = match &it.outcome {
                    Outcome::Records { records, .. } => !records.is_empty(),
                    Outcome::Diverged { .. } | Outcome::Error(_) => true,
                };
                session.is_news(&it.target, heard(&it.outcome), says_something)
            });
            (session_id, partitions)
        }
    }
}

fn heard(outcome: &Outcome) -> Heard {
    match outcome {
        Outcome::Records { watermarks, .. } | Outcome::Diverged { watermarks, .. } => Heard {
            high_watermark: Some(watermarks.high_watermark),
            log_start: Some(watermarks.log_start),
        },
        Outcome::Error(_) => Heard {
            high_watermark: None,
            log_start: None,
        },
    }
}

/// How topics are named in this version.
#[derive(Clone, Copy)]
struct Naming {
    by_id: bool,
}

impl Naming {
    fn topic(self, name: &Str, id: Option<TopicId>) -> FetchTopic {
        if self.by_id {
            return FetchTopic::Id(id);
        }
        match TopicName::new(name.as_str()) {
            Ok(name) => FetchTopic::Name(name),
            Err(_) => FetchTopic::Invalid(name.to_string()),
        }
    }

    fn wanted(self, request: &FetchRequest) -> Vec<(FetchTarget, FetchPosition)> {
        let mut wanted = Vec::new();
        for topic in &request.topics {
            let named = self.topic(&topic.topic, topic.topic_id);
            wanted.extend(topic.partitions.iter().map(|partition| {
                let target = FetchTarget {
                    topic: named.clone(),
                    partition: partition.partition,
                };
                (target, position(partition))
            }));
        }
        wanted
    }

    fn forgotten(self, request: &FetchRequest) -> Vec<FetchTarget> {
        let mut forgotten = Vec::new();
        for topic in &request.forgotten_topics_data {
            let named = self.topic(&topic.topic, topic.topic_id);
            let target = |partition: &i32| FetchTarget {
                topic: named.clone(),
                partition: *partition,
            };
            forgotten.extend(topic.partitions.iter().map(target));
        }
        forgotten
    }

    /// Neighbours of one topic become one entry.
    fn grouped(
        self,
        partitions: Vec<FetchedPartition>,
        bound: ReadBound,
        bodies: &mut Bodies,
    ) -> Vec<FetchableTopicResponse> {
        let mut topics: Vec<(FetchTopic, FetchableTopicResponse)> = Vec::new();
        for partition in partitions {
            let topic = partition.target.topic.clone();
            let data = data(partition, bound, bodies);
            match topics.last_mut() {
                Some((last, response)) if *last == topic => response.partitions.push(data),
                _ => {
                    let mut response = named_response(&topic);
                    response.partitions.push(data);
                    topics.push((topic, response));
                }
            }
        }
        topics.into_iter().map(|(_, response)| response).collect()
    }
}

fn position(partition: &FetchPartition) -> FetchPosition {
    FetchPosition {
        offset: partition.fetch_offset,
        current_leader_epoch: LeaderEpoch::from_wire(partition.current_leader_epoch),
        last_fetched_epoch: LeaderEpoch::from_wire(partition.last_fetched_epoch),
        bytes_max: partition.partition_max_bytes,
    }
}

fn named_response(topic: &FetchTopic) -> FetchableTopicResponse {
    let mut response = FetchableTopicResponse::default();
    match topic {
        FetchTopic::Id(id) => response.topic_id = *id,
        FetchTopic::Name(name) => response.topic = Str::from(name.as_str()),
        FetchTopic::Invalid(name) => response.topic = Str::from(name.as_str()),
    }
    response
}

/// Where the records of an answer are.
struct Bodies {
    in_memory: bool,
    /// Those that are sent from their files, in the order of the answer's partitions.
    elsewhere: Vec<LogSlice>,
}

impl Bodies {
    fn records(&mut self, slice: LogSlice) -> std::io::Result<Records> {
        if slice.is_empty() {
            return Ok(Records::EMPTY);
        }
        if self.in_memory {
            return slice.read().map(Records::from);
        }
        // An answer's length has 31 bits, and `fetch.max.bytes` no more.
        let length = usize::try_from(slice.length_bytes).unwrap_or(usize::MAX);
        self.elsewhere.push(slice);
        Ok(Records::elsewhere(length))
    }
}

fn data(partition: FetchedPartition, bound: ReadBound, bodies: &mut Bodies) -> PartitionData {
    let empty = PartitionData {
        partition_index: partition.target.partition,
        high_watermark: -1,
        aborted_transactions: None,
        // Empty, never null: librdkafka takes null for a malformed message set.
        records: Some(Records::EMPTY),
        ..PartitionData::default()
    };
    match partition.outcome {
        Outcome::Records {
            records,
            watermarks,
            aborted,
        } => match bodies.records(records) {
            Err(error) => {
                let number = partition.target.partition;
                tracing::error!("fetch of partition {number} failed: {error}");
                PartitionData {
                    error_code: ErrorCode::KafkaStorageError.code(),
                    ..empty
                }
            }
            Ok(records) => PartitionData {
                aborted_transactions: (bound == ReadBound::LastStableOffset).then(|| {
                    aborted
                        .into_iter()
                        .map(|(producer, first_offset)| AbortedTransaction {
                            producer_id: producer.value(),
                            first_offset: first_offset.value(),
                        })
                        .collect()
                }),
                records: Some(records),
                ..with_watermarks(empty, watermarks)
            },
        },
        Outcome::Diverged {
            epoch,
            end,
            watermarks,
        } => PartitionData {
            diverging_epoch: EpochEndOffset {
                epoch: epoch.map_or(-1, LeaderEpoch::value),
                end_offset: end.value(),
            },
            ..with_watermarks(empty, watermarks)
        },
        Outcome::Error(code) => PartitionData {
            error_code: code.code(),
            ..empty
        },
    }
}

fn with_watermarks(data: PartitionData, watermarks: Watermarks) -> PartitionData {
    PartitionData {
        error_code: ErrorCode::None.code(),
        high_watermark: watermarks.high_watermark.value(),
        last_stable_offset: watermarks.last_stable.value(),
        log_start_offset: watermarks.log_start.value(),
        ..data
    }
}
