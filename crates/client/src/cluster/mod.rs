//! The cluster as one client sees it: metadata, connections and whom to ask for what.
//!
//! A snapshot of the metadata is kept and replaced as a whole; whoever finds that it misled him
//! asks for a new one. Start at [`Cluster::retry`], in which nearly all requests are made.

pub mod metadata;
mod pool;

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use fleuve_model::{BrokerId, ErrorCode, PartitionId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::find_coordinator::Coordinator;
use fleuve_protocol::api::metadata::MetadataRequestTopic;
use fleuve_protocol::api::{FindCoordinatorRequest, MetadataRequest};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

pub(crate) use pool::Purpose;

use crate::ClientError;
use crate::config::{CommonSettings, Doors};
use crate::connection::Connection;
use crate::transport;
use metadata::{Broker, ClusterMetadata, Topic, TopicRefusal};
use pool::Pool;

/// Which topics a metadata request is about.
#[derive(Clone, Debug)]
pub(crate) enum TopicSelection {
    All,
    /// Only the brokers.
    None,
    Named(Vec<String>),
}

/// What a coordinator coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoordinatorType {
    Group,
}

/// Clones share everything.
#[derive(Clone)]
pub(crate) struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    settings: CommonSettings,
    pool: Pool,
    metadata: RwLock<Known>,
}

#[derive(Clone)]
struct Known {
    metadata: Arc<ClusterMetadata>,
    refreshed: Option<Instant>,
}

impl Cluster {
    /// A cluster of which nothing is known and to which no connection is open yet.
    pub(crate) fn new(settings: CommonSettings) -> Cluster {
        let pool = Pool::new(settings.clone());
        let known = Known {
            metadata: Arc::default(),
            refreshed: None,
        };
        Cluster {
            inner: Arc::new(Inner {
                settings,
                pool,
                metadata: RwLock::new(known),
            }),
        }
    }

    pub(crate) fn settings(&self) -> &CommonSettings {
        &self.inner.settings
    }

    /// Where what its connections bring is best taken on; nothing special for a broker in this
    /// process, which needs no thread for it.
    pub(crate) fn io_thread(&self) -> Option<Handle> {
        match &self.settings().doors {
            Doors::Bootstrap(_) => transport::io_thread().ok(),
            Doors::Local(_) => None,
        }
    }

    /// The latest snapshot.
    pub(crate) fn metadata(&self) -> Arc<ClusterMetadata> {
        self.known().metadata
    }

    /// Whether the latest snapshot is older than `metadata.max.age.ms`, or there is none.
    pub(crate) fn is_metadata_old(&self) -> bool {
        let max_age = self.inner.settings.metadata_max_age;
        self.known()
            .refreshed
            .is_none_or(|refreshed| refreshed.elapsed() >= max_age)
    }

