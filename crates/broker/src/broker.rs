//! A broker: what it consists of, how it starts and how it stops.
//!
//! Many brokers may run in one process. Start at [`Broker::start`].

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use fleuve_client::transport::{LocalBroker, LocalConnection};
use fleuve_cluster::controller::MetadataImage;
use fleuve_model::{BrokerId, TopicName, TopicPartition};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::{BrokerConfig, BrokerSettings, ListenerConfig};
use crate::connection::{
    Connection, ConnectionLimits, Copied, IN_FLIGHT_MAX, RequestBudgets, serve_local,
};
use crate::controller::ControllerHandle;
use crate::fetch::ResponseBudgets;
use crate::fetch::session::FetchSessions;
use crate::groups::GroupShells;
use crate::listener::{self, BindError};
use crate::log::{
    DirectoryFailed, DirectoryParts, LogDirectories, Replica, ReplicaConfig, ReplicaError,
    ReplicaTable, open_directories,
};
use crate::producer_ids::ProducerIds;
use crate::request_context::ConnectionId;
use crate::{controller, metadata};

/// What requests in flight may hold where `queued.max.request.bytes` sets no limit.
const REQUEST_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;
/// How long the stop of a broker waits for answers under way.
const STOP_WAIT: Duration = Duration::from_millis(500);

/// What every part of a broker shares.
pub(crate) struct BrokerState {
    pub(crate) config: BrokerConfig,
    pub(crate) clock: Clock,
    /// Set once, before anybody asks: the controller itself refers to the broker.
    controller: OnceLock<ControllerHandle>,
    pub(crate) directories: LogDirectories,
    pub(crate) replicas: ReplicaTable,
    pub(crate) fetch_sessions: FetchSessions,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) request_budgets: RequestBudgets,
    pub(crate) response_budgets: ResponseBudgets,
    pub(crate) connection_limits: Arc<ConnectionLimits>,
    pub(crate) groups: GroupShells,
    /// Cancelled when the broker is told to stop: nothing new is begun.
    pub(crate) stop: CancellationToken,
    /// The tasks that run state machines, and what ends them, after all connections.
    pub(crate) machines: TaskTracker,
    pub(crate) stop_machines: CancellationToken,
    listeners: Vec<AdvertisedListener>,
    settings: RwLock<Arc<BrokerSettings>>,
    image: RwLock<Arc<MetadataImage>>,
    connection_id_last: AtomicU64,
}

/// A listener as clients are told of it.
#[derive(Clone, Debug)]
pub(crate) struct AdvertisedListener {
    pub(crate) config: ListenerConfig,
    /// The port that was bound.
    pub(crate) port: u16,
}

/// A running broker. Dropping it without [`Broker::stop`] leaves its logs as a crash would.
pub struct Broker {
    state: Arc<BrokerState>,
    addresses: Vec<(String, SocketAddr)>,
    connections: TaskTracker,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Directory(#[from] DirectoryFailed),
    #[error("the metadata cannot be used: {0}")]
    Metadata(String),
    #[error("the metadata in {} cannot be read: {reason}", folder.display())]
    MetadataDamaged { folder: PathBuf, reason: String },
    #[error("the metadata is in no log directory that could be opened, so it may be in {}", folders.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", "))]
    MetadataMissing { folders: Vec<PathBuf> },
}

impl Broker {
    /// Binds the listeners, opens and loads the logs, and serves.
    pub async fn start(config: BrokerConfig) -> Result<Broker, StartError> {
        let mut bound = Vec::new();
        for listener in &config.listeners {
            bound.push(listener::bind(listener, &config.settings).await?);
        }
        let clock = Clock::start();
        let loaded = load(&config, clock)?;
        let listeners = bound.iter().map(|it| AdvertisedListener {
            config: it.config.clone(),
            port: it.addresses.first().map_or(0, SocketAddr::port),
        });
        let listeners: Vec<AdvertisedListener> = listeners.collect();
        let metadata_replica =
            metadata::take_metadata_log(&config, &loaded.directories, &loaded.replicas).await?;
        controller::check_log(&metadata_replica).await?;
        let state = Arc::new(BrokerState::new(
            config,
            clock,
            loaded.directories,
            listeners,
        ));
        // Before the controller publishes anything: what an image names and is not here yet would
        // be made anew.
        for replica in loaded
            .replicas
            .iter()
            .filter(|it| !Arc::ptr_eq(it, &metadata_replica))
        {
            state.replicas.insert(Arc::clone(replica));
        }
        let controller = controller::spawn(controller::ControllerParts {
            broker: Arc::downgrade(&state),
            settings: &state.config.settings,
            replica: Arc::clone(&metadata_replica),
            clock,
            stop: state.stop_machines.clone(),
            tasks: &state.machines,
        });
        state
            .controller
            .set(controller)
            .expect("the controller is set once");
        metadata::take_up(&state, &loaded.cluster_id, &loaded.replicas).await?;
        let connections = TaskTracker::new();
        let mut addresses = Vec::new();
        for listener in bound {
            let name = listener.config.name.clone();
            addresses.extend(
                listener
                    .addresses
                    .iter()
                    .map(|address| (name.clone(), *address)),
            );
            listener.start(&state, &connections, &state.stop);
        }
        Ok(Broker {
            state,
            addresses,
            connections,
        })
    }

