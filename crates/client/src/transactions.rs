//! What a reader of committed data may see of what it fetched.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::record::{ControlType, RecordBatch, control_type};
use fleuve_protocol::api::fetch::AbortedTransaction;

/// Walks with the batches of a fetch and knows which of them belong to an aborted transaction.
///
/// The broker names the aborted transactions by producer and first offset; each ends at the
/// producer's abort marker.
#[derive(Clone, Debug, Default)]
pub(crate) struct AbortedTransactions {
    /// First offset → producers whose aborted transaction begins there; not reached yet.
    ahead: BTreeMap<i64, Vec<i64>>,
    /// Producers in whose aborted transaction the walk is.
    inside: BTreeSet<i64>,
}

impl AbortedTransactions {
    pub(crate) fn new(transactions: Vec<AbortedTransaction>) -> AbortedTransactions {
        let mut ahead: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for transaction in transactions {
            ahead
                .entry(transaction.first_offset)
                .or_default()
                .push(transaction.producer_id);
        }
        AbortedTransactions {
            ahead,
            inside: BTreeSet::new(),
        }
    }

    /// Whether the next batch is data that the reader may see. Markers never are.
    pub(crate) fn shows(&mut self, batch: &RecordBatch) -> bool {
        let header = batch.header();
        let last_offset = header.last_offset().value();
        let later = self.ahead.split_off(&(last_offset + 1));
        let reached = std::mem::replace(&mut self.ahead, later);
        self.inside.extend(reached.into_values().flatten());

        let producer = header.producer.map(|producer| producer.id.value());
        if header.attributes.is_control() {
            if is_abort(batch)
                && let Some(producer) = producer
            {
                self.inside.remove(&producer);
            }
            return false;
        }
        let is_aborted = header.attributes.is_transactional()
            && producer.is_some_and(|producer| self.inside.contains(&producer));
        !is_aborted
    }
}

fn is_abort(batch: &RecordBatch) -> bool {
    let plain = batch.payload();
    let first = batch.records_in(&plain).next();
    matches!(first, Some(Ok(record)) if control_type(&record) == Ok(ControlType::Abort))
}
