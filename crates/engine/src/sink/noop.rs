//! `noop`: reads everything and keeps nothing; and the partition runner all sinks share.

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use tokio::task::JoinSet;

use super::{Sink, Staged, StagedBatch};
use crate::checkpoint::BatchId;
use crate::error::StreamError;

/// The sink itself.
#[derive(Debug, Default)]
pub struct NoopSink {
    last: Option<BatchId>,
}

#[async_trait]
impl Sink for NoopSink {
    fn description(&self) -> String {
        "NoopTable".to_owned()
    }

    async fn begin(&mut self, batch: BatchId) -> Result<Box<dyn StagedBatch>, StreamError> {
        self.last = Some(batch);
        Ok(Box::new(Discarded))
    }

    async fn last_committed(&mut self) -> Result<Option<BatchId>, StreamError> {
        Ok(None)
    }
}

/// A batch whose rows are counted and dropped.
#[derive(Debug)]
pub(crate) struct Discarded;

#[async_trait]
impl StagedBatch for Discarded {
    async fn stage(
        &mut self,
        partitions: Vec<SendableRecordBatchStream>,
    ) -> Result<Staged, StreamError> {
        let counts = run_partitions(partitions, |_, stream| async move {
            stream
                .try_fold(0_u64, |rows, batch| async move {
                    Ok(rows + batch.num_rows() as u64)
                })
                .await
                .map_err(StreamError::from)
        })
        .await?;
        Ok(Staged {
            rows: Some(counts.into_iter().sum()),
        })
    }

    async fn commit(self: Box<Self>) -> Result<(), StreamError> {
        Ok(())
    }
}

/// Runs every partition as a task of its own and returns their results in partition order.
/// The first failure stops the others, and is told once they have stopped. Only a caller that
/// drops this leaves tasks behind, which end at their next wait.
pub(crate) async fn run_partitions<T, F, Fut>(
    partitions: Vec<SendableRecordBatchStream>,
    task: F,
) -> Result<Vec<T>, StreamError>
where
    T: Send + 'static,
    F: Fn(usize, SendableRecordBatchStream) -> Fut,
    Fut: Future<Output = Result<T, StreamError>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, stream) in partitions.into_iter().enumerate() {
        let work = task(index, stream);
        tasks.spawn(async move { (index, work.await) });
    }
    let mut results = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        let result = joined.map_err(|error| StreamError::Task(error.to_string()));
        match result.and_then(|(index, result)| Ok((index, result?))) {
            Ok(result) => results.push(result),
            Err(error) => {
                tasks.shutdown().await;
                return Err(error);
            }
        }
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Reads every partition whole, in partition order.
pub(crate) async fn collect_partitions(
    partitions: Vec<SendableRecordBatchStream>,
) -> Result<Vec<RecordBatch>, StreamError> {
    let collected = run_partitions(partitions, |_, stream| async move {
        stream
            .try_collect::<Vec<_>>()
            .await
            .map_err(|error: DataFusionError| error.into())
    })
    .await?;
    Ok(collected
        .into_iter()
        .flatten()
        .filter(|batch| batch.num_rows() > 0)
        .collect())
}
