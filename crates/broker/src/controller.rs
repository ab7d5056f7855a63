//! The controller's shell: its log, the definitions it validates configs by, and the image that
//! the rest of the broker reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use fleuve_cluster::controller::{
    CommittedImage, ConfigResource, ConfigValidator, Controller, MetadataImage, Record,
    TopicDefaults, record_format,
};
use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS, RecordBatch};
use fleuve_model::{Now, Offset, PartitionId, TopicName, TopicPartition};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::{BrokerState, StartError};
use crate::clock::Clock;
use crate::config::definition::{ConfigTable, ConfigType, UpdateMode};
use crate::config::{BrokerSettings, TopicSettings, broker_table, group_table, topic_table};
use crate::log::{MachineLog, Replica};
use crate::machine_shell::{self, LogObserver, LoggedMachine, MachineHandle, ShellParts};

pub(crate) type ControllerHandle = MachineHandle<Controller>;

/// The partition whose log holds the metadata. No client can reach it: no topic has its name.
pub(crate) fn metadata_partition() -> TopicPartition {
    let topic = TopicName::new("__fleuve_metadata").expect("a valid name");
    TopicPartition::new(topic, PartitionId::new(0).expect("0 is not negative"))
}

/// What a compressed batch of our own log may hold when it is read.
const PLAIN_BYTES_MAX: usize = fleuve_model::record::PLAIN_BYTES_MAX_DEFAULT;

impl LoggedMachine for Controller {
    fn batch(records: &[Record], now: Now) -> RecordBatch {
        let mut batch = BatchBuilder::new();
        for record in records {
            let value = record_format::encode(record);
            batch
                .append(Some(now.wall), None, Some(&value), NO_HEADERS)
                .expect("metadata records of one command are far smaller than 2 GiB");
        }
        batch
            .build(&BatchSettings::default())
            .expect("an uncompressed batch is built")
    }

    fn replay(&mut self, batch: &RecordBatch) -> Result<(), String> {
        use fleuve_cluster::machine::Machine;
        for_each_record(batch, |record| self.apply(&record))
    }
}

fn for_each_record(batch: &RecordBatch, mut take: impl FnMut(Record)) -> Result<(), String> {
    let mut scratch = Vec::new();
    let records = batch
        .records(&mut scratch, PLAIN_BYTES_MAX)
        .map_err(|it| it.to_string())?;
    for record in records {
        let record = record.map_err(|error| error.to_string())?;
        let value = record.value.ok_or("a metadata record has no value")?;
        take(record_format::decode(value).map_err(|error| error.to_string())?);
    }
    Ok(())
}

/// Reads the whole log once before a controller does: what cannot be read now will not be later,
/// and a broker would wait for its controller for good.
pub(crate) async fn check_log(replica: &Replica) -> Result<(), StartError> {
    let checked = MachineLog::replay(replica, |batch| for_each_record(batch, drop)).await;
    checked.map(drop).map_err(|error| {
        let folder = replica
            .directory
            .status
            .path
            .join(replica.partition.to_string());
        StartError::MetadataDamaged {
            folder,
            reason: error.to_string(),
        }
    })
}

/// What a controller is started with. The broker exists only once its controller does.
pub(crate) struct ControllerParts<'a> {
    pub(crate) broker: Weak<BrokerState>,
    pub(crate) settings: &'a BrokerSettings,
    pub(crate) replica: Arc<Replica>,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: &'a TaskTracker,
}

/// Starts the controller on its log.
pub(crate) fn spawn(parts: ControllerParts<'_>) -> ControllerHandle {
    let number = |key: &str| parts.settings.number_of(key);
    let defaults = TopicDefaults {
        partitions: u32::try_from(number("num.partitions")).unwrap_or(1),
        replication_factor: u16::try_from(number("default.replication.factor")).unwrap_or(1),
        clamp_replication_factor: parts.settings.is_true("fleuve.replication.factor.clamp"),
    };
    let broker = parts.broker.clone();
    let make = move || {
        let validator = TableValidator {
            broker: broker.clone(),
        };
        Controller::new(defaults, Box::new(validator))
    };
    let shell = ShellParts {
        replica: parts.replica,
        make,
        observer: ImagePublisher {
            broker: parts.broker,
            committed: None,
        },
        clock: parts.clock,
        stop: parts.stop,
        machine: std::marker::PhantomData,
    };
    machine_shell::spawn(shell, parts.tasks)
}

/// Publishes each committed image before anybody is told of the commit, so that whoever has an
/// answer finds in the image what it was told.
struct ImagePublisher {
    broker: Weak<BrokerState>,
    committed: Option<CommittedImage>,
}

