//! Fetching from the leaders of the assigned partitions, one request for each leader at a time.

use std::collections::BTreeMap;

use fleuve_model::{BrokerId, ErrorCode, LeaderEpoch, Offset, TopicId, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::fetch::{FetchPartition, FetchTopic, PartitionData};
use fleuve_protocol::api::{FetchRequest, FetchResponse};
use tokio::task::{JoinError, JoinSet};

use super::positions::{Place, Positions, Wanted};
use super::record::FetchedBatch;
use super::settings::{ConsumerSettings, OffsetReset};
use crate::cluster::{Cluster, Purpose};
use crate::reader::{FETCH_BY_ID_FROM, whole_batches};
use crate::transactions::AbortedTransactions;
use crate::{ClientError, IsolationLevel};

/// Of all partitions together, this share of `fetch.max.bytes` is held and not handed out yet before
/// no more is asked for.
const HELD_SHARE: usize = 4;

/// One partition of a request.
#[derive(Clone, Debug)]
struct Asked {
    partition: TopicPartition,
    from: Offset,
    /// The position's epoch when it was asked for.
    epoch: u64,
    leader_epoch: Option<LeaderEpoch>,
    topic_id: Option<TopicId>,
}

struct Fetched {
    leader: BrokerId,
    asked: Vec<Asked>,
    response: Result<FetchResponse, ClientError>,
}

/// Requests on their way.
pub(super) struct Fetcher {
    cluster: Cluster,
    settings: ConsumerSettings,
    /// Tasks of their own, so that they go on while nobody polls.
    in_flight: JoinSet<Fetched>,
    busy: Vec<BrokerId>,
}

/// What a fetch said beyond records.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The metadata is old.
    pub(super) wants_metadata: bool,
    /// Something failed that may pass: there is no use in asking at once.
    pub(super) is_retry: bool,
    /// For the one who polls.
    pub(super) error: Option<ClientError>,
}

impl Fetcher {
    pub(super) fn new(cluster: Cluster, settings: ConsumerSettings) -> Fetcher {
        Fetcher {
            cluster,
            settings,
            in_flight: JoinSet::new(),
            busy: Vec::new(),
        }
    }

    /// Asks for every partition that is due and whose leader is not busy. Whether the leader of
    /// one is not known.
    pub(super) fn send(&mut self, positions: &mut Positions) -> bool {
        let metadata = self.cluster.metadata();
        let enough_bytes = self.enough_bytes(positions.len());
        let mut lacks_leader = false;
        let mut by_leader: BTreeMap<BrokerId, Vec<Asked>> = BTreeMap::new();
        for (partition, assigned) in positions.iter() {
            let Some(from) = assigned.fetch_from(enough_bytes) else {
                continue;
            };
            let topic = metadata.topics.get(&partition.topic);
            let known = topic.and_then(|topic| topic.partition(partition.partition));
            let Some(leader) = known.and_then(|known| known.leader) else {
                lacks_leader = true;
                continue;
            };
            if self.busy.contains(&leader) {
                continue;
            }
            by_leader.entry(leader).or_default().push(Asked {
                partition: partition.clone(),
                from,
                epoch: assigned.epoch,
                leader_epoch: known.and_then(|known| known.leader_epoch),
                topic_id: topic.and_then(|topic| topic.id),
            });
        }
        for (leader, asked) in by_leader {
            for asked in &asked {
                if let Some(assigned) = positions.get_mut(&asked.partition) {
                    assigned.is_fetching = true;
                }
            }
            self.busy.push(leader);
            let fetch = fetch(self.cluster.clone(), self.settings.clone(), leader, asked);
            match self.cluster.io_thread() {
                Some(io) => self.in_flight.spawn_on(fetch, &io),
                None => self.in_flight.spawn(fetch),
            };
        }
        lacks_leader
    }

