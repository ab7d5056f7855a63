//! How brokers are reached.

use std::fmt;
use std::sync::Arc;

use fleuve_client::transport::LocalBroker;
use fleuve_client::{ClientError, Config, PartitionReader};

/// A broker in this process, and the addresses that mean it.
type Local = (Arc<dyn LocalBroker>, Arc<[String]>);

/// The broker of this process, if it has one, and how clients are made.
#[derive(Clone, Default)]
pub struct KafkaAccess {
    local: Option<Local>,
}

impl fmt::Debug for KafkaAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.local.as_ref().map(|(_, addresses)| addresses);
        f.debug_struct("KafkaAccess")
            .field("local", &addresses)
            .finish()
    }
}

impl KafkaAccess {
    /// A broker in this process, and the `host:port` addresses that mean it.
    pub fn in_process(broker: Arc<dyn LocalBroker>, addresses: Vec<String>) -> Self {
        Self {
            local: Some((broker, addresses.into())),
        }
    }

    /// The configuration of a client that is set up by `kafka.*` options.
    pub fn config(&self, options: &[(String, String)]) -> Config {
        let config: Config = options.iter().cloned().collect();
        let Some((broker, addresses)) = &self.local else {
            return config;
        };
        let servers = config.get("bootstrap.servers").unwrap_or_default();
        let ours = |server: &str| addresses.iter().any(|address| address == server.trim());
        if servers.is_empty() || !servers.split(',').all(ours) {
            return config;
        }
        Config::in_process(Arc::clone(broker)).merge(config)
    }

    pub(super) fn reader(
        &self,
        options: &[(String, String)],
    ) -> Result<PartitionReader, ClientError> {
        PartitionReader::new(&self.config(options))
    }
}