impl LogObserver<Controller> for ImagePublisher {
    fn loaded(&mut self, controller: &Controller) {
        self.committed = Some(CommittedImage::new(controller.image().clone()));
    }

    async fn show(&mut self) {
        let broker = self.broker.upgrade();
        if let (Some(committed), Some(broker)) = (&self.committed, broker) {
            broker.publish(Arc::clone(committed.image())).await;
        }
    }

    fn appending(&mut self, records: &[Record]) {
        if let Some(committed) = &mut self.committed {
            committed.appending(records.to_vec());
        }
    }

    async fn committed(&mut self, log_end: Offset) {
        let Some(committed) = &mut self.committed else {
            return;
        };
        let at_append = committed.appended(log_end);
        let at_commit = committed.committed(log_end);
        let broker = self.broker.upgrade();
        if let (Some(image), Some(broker)) = (at_commit.or(at_append), broker) {
            broker.publish(image).await;
        }
    }
}

/// Validates configs by the tables of definitions.
struct TableValidator {
    broker: Weak<BrokerState>,
}

impl TableValidator {
    fn settings(&self) -> Arc<BrokerSettings> {
        self.broker
            .upgrade()
            .map_or_else(Arc::default, |broker| broker.settings())
    }
}

impl ConfigValidator for TableValidator {
    fn validate(
        &self,
        resource: &ConfigResource,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        match resource {
            ConfigResource::Topic(_) => {
                TopicSettings::check(configs, &self.settings()).map_err(|it| it.to_string())
            }
            ConfigResource::Broker(broker) => check_broker(configs, broker.is_some()),
            ConfigResource::Group(_) => check_table(group_table(), configs),
            ConfigResource::ClientMetrics(_) => {
                Err("Client metrics subscriptions are not supported yet.".to_owned())
            }
        }
    }

    fn is_list(&self, resource: &ConfigResource, name: &str) -> bool {
        let table = match resource {
            ConfigResource::Topic(_) => topic_table(),
            ConfigResource::Group(_) => group_table(),
            ConfigResource::Broker(_) | ConfigResource::ClientMetrics(_) => broker_table(),
        };
        table
            .get(name)
            .is_some_and(|definition| definition.config_type == ConfigType::List)
    }

    fn default_value(&self, resource: &ConfigResource, name: &str) -> Option<String> {
        let settings = self.settings();
        match resource {
            ConfigResource::Topic(_) => {
                let none = BTreeMap::new();
                let definition = topic_table().get(name)?;
                Some(
                    TopicSettings::new(&none, &settings)
                        .value_and_source(definition)
                        .0,
                )
            }
            ConfigResource::Broker(_) => settings.value(name).map(str::to_owned),
            ConfigResource::Group(_) => group_table().get(name)?.default.clone(),
            ConfigResource::ClientMetrics(_) => None,
        }
    }
}

fn check_broker(configs: &BTreeMap<String, String>, of_one: bool) -> Result<(), String> {
    let refused = |refuses: &dyn Fn(UpdateMode) -> bool| -> Vec<&str> {
        configs
            .keys()
            .filter(|name| {
                broker_table()
                    .get(name)
                    .is_some_and(|it| refuses(it.update))
            })
            .map(String::as_str)
            .collect()
    };
    let read_only = refused(&|update| update == UpdateMode::ReadOnly);
    if !read_only.is_empty() {
        return Err(format!(
            "Cannot update these configs dynamically: [{}]",
            read_only.join(", ")
        ));
    }
    let per_broker = refused(&|update| update == UpdateMode::PerBroker);
    if !of_one && !per_broker.is_empty() {
        return Err(format!(
            "Cannot update these configs at default cluster level, broker id must be specified: \
             [{}]",
            per_broker.join(", ")
        ));
    }
    configs.iter().try_for_each(|(name, value)| {
        BrokerSettings::check_dynamic(name, value)
            .map(drop)
            .map_err(|error| error.to_string())
    })
}

fn check_table(table: &ConfigTable, configs: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in configs {
        let definition = table
            .get(name)
            .ok_or_else(|| format!("Unknown group config name: {name}"))?;
        definition.check(value).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What is new in an image of the metadata, topic by topic.
pub(crate) fn changed_topics<'a>(
    before: &'a MetadataImage,
    after: &'a MetadataImage,
) -> Vec<&'a Arc<fleuve_cluster::controller::Topic>> {
    after
        .topics()
        .filter(|topic| {
            before
                .topic(&topic.name)
                .is_none_or(|former| !Arc::ptr_eq(former, topic))
        })
        .collect()
}