    /// How much of one of `partitions` is held before no more is asked for: while what was fetched
    /// is handed out, more is on its way. A batch counts until all of it is handed out, and one
    /// batch may be all that a fetch brings, so it is at least what one fetch may bring.
    fn enough_bytes(&self, partitions: usize) -> usize {
        let bytes = |setting: i32| usize::try_from(setting).unwrap_or(0);
        let share = bytes(self.settings.fetch_bytes_max) / HELD_SHARE / partitions.max(1);
        share.max(bytes(self.settings.partition_bytes_max))
    }

    /// Puts the records of an answer that has come into the buffers; nothing if none has.
    pub(super) fn receive_arrived(&mut self, positions: &mut Positions) -> Option<Findings> {
        let fetched = self.in_flight.try_join_next()?;
        Some(self.take(positions, fetched))
    }

    /// Waits for the next answer and puts its records into the buffers; never ends if nothing
    /// is in flight. Nothing is lost if it is dropped.
    pub(super) async fn receive(&mut self, positions: &mut Positions) -> Findings {
        let Some(fetched) = self.in_flight.join_next().await else {
            return std::future::pending().await;
        };
        self.take(positions, fetched)
    }

    fn take(&mut self, positions: &mut Positions, fetched: Result<Fetched, JoinError>) -> Findings {
        let fetched = fetched.expect("a fetch does not panic and is not aborted");
        self.busy.retain(|busy| *busy != fetched.leader);
        let mut findings = Findings::default();
        for asked in &fetched.asked {
            if let Some(assigned) = positions.get_mut(&asked.partition)
                && assigned.epoch == asked.epoch
            {
                assigned.is_fetching = false;
            }
        }
        match fetched.response {
            Ok(response) => self.read(positions, &fetched.asked, response, &mut findings),
            Err(error) => note(&mut findings, error),
        }
        findings
    }

    fn read(
        &self,
        positions: &mut Positions,
        asked: &[Asked],
        response: FetchResponse,
        findings: &mut Findings,
    ) {
        if let Err(error) = ClientError::check(response.error_code, "fetch", None) {
            return note(findings, error);
        }
        for topic in response.responses {
            for data in topic.partitions {
                let is_meant = |asked: &&Asked| {
                    let is_topic = match topic.topic_id {
                        Some(id) => asked.topic_id == Some(id),
                        None => topic.topic == *asked.partition.topic.as_str(),
                    };
                    is_topic && asked.partition.partition.value() == data.partition_index
                };
                let Some(asked) = asked.iter().find(is_meant) else {
                    continue;
                };
                self.read_partition(positions, asked, data, findings);
            }
        }
    }

    fn read_partition(
        &self,
        positions: &mut Positions,
        asked: &Asked,
        data: PartitionData,
        findings: &mut Findings,
    ) {
        let partition = &asked.partition;
        let current = positions.get_mut(partition);
        let Some(assigned) = current.filter(|assigned| assigned.epoch == asked.epoch) else {
            return;
        };
        let checked = ClientError::check(data.error_code, format!("fetch of {partition}"), None);
        match checked {
            Ok(()) => {}
            Err(error) if !error.is_retriable() && !assigned.failed() => {
                tracing::debug!(%error, "told when what was fetched before is handed out");
                return;
            }
            Err(error) if error.code() == Some(ErrorCode::OffsetOutOfRange) => {
                if self.settings.reset == OffsetReset::None {
                    findings.error = Some(ClientError::OffsetOutOfRange {
                        partition: partition.clone(),
                        offset: asked.from.value(),
                        start: data.log_start_offset,
                        end: data.high_watermark,
                    });
                }
                tracing::info!(%partition, offset = %asked.from, "no such offset; resetting");
                positions.place(partition, Place::Unknown(Wanted::Reset));
                return;
            }
            Err(error) => return note(findings, error),
        }
        if let Err(error) = self.buffer(positions, asked, data) {
            findings.error = Some(error);
        }
    }

