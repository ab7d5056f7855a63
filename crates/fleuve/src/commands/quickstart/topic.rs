//! The topic `tripdata`.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use fleuve_client::admin::NewTopic;
use fleuve_client::{Admin, ClientError, Config, IsolationLevel, OffsetSpec};
use fleuve_model::{ErrorCode, PartitionId, TopicName, TopicPartition};

use super::trips::PARTITIONS;

pub(super) const NAME: &str = "tripdata";

/// The topic, which exists.
pub(super) struct Topic {
    admin: Admin,
    name: TopicName,
}

impl Topic {
    /// Makes the topic unless it is there.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Topic> {
        let admin = Admin::new(config)?;
        let wanted = NewTopic::new(NAME, PARTITIONS as i32);
        for (_, created) in admin.create_topics(&[wanted], false).await? {
            match created {
                Ok(_) => {}
                Err(ClientError::Broker {
                    code: ErrorCode::TopicAlreadyExists,
                    ..
                }) => {}
                Err(error) => return Err(error).context("the topic cannot be created"),
            }
        }
        let name = TopicName::new(NAME).expect("the name is one");
        Ok(Topic { admin, name })
    }

    pub(super) fn name(&self) -> &TopicName {
        &self.name
    }

    /// How many records were ever written to each partition.
    pub(super) async fn ends(&self) -> anyhow::Result<[u64; PARTITIONS]> {
        let wanted: BTreeMap<_, _> = (0..PARTITIONS)
            .map(|partition| (self.partition(partition), OffsetSpec::Latest))
            .collect();
        let listed = self
            .admin
            .list_offsets(&wanted, IsolationLevel::ReadUncommitted)
            .await;
        let mut ends = [0; PARTITIONS];
        for (partition, listed) in listed {
            let Some(offset) = listed?.offset else {
                bail!("{partition} has no end");
            };
            let place = partition.partition.value() as usize;
            ends[place] = offset.value() as u64;
        }
        Ok(ends)
    }

    fn partition(&self, number: usize) -> TopicPartition {
        TopicPartition::new(self.name.clone(), partition_id(number))
    }
}

pub(super) fn partition_id(number: usize) -> PartitionId {
    PartitionId::new(number as i32).expect("the topic has few partitions")
}
