//! What a broker is started with: checked settings, listeners, data directories.
//!
//! Start at [`BrokerConfig::of_properties`]; [`BrokerConfig::local`] needs no file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleuve_model::BrokerId;
use fleuve_storage::disk::{Disk, RealDisk};

use super::definition::list_items;
use super::listeners::{ListenerConfig, ListenerConfigError};
use super::properties::{Origin, Properties};
use super::settings::{BrokerSettings, ConfigError, ConfigWarning};

/// When a write is acknowledged (`fleuve.durability`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on disk.
    Fsync,
    /// Once the operating system has it, as Kafka does.
    PageCache,
}

/// Where log directories live.
#[derive(Clone, Debug)]
pub struct Disks(pub Arc<dyn Disk>);

/// Everything that a broker is started with.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    pub settings: BrokerSettings,
    pub warnings: Vec<ConfigWarning>,
    pub broker_id: BrokerId,
    pub listeners: Vec<ListenerConfig>,
    pub log_directories: Vec<PathBuf>,
    pub durability: Durability,
    /// The id of a new cluster, where one is wished for; an existing one keeps its own.
    pub cluster_id: Option<String>,
    pub disks: Disks,
}

/// The id of a broker that is told none.
const BROKER_ID_DEFAULT: i64 = 0;

impl BrokerConfig {
    /// Checks everything that can be checked before a file is touched.
    pub fn of_properties(properties: &Properties) -> Result<BrokerConfig, Vec<ConfigError>> {
        let (settings, warnings) = BrokerSettings::check(properties)?;
        let error_at = |keys: &[&str], message: String| {
            vec![ConfigError {
                origin: origin_of(properties, keys),
                message,
            }]
        };
        refuse_what_needs_a_cluster(&settings)
            .map_err(|(key, message)| error_at(&[key], message))?;
        let listeners = ListenerConfig::of_settings(&settings)
            .map_err(|error| error_at(keys_of(&error), error.to_string()))?;
        let broker_id =
            broker_id(&settings).map_err(|message| error_at(&["node.id", "broker.id"], message))?;
        let log_directories = log_directories(&settings);
        if log_directories.is_empty() {
            let message = "log.dirs names no directory".to_owned();
            return Err(error_at(&["log.dirs", "log.dir"], message));
        }
        let durability = match settings.value("fleuve.durability") {
            Some("page-cache") => Durability::PageCache,
            _ => Durability::Fsync,
        };
        Ok(BrokerConfig {
            settings,
            warnings,
            broker_id,
            listeners,
            log_directories,
            durability,
            cluster_id: None,
            disks: Disks(Arc::new(RealDisk)),
        })
    }

    /// A broker on free loopback ports with its data in `directory`, for tests and embedding.
    pub fn local(directory: &Path) -> BrokerConfig {
        let properties = local_properties(directory, 0);
        BrokerConfig::of_properties(&properties).expect("the built-in properties are valid")
    }

    /// This configuration with `key` set, as if it were written in the file.
    pub fn with(&self, key: &str, value: &str) -> Result<BrokerConfig, Vec<ConfigError>> {
        let mut properties = Properties::new();
        for (name, written) in self.settings.written() {
            properties.set(name, written, Origin::BuiltIn);
        }
        properties.set(key, value, Origin::BuiltIn);
        let mut config = BrokerConfig::of_properties(&properties)?;
        config.disks = self.disks.clone();
        Ok(config)
    }

    /// This configuration on other disks, such as simulated ones.
    pub fn on_disks(mut self, disks: Arc<dyn Disk>) -> BrokerConfig {
        self.disks = Disks(disks);
        self
    }
}

/// The properties of a server without a file: loopback only, and nothing to replicate to.
pub fn local_properties(directory: &Path, port: u16) -> Properties {
    let mut properties = Properties::new();
    let mut set = |key: &str, value: &str| properties.set(key, value, Origin::BuiltIn);
    set("listeners", &format!("PLAINTEXT://localhost:{port}"));
    // Not `log.dirs`, over which a `log.dir` that somebody sets would have no say.
    set("log.dir", &directory.display().to_string());
    set("offsets.topic.replication.factor", "1");
    set("group.initial.rebalance.delay.ms", "0");
    set("fleuve.replication.factor.clamp", "true");
    properties
}

fn origin_of(properties: &Properties, keys: &[&str]) -> Origin {
    keys.iter()
        .find_map(|key| properties.get(key))
        .map_or(Origin::BuiltIn, |property| property.origin.clone())
}

fn keys_of(error: &ListenerConfigError) -> &'static [&'static str] {
    match error {
        ListenerConfigError::Malformed {
            key: "advertised.listeners",
            ..
        }
        | ListenerConfigError::AdvertisedButNotBound { .. } => &["advertised.listeners"],
        ListenerConfigError::NoProtocol { .. }
        | ListenerConfigError::UnsupportedProtocol { .. } => {
            &["listener.security.protocol.map", "listeners"]
        }
        _ => &["listeners"],
    }
}

fn broker_id(settings: &BrokerSettings) -> Result<BrokerId, String> {
    let written = |key: &str| settings.set_value(key).and_then(|_| settings.number(key));
    let node_id = written("node.id");
    let old_id = written("broker.id").filter(|id| *id >= 0);
    if let (Some(node_id), Some(old_id)) = (node_id, old_id)
        && node_id != old_id
    {
        return Err(format!(
            "node.id is {node_id} and broker.id is {old_id}; they must be equal"
        ));
    }
    let id = node_id.or(old_id).unwrap_or(BROKER_ID_DEFAULT);
    i32::try_from(id)
        .ok()
        .and_then(|id| BrokerId::new(id).ok())
        .ok_or_else(|| format!("node.id must be 0 or more, not {id}"))
}

fn log_directories(settings: &BrokerSettings) -> Vec<PathBuf> {
    let listed = settings
        .value("log.dirs")
        .or_else(|| settings.value("log.dir"));
    let mut directories: Vec<PathBuf> = Vec::new();
    for directory in listed.map(list_items).unwrap_or_default() {
        let directory = PathBuf::from(directory);
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    directories
}

/// One node is its own cluster so far; a file that asks for more is refused, not half obeyed.
fn refuse_what_needs_a_cluster(settings: &BrokerSettings) -> Result<(), (&'static str, String)> {
    let roles = settings.list("process.roles");
    if !roles.is_empty() && !roles.contains(&"broker") {
        let message = "process.roles=controller alone is not supported: every broker here has \
                       the controller in it; use process.roles=broker,controller";
        return Err(("process.roles", message.to_owned()));
    }
    if roles == ["broker"] {
        let message = "process.roles=broker asks for a controller in another process, which is \
                       not supported yet; use process.roles=broker,controller";
        return Err(("process.roles", message.to_owned()));
    }
    let voters = settings.list("controller.quorum.voters");
    if voters.len() > 1 {
        let message = format!(
            "controller.quorum.voters names {} nodes; a cluster of several nodes is not \
             supported yet",
            voters.len()
        );
        return Err(("controller.quorum.voters", message));
    }
    if settings
        .value("authorizer.class.name")
        .is_some_and(|class| !class.is_empty())
    {
        let message = "authorizer.class.name is set, and access control is not supported yet; \
                       starting without it would leave the data open";
        return Err(("authorizer.class.name", message.to_owned()));
    }
    Ok(())
}