    fn known(&self) -> Known {
        self.inner
            .metadata
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Hangs up on all brokers.
    pub(crate) fn close(&self) {
        self.inner.pool.close();
    }

    /// Asks any broker for metadata, once. Topics that were not asked for stay as they were.
    pub(crate) async fn refresh(
        &self,
        selection: TopicSelection,
        auto_create: bool,
    ) -> Result<(Arc<ClusterMetadata>, Vec<TopicRefusal>), ClientError> {
        let connection = self.any_connection().await?;
        let version = connection.version_of::<MetadataRequest>()?;
        let named = |names: &Vec<String>| {
            let topic = |name: &String| MetadataRequestTopic {
                name: Some(Str::from(name.as_str())),
                topic_id: None,
            };
            names.iter().map(topic).collect()
        };
        let topics = match &selection {
            TopicSelection::All if version == 0 => Some(Vec::new()),
            TopicSelection::All => None,
            TopicSelection::None => Some(Vec::new()),
            TopicSelection::Named(names) => Some(named(names)),
        };
        let request = MetadataRequest {
            topics,
            // Before version 4 a broker creates what it is asked for, if it is set to.
            allow_auto_topic_creation: auto_create || version < 4,
            ..MetadataRequest::default()
        };
        let response = connection
            .start_at(request, version)
            .await?
            .receive()
            .await?;
        ClientError::check(response.error_code, "Metadata", None)?;
        let (mut fresh, refusals) = ClusterMetadata::from_response(&response);
        let mut known = self
            .inner
            .metadata
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !matches!(selection, TopicSelection::All) {
            let mut topics = known.metadata.topics.clone();
            for name in refusals
                .iter()
                .filter_map(|refusal| refusal.name.as_deref())
            {
                topics.retain(|known, _| known.as_str() != name);
            }
            topics.append(&mut fresh.topics);
            fresh.topics = topics;
        }
        let metadata = Arc::new(fresh);
        *known = Known {
            metadata: metadata.clone(),
            refreshed: Some(Instant::now()),
        };
        Ok((metadata, refusals))
    }

    /// A topic, from the snapshot or, if that lacks it, from a broker, which is asked until
    /// `deadline` while the topic is being created.
    pub(crate) async fn topic(
        &self,
        name: &TopicName,
        auto_create: bool,
        deadline: Instant,
    ) -> Result<Topic, ClientError> {
        if let Some(topic) = self.metadata().topics.get(name) {
            return Ok(topic.clone());
        }
        self.retry(deadline, || self.fresh_topic(name, auto_create))
            .await
    }

    /// A topic as a broker tells it now.
    pub(crate) async fn fresh_topic(
        &self,
        name: &TopicName,
        auto_create: bool,
    ) -> Result<Topic, ClientError> {
        let selection = TopicSelection::Named(vec![name.as_str().to_owned()]);
        let (metadata, refusals) = self.refresh(selection, auto_create).await?;
        if let Some(topic) = metadata.topics.get(name) {
            return Ok(topic.clone());
        }
        let code = refusals
            .first()
            .map_or(ErrorCode::UnknownTopicOrPartition, |r| r.code);
        Err(ClientError::Broker {
            code,
            subject: format!("topic {name}"),
            message: None,
        })
    }

    /// Who leads a partition, by the latest snapshot.
    pub(crate) fn leader(&self, partition: &TopicPartition) -> Result<Broker, ClientError> {
        let metadata = self.metadata();
        let refused = |code| ClientError::Broker {
            code,
            subject: format!("partition {partition}"),
            message: None,
        };
        let topic = metadata.topics.get(&partition.topic);
        let known = topic.and_then(|topic| topic.partition(partition.partition));
        let known = known.ok_or_else(|| refused(ErrorCode::UnknownTopicOrPartition))?;
        let broker = known
            .leader
            .and_then(|leader| metadata.brokers.get(&leader));
        broker
            .cloned()
            .ok_or_else(|| refused(ErrorCode::LeaderNotAvailable))
    }

    /// The connection to a broker that the metadata names.
    pub(crate) async fn connection(
        &self,
        id: BrokerId,
        purpose: Purpose,
    ) -> Result<Connection, ClientError> {
        let broker = self.metadata().brokers.get(&id).cloned();
        let broker = broker.ok_or_else(|| ClientError::Broker {
            code: ErrorCode::BrokerNotAvailable,
            subject: format!("broker {id}"),
            message: None,
        })?;
        self.inner.pool.broker(&broker, purpose).await
    }

    /// A connection to whoever is reached soonest.
    pub(crate) async fn any_connection(&self) -> Result<Connection, ClientError> {
        let metadata = self.metadata();
        let open = metadata
            .brokers
            .keys()
            .find_map(|id| self.inner.pool.open_broker(*id));
        if let Some(connection) = open {
            return Ok(connection);
        }
        for broker in metadata.brokers.values() {
            if let Ok(connection) = self.inner.pool.broker(broker, Purpose::Requests).await {
                return Ok(connection);
            }
        }
        self.inner.pool.bootstrap().await
    }

    /// A connection to the controller, or to any broker, which forwards (KRaft).
    pub(crate) async fn controller_connection(&self) -> Result<Connection, ClientError> {
        if self.metadata().controller.is_none() {
            self.refresh(TopicSelection::None, false).await?;
        }
        match self.metadata().controller {
            Some(id) => self.connection(id, Purpose::Requests).await,
            None => self.any_connection().await,
        }
    }

    /// Finds the coordinator of a group, asking any broker once.
    pub(crate) async fn find_coordinator(
        &self,
        kind: CoordinatorType,
        key: &str,
    ) -> Result<Broker, ClientError> {
        const BATCHED_FROM: i16 = 4;
        let connection = self.any_connection().await?;
        let version = connection.version_of::<FindCoordinatorRequest>()?;
        let key_type = match kind {
            CoordinatorType::Group => 0,
        };
        let mut request = FindCoordinatorRequest {
            key_type,
            ..Default::default()
        };
        if version >= BATCHED_FROM {
            request.coordinator_keys = vec![Str::from(key)];
        } else {
            request.key = Str::from(key);
        }
        let mut response = connection
            .start_at(request, version)
            .await?
            .receive()
            .await?;
        let found = response.coordinators.pop().unwrap_or(Coordinator {
            key: Str::from(key),
            node_id: response.node_id,
            host: response.host,
            port: response.port,
            error_code: response.error_code,
            error_message: response.error_message,
        });
        let subject = format!("coordinator of group {key}");
        ClientError::check(
            found.error_code,
            subject.clone(),
            found.error_message.as_ref(),
        )?;
        let broker = BrokerId::from_wire(found.node_id).zip(u16::try_from(found.port).ok());
        let (id, port) = broker.ok_or(ClientError::Broker {
            code: ErrorCode::CoordinatorNotAvailable,
            subject,
            message: None,
        })?;
        Ok(Broker {
            id,
            host: found.host.as_str().to_owned(),
            port,
            rack: None,
        })
    }

    /// The connection to a coordinator, apart from other requests to the same broker.
    pub(crate) async fn coordinator_connection(
        &self,
        coordinator: &Broker,
    ) -> Result<Connection, ClientError> {
        self.inner
            .pool
            .broker(coordinator, Purpose::Coordinator)
            .await
    }

    /// Makes one request of a group's coordinator, finding it anew when it has moved.
    pub(crate) async fn call_coordinator<R, T>(
        &self,
        group: &str,
        deadline: Instant,
        request: impl Fn(i16) -> R,
        read: impl Fn(R::Response) -> Result<T, ClientError>,
    ) -> Result<T, ClientError>
    where
        R: fleuve_protocol::Request,
    {
        self.retry(deadline, || async {
            let coordinator = self.find_coordinator(CoordinatorType::Group, group).await?;
            let connection = self.coordinator_connection(&coordinator).await?;
            let version = connection.version_of::<R>()?;
            let answer = connection.start_at(request(version), version).await?;
            read(answer.receive().await?)
        })
        .await
    }

    /// Repeats `attempt` while its error is one that may pass, waiting longer each time, until
    /// `deadline`. Metadata that misled it is replaced in between.
    pub(crate) async fn retry<T, F>(
        &self,
        deadline: Instant,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut backoff = self.backoff();
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let pause = backoff.next();
            if !error.is_retriable() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, ?pause, "trying again");
            sleep(pause).await;
            if error.wants_metadata() {
                let names = self
                    .metadata()
                    .topics
                    .keys()
                    .map(|n| n.as_str().to_owned())
                    .collect();
                let _ = self.refresh(TopicSelection::Named(names), false).await;
            }
        }
    }

    pub(crate) fn backoff(&self) -> Backoff {
        let settings = &self.inner.settings;
        Backoff {
            next: settings.retry_backoff,
            max: settings.retry_backoff_max,
        }
    }
}

/// Pauses that double, from `retry.backoff.ms` to `retry.backoff.max.ms` (KIP-580).
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.min(self.max);
        self.next = (self.next * 2).min(self.max);
        pause
    }
}

/// A partition as the interface names it; topics and numbers from a broker are mostly valid.
pub(crate) fn partition_from_wire(topic: &str, partition: i32) -> Option<TopicPartition> {
    let topic = TopicName::new(topic).ok()?;
    Some(TopicPartition::new(
        topic,
        PartitionId::from_wire(partition)?,
    ))
}
