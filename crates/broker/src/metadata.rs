//! What the broker does with the metadata: takes up a directory's, and follows each new image.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleuve_cluster::controller::{
    Command, ConfigResource, ControllerError, CreatableTopic, Endpoint, MetadataImage,
    RegisterBroker, Reply, TopicLayout,
};
use fleuve_model::{BrokerId, TopicName, TopicPartition};
use uuid::Uuid;

use crate::broker::{BrokerState, StartError};
use crate::config::{BrokerConfig, BrokerSettings, Durability, TopicSettings};
use crate::controller::{changed_topics, metadata_partition};
use crate::import;
use crate::log::{LogDirectories, Replica, ReplicaConfig};

/// The topic of committed offsets and group state.
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// A log's configuration while nothing is known of its topic yet.
pub(crate) fn config_at_load(
    config: &BrokerConfig,
    partition: &TopicPartition,
) -> (ReplicaConfig, Durability) {
    if *partition == metadata_partition() {
        return (ReplicaConfig::of_metadata(), Durability::Fsync);
    }
    let none = std::collections::BTreeMap::new();
    let settings = TopicSettings::new(&none, &config.settings);
    (
        ReplicaConfig::of_topic(settings, &config.settings),
        config.durability,
    )
}

/// The configuration of a topic's partitions.
pub(crate) fn replica_config(
    image: &MetadataImage,
    topic: &TopicName,
    settings: &BrokerSettings,
) -> ReplicaConfig {
    let own = image.configs(&ConfigResource::Topic(topic.clone()));
    ReplicaConfig::of_topic(TopicSettings::new(own, settings), settings)
}

/// The log of the metadata: the one that was loaded, or a new one.
pub(crate) async fn take_metadata_log(
    config: &BrokerConfig,
    directories: &LogDirectories,
    replicas: &[Arc<Replica>],
) -> Result<Arc<Replica>, StartError> {
    let of = metadata_partition();
    let replica = match replicas.iter().find(|replica| replica.partition == of) {
        Some(replica) => Arc::clone(replica),
        None => {
            // A new log would be that of an empty cluster, and in the way of the old one.
            let folders = directories.missing(&config.log_directories);
            if !folders.is_empty() {
                // Whoever hears of it may start again at once, and finds no lock in the way.
                directories.stop();
                return Err(StartError::MetadataMissing { folders });
            }
            let folders = config
                .log_directories
                .iter()
                .map(|it| it.join(of.to_string()));
            if let Some(folder) = folders
                .into_iter()
                .find(|it| config.disks.0.list(it).is_ok())
            {
                // It was told when the logs were loaded what is wrong with it.
                let reason = "the log could not be opened".to_owned();
                return Err(StartError::MetadataDamaged { folder, reason });
            }
            let (replica_config, durability) = config_at_load(config, &of);
            directories
                .create(of, None, replica_config, durability)
                .await?
        }
    };
    let epoch = fleuve_model::LeaderEpoch::ZERO;
    let last_epoch = replica.snapshot().epochs().latest_epoch().unwrap_or(epoch);
    replica.lead(last_epoch);
    Ok(replica)
}

/// Waits for the controller, takes over what Apache Kafka left, gives a new cluster its id, and
/// registers this broker. `replicas` are what was found on disk, known to the broker already.
pub(crate) async fn take_up(
    broker: &Arc<BrokerState>,
    cluster_id: &str,
    replicas: &[Arc<Replica>],
) -> Result<(), StartError> {
    wait_for_controller(broker).await?;
    if broker.image().cluster_id().is_none() {
        // Producer ids are given to brokers that are registered; registering twice is harmless.
        register(broker).await?;
        import::take_over(broker, replicas).await?;
    }
    let create = Command::CreateCluster {
        cluster_id: cluster_id.to_owned(),
    };
    // An error says that the cluster exists.
    ask(broker, create).await?;
    register(broker).await
}