    /// Every address that is listened on, with the name of its listener.
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// The first address that is listened on, for clients of this machine.
    pub fn address(&self) -> SocketAddr {
        let mut address = self.addresses.first().expect("a broker has a listener").1;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        address
    }

    /// A handle through which clients of this process connect.
    pub fn local(&self) -> LocalDoor {
        LocalDoor {
            state: Arc::clone(&self.state),
            connections: self.connections.clone(),
        }
    }

    /// Serves whoever is at the other end of `stream`, as if it had come from this machine by the
    /// first listener, until either side ends it.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin) {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let limits = &self.state.connection_limits;
        let slot = match limits.enter(here.ip()) {
            Ok(slot) => slot,
            Err(refusal) => return tracing::warn!("connection refused: {refusal}"),
        };
        let connection = Connection {
            id: self.state.next_connection_id(),
            listener: self.state.first_listener(),
            reached: here,
            client: here,
            broker: Arc::clone(&self.state),
            slot,
        };
        connection
            .serve(Copied(stream), self.state.stop.clone())
            .await;
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> String {
        self.state
            .image()
            .cluster_id()
            .unwrap_or_default()
            .to_owned()
    }

    /// How many client connections there are.
    pub fn connections_count(&self) -> usize {
        self.state.connection_limits.in_all()
    }

    /// Answers what is under way, closes the logs so that the next start need not verify them,
    /// and ends.
    pub async fn stop(self) {
        self.state.stop.cancel();
        self.connections.close();
        let finished = tokio::time::timeout(STOP_WAIT, self.connections.wait()).await;
        if finished.is_err() {
            tracing::debug!("some connections did not take their answers in time");
        }
        let state = self.state;
        state.stop_machines.cancel();
        state.machines.close();
        state.machines.wait().await;
        let stopped = tokio::task::spawn_blocking(move || state.directories.stop()).await;
        if stopped.is_err() {
            tracing::error!("the logs could not be closed");
        }
    }
}

/// The way in for clients of the same process.
#[derive(Clone)]
pub struct LocalDoor {
    state: Arc<BrokerState>,
    connections: TaskTracker,
}

impl std::fmt::Debug for LocalDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalDoor")
    }
}

