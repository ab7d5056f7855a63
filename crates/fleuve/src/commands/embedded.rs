//! The server in this process: a broker and the Spark Connect door.
//!
//! Always true: both listen on the loopback addresses only; a port that is taken is replaced by a
//! free one, and that is said.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use fleuve_broker::config::{BrokerConfig, ConfigError, local_properties};
use fleuve_broker::{BindError, Broker, StartError};
use fleuve_client::Config;

use super::server::spark::{self, Door};

const KAFKA_PORT: u16 = 9092;
const SPARK_CONNECT_PORT: u16 = 15002;
/// The system chooses.
const FREE_PORT: u16 = 0;

/// A running server.
pub(super) struct Server {
    broker: Broker,
    door: Door,
    /// What a user must be told of how it was started.
    pub(super) notices: Vec<String>,
}

impl Server {
    pub(super) async fn start(log_directory: &Path) -> anyhow::Result<Server> {
        let mut notices = Vec::new();
        let broker = match start_broker(log_directory, KAFKA_PORT).await {
            Err(StartError::Bind(taken)) => {
                let broker = start_broker(log_directory, FREE_PORT).await?;
                let port = broker.address().port();
                notices.push(format!(
                    "{}: Kafka is at port {port} instead",
                    why_elsewhere(&taken)
                ));
                broker
            }
            started => started?,
        };
        let door = match open_door(&broker, None).await? {
            Some(door) => door,
            None => {
                let door = open_door(&broker, Some(FREE_PORT)).await?;
                let door = door.ok_or_else(|| anyhow::anyhow!("Spark Connect did not start"))?;
                let port = door.address().map_or(FREE_PORT, |address| address.port());
                notices.push(format!(
                    "port {SPARK_CONNECT_PORT} is taken: Spark Connect is at port {port} instead"
                ));
                door
            }
        };
        Ok(Server {
            broker,
            door,
            notices,
        })
    }

    /// What Kafka clients connect to.
    pub(super) fn bootstrap(&self) -> String {
        format!("localhost:{}", self.broker.address().port())
    }

    /// What Spark Connect clients connect to.
    pub(super) fn remote(&self) -> String {
        let port = self.door.address().map_or(FREE_PORT, |it| it.port());
        format!("sc://localhost:{port}")
    }

    /// How Kafka clients of this process connect.
    pub(super) fn client(&self) -> Config {
        Config::in_process(Arc::new(self.broker.local()))
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    pub(super) async fn stop(self) {
        self.door.close().await;
        self.broker.stop().await;
    }
}

fn why_elsewhere(taken: &BindError) -> String {
    let holder = taken.holder.as_ref();
    let by = holder
        .map(|holder| format!(" by {holder}"))
        .unwrap_or_default();
    match taken.reason.kind() {
        ErrorKind::AddrInUse => format!("port {KAFKA_PORT} is taken{by}"),
        _ => taken.to_string(),
    }
}

async fn start_broker(log_directory: &Path, port: u16) -> Result<Broker, StartError> {
    let properties = local_properties(log_directory, port);
    let config = BrokerConfig::of_properties(&properties);
    let config = config.unwrap_or_else(|errors: Vec<ConfigError>| {
        unreachable!("the built-in properties are valid: {errors:?}")
    });
    Broker::start(config).await
}

async fn open_door(broker: &Broker, port: Option<u16>) -> anyhow::Result<Option<Door>> {
    let mut properties = BTreeMap::new();
    if let Some(port) = port {
        properties.insert(
            "spark.connect.grpc.binding.port".to_owned(),
            port.to_string(),
        );
    }
    spark::open(&properties, broker).await
}
