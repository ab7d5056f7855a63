//! Spark Connect over the engine, with the broker of this process as its nearest Kafka.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use fleuve_broker::Broker;
use fleuve_engine::query::{EngineSettings, StreamingQueryManager};
use fleuve_engine::source::kafka::KafkaAccess;
use fleuve_engine::source::register_sources;
use fleuve_spark_connect::engine_streams::EngineStreams;
use fleuve_spark_connect::{ConnectConfig, Environment, SparkConnect, SqlEngineFactory};
use fleuve_sql::Session;

use crate::commands::terminal::Problem;

const FILES_ALLOWED: &str = "fleuve.files.allowed";

/// The open door.
pub(in crate::commands) struct Door {
    server: SparkConnect,
    environment: Arc<Environment>,
    queries: Arc<StreamingQueryManager>,
}

impl Door {
    pub(super) async fn open(
        properties: &BTreeMap<String, String>,
        broker: &Broker,
    ) -> anyhow::Result<Option<Self>> {
        let config = ConnectConfig::from_properties(properties)?;
        let settings = EngineSettings {
            kafka: nearest_kafka(broker),
            ..EngineSettings::default()
        };
        let environment = Environment {
            allowed_folders: allowed_folders(properties, config.address),
            ..Environment::default()
        };
        register_sources(&environment.registry, &settings);
        let queries = StreamingQueryManager::new(settings);
        let streams = Arc::new(EngineStreams::new(Arc::clone(&queries)));
        let environment = Arc::new(environment);
        let factory = SqlEngineFactory::new(Arc::clone(&environment), Some(streams));
        let port_is_set = config.port_is_set;
        match SparkConnect::start(config, Arc::new(factory)).await {
            Ok(server) => {
                tracing::info!("listening on SPARK_CONNECT://{}", server.address());
                Ok(Some(Self {
                    server,
                    environment,
                    queries,
                }))
            }
            Err(error) if port_is_set => Err(Problem::new(error.to_string())
                .next("stop what holds the port, or take another: spark.connect.grpc.binding.port=0 takes a free one")
                .next("or do without Spark Connect: fleuve.spark.connect.enabled=false")
                .into()),
            Err(error) => {
                tracing::warn!("{error}; going on without Spark Connect");
                Ok(None)
            }
        }
    }

    pub(in crate::commands) fn address(&self) -> Option<SocketAddr> {
        Some(self.server.address())
    }

    /// A session beside the clients', on the same engine.
    pub(in crate::commands) fn session(&self) -> Session {
        Session::new(Arc::clone(&self.environment))
    }

    /// Where that session's queries are started.
    pub(in crate::commands) fn queries(&self) -> &Arc<StreamingQueryManager> {
        &self.queries
    }

    /// Ends queries, then sessions.
    pub(in crate::commands) async fn close(self) {
        self.queries.stop_all().await;
        self.server.stop();
    }
}

/// The broker of this process, under every address that it listens on.
fn nearest_kafka(broker: &Broker) -> KafkaAccess {
    let mut addresses = Vec::new();
    for (_, address) in broker.addresses() {
        addresses.push(address.to_string());
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            addresses.push(format!("localhost:{}", address.port()));
            addresses.push(format!("127.0.0.1:{}", address.port()));
        }
    }
    KafkaAccess::in_process(Arc::new(broker.local()), addresses)
}

/// The folders that clients reach: those that are named; without names everything from this machine and nothing from
/// the network.
fn allowed_folders(
    properties: &BTreeMap<String, String>,
    address: SocketAddr,
) -> Option<Vec<String>> {
    match properties.get(FILES_ALLOWED) {
        Some(folders) => Some(
            folders
                .split(',')
                .map(str::trim)
                .filter(|folder| !folder.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        None if address.ip().is_loopback() => None,
        None => Some(Vec::new()),
    }
}