/// Waits until the metadata has been read.
async fn wait_for_controller(broker: &BrokerState) -> Result<(), StartError> {
    let nothing = Command::CreateTopics {
        topics: Vec::new(),
        validate_only: true,
    };
    ask(broker, nothing).await.map(drop)
}

/// Registers this broker's process: the partitions that it leads get their next leader epoch.
async fn register(broker: &BrokerState) -> Result<(), StartError> {
    let registration = RegisterBroker {
        broker: broker.id(),
        incarnation: Uuid::new_v4(),
        endpoints: endpoints(broker),
        rack: broker.settings().value("broker.rack").map(str::to_owned),
    };
    match ask(broker, Command::RegisterBroker(registration)).await? {
        Reply::RegisterBroker(Ok(_)) => Ok(()),
        other => {
            let message = format!("the registration was answered {other:?}");
            Err(StartError::Metadata(message))
        }
    }
}

pub(crate) async fn ask(broker: &BrokerState, command: Command) -> Result<Reply, StartError> {
    use fleuve_cluster::driver::Unavailable;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);
    loop {
        match broker.controller().ask(command.clone()).await {
            Ok(reply) => return Ok(reply),
            Err(Unavailable::Loading) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(StartError::Metadata(error.to_string())),
        }
    }
}

fn endpoints(broker: &BrokerState) -> Vec<Endpoint> {
    broker
        .config
        .listeners
        .iter()
        .map(|listener| {
            let bound = broker
                .listener(&listener.name)
                .map_or(listener.port, |it| it.port);
            let advertised = listener.advertised.as_ref();
            Endpoint {
                listener: listener.name.clone(),
                host: advertised
                    .and_then(|it| it.host.clone())
                    .unwrap_or_default(),
                port: advertised
                    .map(|it| it.port)
                    .filter(|port| *port != 0)
                    .unwrap_or(bound),
                security_protocol: "PLAINTEXT".to_owned(),
            }
        })
        .collect()
}

impl BrokerState {
    /// Brings settings and partitions up to `image`, then shows it to everybody.
    pub(crate) async fn publish(self: &Arc<BrokerState>, image: Arc<MetadataImage>) {
        let before = self.image();
        let settings_changed = self.take_settings(&before, &image);
        for topic in changed_topics(&before, &image) {
            for (number, partition) in topic.numbered() {
                if partition.leader == Some(self.id()) {
                    let of = TopicPartition::new(topic.name.clone(), number);
                    self.host(&image, of, topic.id, partition.leader_epoch)
                        .await;
                }
            }
        }
        self.reconfigure(&before, &image, settings_changed);
        let before = self.set_image(Arc::clone(&image));
        self.groups.follow(self, &image);
        self.drop_deleted(&before, &image).await;
    }

    fn take_settings(&self, before: &MetadataImage, image: &MetadataImage) -> bool {
        let of = |image: &MetadataImage, broker: Option<BrokerId>| {
            image.configs(&ConfigResource::Broker(broker)).clone()
        };
        let changed = [Some(self.id()), None]
            .iter()
            .any(|it| of(before, *it) != of(image, *it));
        if changed {
            let dynamic = self
                .config
                .settings
                .with_dynamic(of(image, Some(self.id())), of(image, None));
            self.set_settings(dynamic);
        }
        changed
    }

    async fn host(
        &self,
        image: &MetadataImage,
        of: TopicPartition,
        topic_id: fleuve_model::TopicId,
        epoch: fleuve_model::LeaderEpoch,
    ) {
        let known = self.replicas.get(&of);
        if let Some(replica) = &known
            && replica.topic_id.is_none_or(|id| id == topic_id)
        {
            replica.lead(epoch);
            replica.set_config(self.replica_config(image, &of.topic));
            return;
        }
        if let Some(stale) = known {
            tracing::warn!(partition = %of, "a log of an earlier topic of this name is deleted");
            self.replicas.remove(&of, stale.topic_id);
            self.directories.delete(&stale).await;
        }
        let config = self.replica_config(image, &of.topic);
        let durability = self.config.durability;
        match self
            .directories
            .create(of.clone(), Some(topic_id), config, durability)
            .await
        {
            Ok(replica) => {
                replica.lead(epoch);
                self.replicas.insert(replica);
            }
            Err(error) => tracing::error!(partition = %of, "the log cannot be made: {error}"),
        }
    }

