use super::batch::RecordBatch;
use super::compression::DecompressError;
use super::records::{Record, RecordsError};
use crate::{Offset, Timestamp};

/// Why the records of a batch cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The payload does not decompress.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A record is malformed.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// A record's time and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPosition {
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its offset.
    pub offset: Offset,
}

impl RecordPosition {
    fn of(record: &Record<'_>) -> Option<RecordPosition> {
        let offset = record.offset;
        record
            .timestamp
            .map(|timestamp| RecordPosition { timestamp, offset })
    }
}

/// Lookups by time in one batch (`ListOffsets`). All take a scratch buffer and the bytes that
/// the decompressed records may take in it, as [`RecordBatch::records`] does.
impl RecordBatch {
    /// The first record with a timestamp of `target` or later, from offset `from` on.
    pub fn first_since(
        &self,
        target: Timestamp,
        from: Offset,
        scratch: &mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<Option<RecordPosition>, ReadError> {
        for record in self.records(scratch, bytes_max)? {
            let record = record?;
            let Some(position) = RecordPosition::of(&record) else {
                continue;
            };
            if position.timestamp >= target && position.offset >= from {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The first of the records with the largest timestamp (KIP-734).
    pub fn latest(
        &self,
        scratch: &mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<Option<RecordPosition>, ReadError> {
        let mut latest: Option<RecordPosition> = None;
        for record in self.records(scratch, bytes_max)? {
            let Some(position) = RecordPosition::of(&record?) else {
                continue;
            };
            if latest.is_none_or(|latest| position.timestamp > latest.timestamp) {
                latest = Some(position);
            }
        }
        Ok(latest)
    }

    /// The batch's maximum timestamp with its last offset, from the header alone: what a time
    /// index stores.
    pub fn shallow_latest(&self) -> Option<RecordPosition> {
        let offset = self.header().last_offset();
        self.header()
            .max_timestamp
            .map(|timestamp| RecordPosition { timestamp, offset })
    }
}
