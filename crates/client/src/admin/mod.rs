//! What an administrator asks of a cluster.
//!
//! Calls that take several topics, groups or resources give a result for each, as the broker
//! does. Start at [`Admin`]; the calls are in `topics`, `configs`, `cluster`, `records` and
//! `groups`.

mod brokers;
mod configs;
mod groups;
mod records;
mod topics;

use std::collections::BTreeMap;
use std::time::Duration;

use fleuve_model::TopicPartition;
use fleuve_protocol::ApiKey;
use tokio::time::Instant;

pub use brokers::{BrokerDescription, ClusterDescription, LogDirectory, PartitionInDirectory};
pub use configs::{
    ConfigEntry, ConfigOperation, ConfigOperationKind, ConfigResource, ConfigResourceType,
    ConfigSource, ConfigSynonym, ConfigType,
};
pub use groups::{
    CommittedOffset, GroupDescription, GroupKind, GroupListing, GroupMember, GroupsFilter,
    MemberToRemove,
};
pub(crate) use groups::{EachPartition, fetch_group_offsets};
pub use topics::{CreatedTopic, NewPartitions, NewTopic, TopicChoice, TopicDescription};

use crate::cluster::Cluster;
use crate::config::{CommonSettings, Reader};
use crate::offsets::{OffsetResults, list_offsets};
use crate::{ClientError, Config, IsolationLevel, OffsetSpec};

/// A result for each of the things that were asked for, by name.
pub type Each<T> = BTreeMap<String, Result<T, ClientError>>;

/// An API that a broker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedApi {
    /// Its key on the wire.
    pub key: i16,
    /// Its name; none if this client does not know it.
    pub name: Option<&'static str>,
    /// The first version.
    pub version_min: i16,
    /// The last version.
    pub version_max: i16,
    /// The version that this client would use.
    pub version_used: Option<i16>,
}

/// Clones share connections.
#[derive(Clone)]
pub struct Admin {
    cluster: Cluster,
    api_timeout: Duration,
}

impl Admin {
    /// An admin client; no broker is asked before the first call.
    pub fn new(config: &Config) -> Result<Admin, ClientError> {
        let reader = Reader::new(config);
        let common = CommonSettings::read(config, &reader, "", 30_000)?;
        let api_timeout = reader.millis("default.api.timeout.ms", 60_000)?;
        reader.finish("admin client");
        Ok(Admin {
            cluster: Cluster::new(common),
            api_timeout,
        })
    }

    /// Finds offsets; see [`OffsetSpec`].
    pub async fn list_offsets(
        &self,
        partitions: &BTreeMap<TopicPartition, OffsetSpec>,
        isolation: IsolationLevel,
    ) -> OffsetResults {
        list_offsets(&self.cluster, partitions, isolation, self.deadline()).await
    }

    /// The APIs of every broker, by key.
    pub async fn api_versions(
        &self,
    ) -> Result<Vec<(BrokerDescription, Vec<OfferedApi>)>, ClientError> {
        let brokers = self.describe_cluster().await?.brokers;
        let mut all = Vec::with_capacity(brokers.len());
        for broker in brokers {
            let connection = self
                .cluster
                .connection(broker.id, crate::cluster::Purpose::Requests)
                .await?;
            let mut offers: Vec<OfferedApi> = connection
                .offers()
                .iter()
                .map(|offer| OfferedApi {
                    key: offer.api_key,
                    name: ApiKey::from_wire(offer.api_key).map(ApiKey::name),
                    version_min: offer.min_version,
                    version_max: offer.max_version,
                    version_used: ApiKey::from_wire(offer.api_key)
                        .map(|key| key.versions().max.min(offer.max_version))
                        .filter(|used| *used >= offer.min_version),
                })
                .collect();
            offers.sort_by_key(|offer| offer.key);
            all.push((broker, offers));
        }
        Ok(all)
    }

    /// Hangs up.
    pub fn close(&self) {
        self.cluster.close();
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.api_timeout
    }

    fn timeout_ms(&self) -> i32 {
        self.cluster
            .settings()
            .request_timeout
            .as_millis()
            .min(i32::MAX as u128) as i32
    }
}