impl LocalBroker for LocalDoor {
    fn connect(&self) -> std::io::Result<LocalConnection> {
        if self.state.stop.is_cancelled() {
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        let (connection, requests) = LocalConnection::pair(IN_FLIGHT_MAX);
        let serving = serve_local(Arc::clone(&self.state), requests, self.state.stop.clone());
        self.connections.spawn(serving);
        Ok(connection)
    }
}

struct Loaded {
    directories: LogDirectories,
    replicas: Vec<Arc<Replica>>,
    cluster_id: String,
}

fn load(config: &BrokerConfig, clock: Clock) -> Result<Loaded, DirectoryFailed> {
    let disk = &config.disks.0;
    let opened = open_directories(
        disk,
        &config.log_directories,
        config.broker_id,
        config.cluster_id.as_deref(),
    )?;
    let cluster_id = opened.cluster_id.clone();
    let settings = &config.settings;
    let retention_interval = settings.millis("log.retention.check.interval.ms");
    let parts = DirectoryParts {
        disk: Arc::clone(disk),
        clock,
        retention_interval: retention_interval.unwrap_or(Duration::MAX),
        recovery_threads: settings.count_of("num.recovery.threads.per.data.dir"),
        config_of: &|partition| metadata::config_at_load(config, partition),
    };
    let (directories, replicas) = opened.load(&parts)?;
    Ok(Loaded {
        directories,
        replicas,
        cluster_id,
    })
}

impl BrokerState {
    fn new(
        config: BrokerConfig,
        clock: Clock,
        directories: LogDirectories,
        listeners: Vec<AdvertisedListener>,
    ) -> BrokerState {
        let settings = &config.settings;
        let request_bytes = u64::try_from(settings.number_of("queued.max.request.bytes"));
        let response_bytes = settings.number_of("fleuve.queued.max.response.bytes");
        let connection_limits = Arc::new(ConnectionLimits::default());
        connection_limits.configure(settings);
        BrokerState {
            clock,
            controller: OnceLock::new(),
            directories,
            replicas: ReplicaTable::default(),
            fetch_sessions: FetchSessions::new(
                settings.count_of("max.incremental.fetch.session.cache.slots"),
            ),
            producer_ids: ProducerIds::default(),
            request_budgets: RequestBudgets::new(request_bytes.unwrap_or(REQUEST_BYTES_DEFAULT)),
            response_budgets: ResponseBudgets::new(response_bytes.unsigned_abs()),
            connection_limits,
            groups: GroupShells::default(),
            stop: CancellationToken::new(),
            machines: TaskTracker::new(),
            stop_machines: CancellationToken::new(),
            listeners,
            settings: RwLock::new(Arc::new(settings.clone())),
            image: RwLock::default(),
            connection_id_last: AtomicU64::new(0),
            config,
        }
    }

    /// This broker's id.
    pub(crate) fn id(&self) -> BrokerId {
        self.config.broker_id
    }

    /// Where metadata is decided.
    pub(crate) fn controller(&self) -> &ControllerHandle {
        self.controller
            .get()
            .expect("the controller is set before the broker serves")
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Arc<BrokerSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_settings(&self, settings: BrokerSettings) {
        self.connection_limits.configure(&settings);
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// The metadata as of the newest commit.
    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        Arc::clone(&self.image.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows everybody a newer image, and returns the one before.
    pub(crate) fn set_image(&self, image: Arc<MetadataImage>) -> Arc<MetadataImage> {
        let mut current = self.image.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, image)
    }

    /// A partition that this broker holds, if its log can be used.
    pub(crate) fn replica(&self, of: &TopicPartition) -> Result<Arc<Replica>, ReplicaError> {
        match self.replicas.get(of) {
            Some(replica) => replica.check_online().map(|()| replica),
            None if self.image().partition(of).is_some() => Err(ReplicaError::Offline),
            None => Err(ReplicaError::NotHosted),
        }
    }

    /// The configuration of a topic's partitions.
    pub(crate) fn replica_config(&self, image: &MetadataImage, topic: &TopicName) -> ReplicaConfig {
        metadata::replica_config(image, topic, &self.settings())
    }

    /// The listener called `name`.
    pub(crate) fn listener(&self, name: &str) -> Option<&AdvertisedListener> {
        self.listeners
            .iter()
            .find(|listener| listener.config.name == name)
    }

    /// The listener that in-process callers count as having come in by.
    pub(crate) fn first_listener(&self) -> Arc<str> {
        self.listeners
            .first()
            .map_or(Arc::from(""), |it| Arc::from(it.config.name.as_str()))
    }

    pub(crate) fn next_connection_id(&self) -> ConnectionId {
        ConnectionId(self.connection_id_last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Creates topics that a client asked for, with the cluster's defaults.
    pub(crate) async fn create_on_demand(&self, topics: BTreeSet<TopicName>) {
        metadata::create_on_demand(self, topics).await;
    }
}