    fn buffer(
        &self,
        positions: &mut Positions,
        asked: &Asked,
        data: PartitionData,
    ) -> Result<(), ClientError> {
        let partition = &asked.partition;
        let Some(assigned) = positions.get_mut(partition) else {
            return Ok(());
        };
        assigned.high_watermark = Offset::from_wire(data.high_watermark);
        let records = data.records.unwrap_or_default();
        let mut fetched = Vec::new();
        let mut aborted = match self.settings.isolation {
            IsolationLevel::ReadUncommitted => AbortedTransactions::default(),
            IsolationLevel::ReadCommitted => {
                AbortedTransactions::new(data.aborted_transactions.unwrap_or_default())
            }
        };
        let mut fetched_to = asked.from;
        let mut damaged = None;
        for batch in whole_batches(partition, &records, self.settings.check_crcs) {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    damaged = Some(error);
                    break;
                }
            };
            let end = batch.header().next_offset();
            if aborted.shows(&batch) && end > asked.from {
                fetched.push(FetchedBatch::new(batch, asked.from));
            }
            fetched_to = fetched_to.max(end);
        }
        assigned.fetched(fetched, asked.from, fetched_to);
        match damaged {
            Some(error) if assigned.failed() => Err(error),
            _ => Ok(()),
        }
    }
}

fn note(findings: &mut Findings, error: ClientError) {
    findings.wants_metadata |= error.wants_metadata();
    if error.is_retriable() {
        findings.is_retry = true;
        tracing::debug!(%error, "a fetch is repeated");
    } else {
        findings.error = Some(error);
    }
}

async fn fetch(
    cluster: Cluster,
    settings: ConsumerSettings,
    leader: BrokerId,
    asked: Vec<Asked>,
) -> Fetched {
    let response = ask(&cluster, &settings, leader, &asked).await;
    if matches!(&response, Err(error) if error.is_retriable()) {
        tokio::time::sleep(settings.common.retry_backoff).await;
    }
    Fetched {
        leader,
        asked,
        response,
    }
}

async fn ask(
    cluster: &Cluster,
    settings: &ConsumerSettings,
    leader: BrokerId,
    asked: &[Asked],
) -> Result<FetchResponse, ClientError> {
    let connection = cluster.connection(leader, Purpose::Fetch).await?;
    let mut version = connection.version_of::<FetchRequest>()?;
    if asked.iter().any(|asked| asked.topic_id.is_none()) {
        version = version.min(FETCH_BY_ID_FROM - 1);
    }
    let mut topics: Vec<FetchTopic> = Vec::new();
    for asked in asked {
        let name = asked.partition.topic.as_str();
        if topics.last().is_none_or(|topic| topic.topic != *name) {
            topics.push(FetchTopic {
                topic: Str::from(name),
                topic_id: asked.topic_id,
                partitions: Vec::new(),
            });
        }
        let topic = topics.last_mut().expect("one was just put there");
        topic.partitions.push(FetchPartition {
            partition: asked.partition.partition.value(),
            current_leader_epoch: asked.leader_epoch.map_or(-1, LeaderEpoch::value),
            fetch_offset: asked.from.value(),
            partition_max_bytes: settings.partition_bytes_max,
            ..FetchPartition::default()
        });
    }
    let request = FetchRequest {
        max_wait_ms: settings.fetch_wait.as_millis() as i32,
        min_bytes: settings.fetch_bytes_min,
        max_bytes: settings.fetch_bytes_max,
        isolation_level: settings.isolation.to_wire(),
        session_id: 0,
        session_epoch: -1,
        topics,
        // No rack: a broker would name a nearer replica (KIP-392), and only leaders are read.
        rack_id: Str::EMPTY,
        ..FetchRequest::default()
    };
    let limit = settings.common.request_timeout + settings.fetch_wait;
    connection
        .start_at(request, version)
        .await?
        .receive_within(limit)
        .await
}