    /// Puts changed topic configs in force; a changed broker default may change them all.
    fn reconfigure(&self, before: &MetadataImage, image: &MetadataImage, all: bool) {
        for topic in image.topics() {
            let resource = ConfigResource::Topic(topic.name.clone());
            let (old, new) = (before.configs(&resource), image.configs(&resource));
            if !all && (std::ptr::eq(old, new) || old == new) {
                continue;
            }
            let config = self.replica_config(image, &topic.name);
            for (number, _) in topic.numbered() {
                let of = TopicPartition::new(topic.name.clone(), number);
                if let Some(replica) = self.replicas.get(&of) {
                    replica.set_config(config.clone());
                }
            }
        }
    }

    async fn drop_deleted(&self, before: &MetadataImage, image: &MetadataImage) {
        for topic in before.topics() {
            if image.topic_by_id(topic.id).is_some() {
                continue;
            }
            for (number, _) in topic.numbered() {
                let of = TopicPartition::new(topic.name.clone(), number);
                if let Some(replica) = self.replicas.remove(&of, Some(topic.id)) {
                    self.directories.delete(&replica).await;
                }
            }
        }
    }
}

/// Creates topics that a client asked for, with the cluster's defaults.
pub(crate) async fn create_on_demand(broker: &BrokerState, topics: BTreeSet<TopicName>) {
    let settings = broker.settings();
    let wanted = topics.iter().map(|name| new_topic(name, &settings));
    let command = Command::CreateTopics {
        topics: wanted.collect(),
        validate_only: false,
    };
    match broker.controller().ask(command).await {
        Ok(Reply::CreateTopics(results)) => {
            for (topic, result) in topics.iter().zip(results) {
                match result {
                    Ok(created) => tracing::info!(topic = %created.name, "created on demand"),
                    // Another client asked for it at the same time.
                    Err(ControllerError::TopicAlreadyExists(_)) => {}
                    Err(error @ ControllerError::ReplicationFactorTooLarge { .. })
                        if topic.as_str() == CONSUMER_OFFSETS =>
                    {
                        tracing::warn!(
                            "consumer groups wait for {topic}, which cannot be created: {error} \
                             Set offsets.topic.replication.factor=1."
                        );
                    }
                    Err(error) => tracing::warn!("{topic} was not created on demand: {error}"),
                }
            }
        }
        Ok(_) => {}
        Err(error) => tracing::warn!("topics were not created on demand: {error}"),
    }
}

fn new_topic(name: &TopicName, settings: &BrokerSettings) -> CreatableTopic {
    if name.as_str() != CONSUMER_OFFSETS {
        let layout = TopicLayout::Counts {
            partitions: None,
            replication_factor: None,
        };
        return CreatableTopic {
            name: name.to_string(),
            layout,
            configs: Vec::new(),
        };
    }
    let number = |key: &str| settings.number_of(key);
    let segment_bytes = number("offsets.topic.segment.bytes").to_string();
    let config = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    CreatableTopic {
        name: name.to_string(),
        layout: TopicLayout::Counts {
            partitions: i32::try_from(number("offsets.topic.num.partitions")).ok(),
            replication_factor: i16::try_from(number("offsets.topic.replication.factor")).ok(),
        },
        configs: vec![
            config("cleanup.policy", "compact"),
            config("compression.type", "producer"),
            config("segment.bytes", &segment_bytes),
        ],
    }
}
