//! The task that sends what has been accumulated.
//!
//! It decides which batches go now, keeps count of what is in flight, puts back what may be
//! tried again and tells the others what became of them. Requests themselves are made by one
//! worker task for each broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{BrokerId, ErrorCode, ProducerEpoch, ProducerId, TopicPartition};
use fleuve_protocol::api::InitProducerIdRequest;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::accumulator::{Batch, ProducerIdentity};
use super::record::Appended;
use super::settings::ProducerSettings;
use super::worker::{Answered, Worker};
use crate::ClientError;
use crate::cluster::{Cluster, TopicSelection};

/// Answers that wait for the sender; workers wait then.
const ANSWERS_QUEUED_MAX: usize = 64;

/// How long the sender sleeps when nothing is to be done.
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct Sender {
    shared: Arc<Shared>,
    cluster: Cluster,
    settings: ProducerSettings,
    brokers: BTreeMap<BrokerId, Link>,
    answers: mpsc::Receiver<Answered>,
    answers_to: mpsc::Sender<Answered>,
    in_flight: usize,
    identity: Identity,
    refreshing: Option<BoxFuture<'static, ()>>,
    refreshed: Instant,
    wants_metadata: bool,
}

/// A worker and how many requests it has that are not answered.
struct Link {
    jobs: mpsc::Sender<Vec<Batch>>,
    in_flight: usize,
}

enum Identity {
    /// The producer is not idempotent.
    NotWanted,
    /// It has to be asked for, once nothing is in flight.
    Wanted,
    Asking(BoxFuture<'static, Result<ProducerIdentity, ClientError>>),
    Known(ProducerIdentity),
}

impl Sender {
    pub(super) fn new(shared: Arc<Shared>, cluster: Cluster, settings: ProducerSettings) -> Sender {
        let (answers_to, answers) = mpsc::channel(ANSWERS_QUEUED_MAX);
        let identity = if settings.is_idempotent {
            Identity::Wanted
        } else {
            Identity::NotWanted
        };
        Sender {
            shared,
            cluster,
            settings,
            brokers: BTreeMap::new(),
            answers,
            answers_to,
            in_flight: 0,
            identity,
            refreshing: None,
            refreshed: Instant::now(),
            wants_metadata: false,
        }
    }

