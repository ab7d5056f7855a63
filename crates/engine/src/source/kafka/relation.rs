//! Topics as a table that is read once, and the name `kafka` in sessions.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use fleuve_sql::error::Result;
use fleuve_sql::ir::StructType;
use fleuve_sql::source::{BatchSource, ReadRequest};

use super::access::KafkaAccess;
use super::limits::OffsetRange;
use super::options::{KafkaOptions, NoRecordAtTimestamp, ReadKind};
use super::source::Topics;
use super::{arrow_schema, failed, schema};
use crate::error::StreamError;
use crate::operator::scan::{MicroBatchTable, ScanSlot};

/// `format("kafka")`.
#[derive(Debug)]
pub struct KafkaRelation {
    access: KafkaAccess,
}

impl KafkaRelation {
    pub fn new(access: KafkaAccess) -> Self {
        Self { access }
    }

    async fn table(&self, options: KafkaOptions) -> std::result::Result<ScanSlot, StreamError> {
        let reader = self
            .access
            .reader(&options.client)
            .map_err(|error| failed(&error))?;
        let topics = Topics { options, reader };
        let start = topics.starting().await?;
        // A timestamp that no record has reached yet is the end of what there is.
        let end = topics
            .bound(&topics.options.ending, NoRecordAtTimestamp::Latest)
            .await?;
        let ranges = end
            .0
            .iter()
            .filter_map(|(partition, end)| {
                let start = *start.0.get(partition)?;
                Some(OffsetRange {
                    partition: partition.clone(),
                    start,
                    end: *end,
                })
            })
            .collect();
        let schema = arrow_schema(topics.options.include_headers);
        let slot = ScanSlot::new(
            schema,
            format!("kafka {}", topics.options.subscription_text()),
        );
        slot.put(topics.batch(ranges));
        Ok(slot)
    }
}

#[async_trait]
impl BatchSource for KafkaRelation {
    async fn schema(&self, request: &ReadRequest) -> Result<StructType> {
        let options = KafkaOptions::new(&request.options, ReadKind::Batch)?;
        Ok(schema(options.include_headers))
    }

    async fn scan(
        &self,
        request: &ReadRequest,
        _schema: &StructType,
    ) -> Result<Arc<dyn TableProvider>> {
        let options = KafkaOptions::new(&request.options, ReadKind::Batch)?;
        let slot = self.table(options).await?;
        Ok(Arc::new(MicroBatchTable::new(Arc::new(slot))))
    }

    async fn stream_schema(&self, request: &ReadRequest) -> Result<StructType> {
        let options = KafkaOptions::new(&request.options, ReadKind::Stream)?;
        Ok(schema(options.include_headers))
    }
}
