use std::collections::BTreeMap;

use fleuve_model::{BrokerId, TopicPartition};
use fleuve_protocol::ApiKey;
use fleuve_protocol::api::{DescribeClusterRequest, DescribeLogDirsRequest};

use super::Admin;
use crate::ClientError;
use crate::cluster::{Purpose, TopicSelection, partition_from_wire};

/// A cluster and its brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    /// The id that it was formatted with.
    pub cluster_id: Option<String>,
    /// The broker that admin requests go to.
    pub controller: Option<BrokerId>,
    /// The brokers, by id.
    pub brokers: Vec<BrokerDescription>,
    /// What the client may do, as Kafka's bits, if it was asked for.
    pub authorized_operations: Option<i32>,
}

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerDescription {
    /// Its id.
    pub id: BrokerId,
    /// The host it advertises.
    pub host: String,
    /// The port it advertises.
    pub port: u16,
    /// Its rack.
    pub rack: Option<String>,
    /// Whether it is registered and not alive.
    pub is_fenced: bool,
}

/// A log directory of a broker.
#[derive(Clone, Debug)]
pub struct LogDirectory {
    /// Its path on the broker.
    pub path: String,
    /// Why it cannot be used, if it cannot.
    pub error: Option<ClientError>,
    /// The size of its volume.
    pub total_bytes: Option<i64>,
    /// What is free of that.
    pub usable_bytes: Option<i64>,
    /// Whether new partitions are kept away from it.
    pub is_cordoned: bool,
    /// The partitions in it.
    pub partitions: BTreeMap<TopicPartition, PartitionInDirectory>,
}

/// A partition in a log directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionInDirectory {
    /// What its segments take.
    pub size_bytes: i64,
    /// How far it is behind the log it follows or replaces.
    pub lag_records: i64,
    /// Whether it is to replace a log in another directory.
    pub is_future: bool,
}

impl Admin {
    /// Describes the cluster.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, ClientError> {
        self.cluster
            .retry(self.deadline(), || self.ask_cluster())
            .await
    }

    async fn ask_cluster(&self) -> Result<ClusterDescription, ClientError> {
        let connection = self.cluster.any_connection().await?;
        // Ids of brokers mean something to later calls only with the addresses of the metadata.
        let (metadata, _) = self.cluster.refresh(TopicSelection::None, false).await?;
        if connection.offered(ApiKey::DescribeCluster).is_none() {
            let brokers = metadata.brokers.values().map(|broker| BrokerDescription {
                id: broker.id,
                host: broker.host.clone(),
                port: broker.port,
                rack: broker.rack.clone(),
                is_fenced: false,
            });
            return Ok(ClusterDescription {
                cluster_id: metadata.cluster_id.clone(),
                controller: metadata.controller,
                brokers: brokers.collect(),
                authorized_operations: None,
            });
        }
        let response = connection.call(DescribeClusterRequest::default()).await?;
        let message = response.error_message.as_ref();
        ClientError::check(response.error_code, "cluster", message)?;
        let brokers = response.brokers.iter().filter_map(|broker| {
            Some(BrokerDescription {
                id: BrokerId::from_wire(broker.broker_id)?,
                host: broker.host.as_str().to_owned(),
                port: u16::try_from(broker.port).ok()?,
                rack: super::configs::text(broker.rack.as_ref()),
                is_fenced: broker.is_fenced,
            })
        });
        let mut brokers: Vec<BrokerDescription> = brokers.collect();
        brokers.sort_by_key(|broker| broker.id);
        let operations = response.cluster_authorized_operations;
        Ok(ClusterDescription {
            cluster_id: Some(response.cluster_id.as_str().to_owned()),
            controller: BrokerId::from_wire(response.controller_id),
            brokers,
            authorized_operations: (operations != i32::MIN).then_some(operations),
        })
    }

    /// Describes the log directories of a broker.
    pub async fn describe_log_dirs(
        &self,
        broker: BrokerId,
    ) -> Result<Vec<LogDirectory>, ClientError> {
        let call = || async {
            if !self.cluster.metadata().brokers.contains_key(&broker) {
                self.cluster.refresh(TopicSelection::None, false).await?;
            }
            let connection = self.cluster.connection(broker, Purpose::Requests).await?;
            let response = connection
                .call(DescribeLogDirsRequest { topics: None })
                .await?;
            let subject = format!("log directories of broker {broker}");
            ClientError::check(response.error_code, subject, None)?;
            Ok(response)
        };
        let response = self.cluster.retry(self.deadline(), call).await?;
        let directories = response.results.into_iter().map(|directory| {
            let path = directory.log_dir.as_str().to_owned();
            let mut partitions = BTreeMap::new();
            for topic in &directory.topics {
                for found in &topic.partitions {
                    let name = topic.name.as_str();
                    if let Some(partition) = partition_from_wire(name, found.partition_index) {
                        let found = PartitionInDirectory {
                            size_bytes: found.partition_size,
                            lag_records: found.offset_lag,
                            is_future: found.is_future_key,
                        };
                        partitions.insert(partition, found);
                    }
                }
            }
            LogDirectory {
                error: ClientError::check(directory.error_code, path.as_str(), None).err(),
                path,
                total_bytes: Some(directory.total_bytes).filter(|bytes| *bytes >= 0),
                usable_bytes: Some(directory.usable_bytes).filter(|bytes| *bytes >= 0),
                is_cordoned: directory.is_cordoned,
                partitions,
            }
        });
        Ok(directories.collect())
    }
}
