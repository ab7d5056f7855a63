//! Every partition of this broker.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use fleuve_model::{TopicId, TopicPartition};

use super::replica::Replica;

/// Partitions by name; readers hold no lock while they work.
#[derive(Debug, Default)]
pub(crate) struct ReplicaTable {
    replicas: RwLock<BTreeMap<TopicPartition, Arc<Replica>>>,
}

impl ReplicaTable {
    pub(crate) fn get(&self, partition: &TopicPartition) -> Option<Arc<Replica>> {
        self.replicas
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(partition)
            .cloned()
    }

    /// Whether the partition is here and its directory works.
    pub(crate) fn is_online(&self, partition: &TopicPartition) -> bool {
        self.get(partition)
            .is_some_and(|replica| replica.is_online())
    }

    pub(crate) fn all(&self) -> Vec<Arc<Replica>> {
        let replicas = self.replicas.read().unwrap_or_else(PoisonError::into_inner);
        replicas.values().cloned().collect()
    }

    pub(crate) fn insert(&self, replica: Arc<Replica>) {
        let mut replicas = self
            .replicas
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        replicas.insert(replica.partition.clone(), replica);
    }

    /// Takes out the partition if it is of the topic with this id.
    pub(crate) fn remove(
        &self,
        partition: &TopicPartition,
        topic_id: Option<TopicId>,
    ) -> Option<Arc<Replica>> {
        let mut replicas = self
            .replicas
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let is_it = replicas
            .get(partition)
            .is_some_and(|replica| replica.topic_id == topic_id);
        if is_it {
            replicas.remove(partition)
        } else {
            None
        }
    }
}