    /// Sends until the producer is closed and all is sent.
    pub(super) async fn run(mut self) {
        loop {
            self.expire();
            self.ask_for_identity();
            self.ask_for_metadata();
            let next = self.send_ready();
            if self.shared.is_closed() && self.in_flight == 0 && self.shared.is_empty() {
                break;
            }
            self.wait(next).await;
        }
        self.cluster.close();
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self, next: Option<Instant>) {
        let now = Instant::now();
        let wake_at = next.unwrap_or(now + IDLE).min(now + IDLE);
        let asking = async {
            match &mut self.identity {
                Identity::Asking(asking) => asking.await,
                _ => std::future::pending().await,
            }
        };
        let refreshing = async {
            match &mut self.refreshing {
                Some(refreshing) => refreshing.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(answered) = self.answers.recv() => {
                self.answered(answered);
                while let Some(Some(answered)) = self.answers.recv().now_or_never() {
                    self.answered(answered);
                }
            }
            identity = asking => self.identity_known(identity),
            () = refreshing => self.refreshing = None,
            () = self.shared.wake.notified() => {}
            () = sleep_until(wake_at) => {}
        }
    }

    /// Fails the batches that have waited beyond `delivery.timeout.ms`.
    fn expire(&mut self) {
        let now = Instant::now();
        let timeout = self.settings.delivery_timeout;
        let expired = self.shared.accumulator().take_expired(now, timeout);
        for batch in expired {
            let error = self.timed_out(&batch);
            if batch.attempts > 0 {
                // It may have been written: what follows it cannot take its numbers.
                self.renew_identity();
            }
            self.finish(batch, Err(error));
        }
    }

    fn timed_out(&self, batch: &Batch) -> ClientError {
        let count = batch.records_count;
        ClientError::TimedOut {
            what: format!("delivery of {count} records to {}", batch.partition),
            limit: self.settings.delivery_timeout,
            setting: "delivery.timeout.ms",
        }
    }

    fn renew_identity(&mut self) {
        if matches!(self.identity, Identity::Known(_)) {
            self.identity = Identity::Wanted;
        }
    }

    fn ask_for_identity(&mut self) {
        let is_needed = matches!(self.identity, Identity::Wanted)
            && self.in_flight == 0
            && !self.shared.is_empty();
        if !is_needed {
            return;
        }
        let cluster = self.cluster.clone();
        let deadline = Instant::now() + self.settings.delivery_timeout;
        let asking = async move { cluster.retry(deadline, || ask_for_identity(&cluster)).await };
        self.identity = Identity::Asking(asking.boxed());
    }

    fn identity_known(&mut self, identity: Result<ProducerIdentity, ClientError>) {
        match identity {
            Ok(identity) => {
                self.shared.accumulator().restart_sequences();
                self.identity = Identity::Known(identity);
            }
            Err(error) => {
                self.identity = Identity::Wanted;
                let batches = self.shared.accumulator().take_all();
                for batch in batches {
                    self.finish(batch, Err(error.clone()));
                }
            }
        }
    }

    /// Asks for metadata if it misled somebody or is old; not more often than the backoff.
    fn ask_for_metadata(&mut self) {
        let is_wanted = self.wants_metadata || self.cluster.is_metadata_old();
        let pause = self.settings.common.retry_backoff;
        if !is_wanted || self.refreshing.is_some() || self.refreshed.elapsed() < pause {
            return;
        }
        let mut names = self.shared.accumulator().topics_waiting();
        if names.is_empty() {
            names = self
                .cluster
                .metadata()
                .topics
                .keys()
                .map(|n| n.as_str().to_owned())
                .collect();
        }
        if names.is_empty() {
            return;
        }
        self.wants_metadata = false;
        self.refreshed = Instant::now();
        let cluster = self.cluster.clone();
        let refresh = async move {
            if let Err(error) = cluster.refresh(TopicSelection::Named(names), true).await {
                tracing::debug!(%error, "metadata cannot be had");
            }
        };
        self.refreshing = Some(refresh.boxed());
    }

    /// Gives workers what is ready, and tells when more will be.
    fn send_ready(&mut self) -> Option<Instant> {
        let identity = match &self.identity {
            Identity::Known(identity) => Some(*identity),
            Identity::NotWanted => None,
            Identity::Wanted | Identity::Asking(_) => return None,
        };
        let now = Instant::now();
        loop {
            let (ready, next) = self.shared.accumulator().ready(now);
            let mut by_leader: BTreeMap<BrokerId, Vec<TopicPartition>> = BTreeMap::new();
            for partition in ready {
                match self.cluster.leader(&partition) {
                    Ok(leader) => by_leader.entry(leader.id).or_default().push(partition),
                    Err(_) => self.wants_metadata = true,
                }
            }
            let mut sent = false;
            for (leader, partitions) in by_leader {
                if self.link(leader).in_flight < self.settings.in_flight_max {
                    sent |= self.send_to(leader, &partitions, identity);
                }
            }
            if !sent {
                let retry_at = now + self.settings.common.retry_backoff;
                let next = if self.wants_metadata {
                    Some(next.map_or(retry_at, |next| next.min(retry_at)))
                } else {
                    next
                };
                return next;
            }
        }
    }

    /// Fills one request with a batch of each of `partitions`, as far as they fit.
    fn send_to(
        &mut self,
        leader: BrokerId,
        partitions: &[TopicPartition],
        identity: Option<ProducerIdentity>,
    ) -> bool {
        let mut batches = Vec::new();
        let mut bytes = 0;
        let mut accumulator = self.shared.accumulator();
        for partition in partitions {
            let Some(size) = accumulator.first_size(partition) else {
                continue;
            };
            if bytes > 0 && bytes + size > self.settings.request_bytes_max {
                continue;
            }
            bytes += size;
            batches.extend(accumulator.take(partition, identity));
        }
        drop(accumulator);
        if batches.is_empty() {
            return false;
        }
        self.in_flight += 1;
        let link = self.link(leader);
        link.in_flight += 1;
        if let Err(refused) = link.jobs.try_send(batches) {
            // The worker has ended, which it does only with the producer's configuration.
            let batches = refused.into_inner();
            let error = ClientError::Closed("producer");
            let results = batches
                .into_iter()
                .map(|batch| (batch, Err(error.clone())))
                .collect();
            self.answered(Answered {
                broker: leader,
                results,
                builders: Vec::new(),
            });
        }
        true
    }

    fn link(&mut self, broker: BrokerId) -> &mut Link {
        let (cluster, settings) = (&self.cluster, &self.settings);
        let answers_to = &self.answers_to;
        self.brokers.entry(broker).or_insert_with(|| {
            let (jobs, queued) = mpsc::channel(settings.in_flight_max);
            match Worker::new(broker, cluster.clone(), settings) {
                Ok(worker) => drop(tokio::spawn(worker.run(queued, answers_to.clone()))),
                Err(error) => tracing::error!(%error, "batches cannot be compressed"),
            }
            Link { jobs, in_flight: 0 }
        })
    }

    fn answered(&mut self, answered: Answered) {
        self.in_flight -= 1;
        if let Some(link) = self.brokers.get_mut(&answered.broker) {
            link.in_flight -= 1;
        }
        let mut accumulator = self.shared.accumulator();
        answered
            .builders
            .into_iter()
            .for_each(|builder| accumulator.recycle(builder));
        drop(accumulator);
        for (batch, result) in answered.results {
            self.batch_answered(batch, result);
        }
    }

    fn batch_answered(&mut self, batch: Batch, result: Result<Appended, ClientError>) {
        let Err(error) = result else {
            return self.finish(batch, result);
        };
        self.wants_metadata |= error.wants_metadata();
        let is_out_of_order = error.code() == Some(ErrorCode::OutOfOrderSequenceNumber);
        let may_retry = error.is_retriable()
            || is_out_of_order && self.shared.accumulator().has_earlier(&batch);
        let now = Instant::now();
        let is_in_time = now < batch.created + self.settings.delivery_timeout;
        if may_retry && is_in_time && batch.attempts <= self.settings.retries {
            tracing::debug!(%error, partition = %batch.partition, "a batch is sent again");
            let not_before = now + self.backoff(batch.attempts);
            self.shared.accumulator().put_back(batch, not_before);
            return;
        }
        let forgets_us = matches!(
            error.code(),
            Some(ErrorCode::UnknownProducerId | ErrorCode::InvalidProducerIdMapping)
        );
        let is_unknown = error.is_retriable() && !matches!(error, ClientError::Broker { .. });
        if is_out_of_order || forgets_us || is_unknown || !is_in_time {
            self.renew_identity();
        }
        self.finish(batch, Err(error));
    }

    fn backoff(&self, attempts: u32) -> Duration {
        let common = &self.settings.common;
        let doubled =
            common.retry_backoff * 2u32.saturating_pow(attempts.saturating_sub(1).min(16));
        doubled.min(common.retry_backoff_max)
    }

    /// Tells those who wait, and gives the memory back.
    fn finish(&mut self, batch: Batch, result: Result<Appended, ClientError>) {
        self.shared.accumulator().done(&batch, result.is_ok());
        self.shared.memory.add_permits(batch.memory_bytes);
        batch.outcome.set(result);
    }
}

async fn ask_for_identity(cluster: &Cluster) -> Result<ProducerIdentity, ClientError> {
    let connection = cluster.any_connection().await?;
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let response = connection.call(request).await?;
    ClientError::check(response.error_code, "producer id", None)?;
    let id = ProducerId::from_wire(response.producer_id);
    let epoch = ProducerEpoch::from_wire(response.producer_epoch);
    match (id, epoch) {
        (Some(id), Some(epoch)) => Ok(ProducerIdentity { id, epoch }),
        _ => Err(ClientError::Invalid(
            "the broker gave no producer id".to_owned(),
        )),
    }
}
