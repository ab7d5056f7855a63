use std::collections::BTreeMap;

use fleuve_model::{Offset, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::DeleteRecordsRequest;
use fleuve_protocol::api::delete_records::{DeleteRecordsPartition, DeleteRecordsTopic};

use super::Admin;
use crate::ClientError;
use crate::cluster::{Purpose, partition_from_wire};

impl Admin {
    /// Deletes the records before an offset, or all up to the high watermark if it is none.
    /// Gives the first offset that is left of each partition.
    pub async fn delete_records(
        &self,
        partitions: &BTreeMap<TopicPartition, Option<Offset>>,
    ) -> Result<BTreeMap<TopicPartition, Result<Option<Offset>, ClientError>>, ClientError> {
        let mut results = BTreeMap::new();
        for (partition, before) in partitions {
            let call = || self.delete_records_of(partition, *before);
            results.insert(
                partition.clone(),
                self.cluster.retry(self.deadline(), call).await,
            );
        }
        Ok(results)
    }

    async fn delete_records_of(
        &self,
        partition: &TopicPartition,
        before: Option<Offset>,
    ) -> Result<Option<Offset>, ClientError> {
        const HIGH_WATERMARK: i64 = -1;
        if !self
            .cluster
            .metadata()
            .topics
            .contains_key(&partition.topic)
        {
            self.cluster.fresh_topic(&partition.topic, false).await?;
        }
        let leader = self.cluster.leader(partition)?;
        let connection = self
            .cluster
            .connection(leader.id, Purpose::Requests)
            .await?;
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: Str::from(partition.topic.as_str()),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: partition.partition.value(),
                    offset: before.map_or(HIGH_WATERMARK, Offset::value),
                }],
            }],
            timeout_ms: self.timeout_ms(),
        };
        let response = connection.call(request).await?;
        let found = response.topics.iter().flat_map(|topic| {
            let name = topic.name.as_str();
            topic.partitions.iter().map(move |found| (name, found))
        });
        for (topic, found) in found {
            if partition_from_wire(topic, found.partition_index).as_ref() == Some(partition) {
                ClientError::check(found.error_code, format!("records of {partition}"), None)?;
                return Ok(Offset::from_wire(found.low_watermark));
            }
        }
        Err(ClientError::Invalid(format!(
            "the broker's answer leaves {partition} out"
        )))
    }
}
