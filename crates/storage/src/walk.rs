//! Walking the batches of a segment's file, by their headers alone or whole.
//!
//! Both walks end without error at the end they were given, and with [`WalkError::Bad`] at bytes
//! that are no batch. They read ahead in chunks; no buffer is larger than what the file holds.

use std::io;

use bytes::Bytes;
use fleuve_model::record::{BATCH_HEADER_BYTES, BatchError, BatchHeader, RecordBatch};

use crate::disk::{DiskFile, read_up_to, read_vec};

/// Why a walk cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes at this position are no batch, or a damaged one.
    #[error("no batch at byte {position}: {reason}")]
    Bad {
        /// Where in the file.
        position: u64,
        /// What is wrong there.
        reason: BatchError,
    },
}

/// Walks headers, reading little of what lies between them.
#[derive(Debug)]
pub struct HeaderWalk<'a> {
    file: &'a dyn DiskFile,
    position: u64,
    end: u64,
    chunk: Vec<u8>,
    chunk_start: u64,
}

/// Large enough for the headers of small batches between two index entries.
const HEADER_CHUNK_BYTES: usize = 4096;

impl<'a> HeaderWalk<'a> {
    /// Begins at `position`, where a batch begins, and ends at `end`, where one ends.
    pub fn new(file: &'a dyn DiskFile, position: u64, end: u64) -> HeaderWalk<'a> {
        HeaderWalk {
            file,
            position,
            end,
            chunk: Vec::new(),
            chunk_start: position,
        }
    }

    /// The next header and where its batch begins.
    pub fn next_header(&mut self) -> Result<Option<(u64, BatchHeader)>, WalkError> {
        let position = self.position;
        if position >= self.end {
            return Ok(None);
        }
        let left_bytes = self.end - position;
        let bad = |reason| WalkError::Bad { position, reason };
        let header = BatchHeader::parse(self.bytes_at(position)?);
        let header = header.map_err(|reason| bad(reason.into()))?;
        if header.size_bytes as u64 > left_bytes {
            let available_bytes = left_bytes as usize;
            let size_bytes = header.size_bytes;
            return Err(bad(BatchError::Incomplete {
                size_bytes,
                available_bytes,
            }));
        }
        self.position += header.size_bytes as u64;
        Ok(Some((position, header)))
    }

    /// Where the next batch begins, or the end.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn bytes_at(&mut self, position: u64) -> io::Result<&[u8]> {
        let within = position
            .checked_sub(self.chunk_start)
            .map(|start| start as usize);
        let held = within.filter(|start| start + BATCH_HEADER_BYTES <= self.chunk.len());
        let start = match held {
            Some(start) => start,
            None => {
                let wanted = (self.end - position).min(HEADER_CHUNK_BYTES as u64) as usize;
                self.chunk.resize(wanted, 0);
                self.chunk_start = position;
                let read = read_up_to(self.file, &mut self.chunk, position)?;
                self.chunk.truncate(read);
                0
            }
        };
        Ok(&self.chunk[start..])
    }
}

/// Walks whole batches and verifies their CRC.
#[derive(Debug)]
pub struct BatchWalk<'a> {
    file: &'a dyn DiskFile,
    position: u64,
    end: u64,
    chunk: Bytes,
}

/// How much is read at once: as large as the disk likes it, small enough for the cache.
const BATCH_CHUNK_BYTES: u64 = 1024 * 1024;

impl<'a> BatchWalk<'a> {
    /// Begins at `position`, where a batch begins, and ends at `end`.
    pub fn new(file: &'a dyn DiskFile, position: u64, end: u64) -> BatchWalk<'a> {
        BatchWalk {
            file,
            position,
            end,
            chunk: Bytes::new(),
        }
    }

    /// The next batch and where it begins.
    pub fn next_batch(&mut self) -> Result<Option<(u64, RecordBatch)>, WalkError> {
        let position = self.position;
        if position >= self.end {
            return Ok(None);
        }
        let bad = |reason| WalkError::Bad { position, reason };
        let batch = match RecordBatch::parse(&self.chunk) {
            Err(BatchError::Incomplete { size_bytes, .. }) => self.parse_more(size_bytes as u64)?,
            Err(reason) if reason.is_incomplete() => self.parse_more(BATCH_CHUNK_BYTES)?,
            parsed => parsed,
        };
        let batch = batch.map_err(bad)?;
        batch.verify_crc().map_err(bad)?;
        let size_bytes = batch.header().size_bytes;
        self.chunk = self.chunk.slice(size_bytes..);
        self.position += size_bytes as u64;
        Ok(Some((position, batch)))
    }

    /// Where the next batch begins, or the end.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn parse_more(&mut self, wanted_bytes: u64) -> io::Result<Result<RecordBatch, BatchError>> {
        let left_bytes = self.end - self.position;
        self.chunk = self.read_chunk(wanted_bytes.max(BATCH_CHUNK_BYTES).min(left_bytes))?;
        match RecordBatch::parse(&self.chunk) {
            Err(BatchError::Incomplete { size_bytes, .. })
                if size_bytes as u64 <= left_bytes && size_bytes > self.chunk.len() =>
            {
                self.chunk = self.read_chunk(size_bytes as u64)?;
                Ok(RecordBatch::parse(&self.chunk))
            }
            parsed => Ok(parsed),
        }
    }

    fn read_chunk(&self, bytes: u64) -> io::Result<Bytes> {
        let chunk = read_vec(self.file, self.position, bytes as usize)?;
        Ok(Bytes::from(chunk))
    }
}

/// Reads the batch at `position` whole.
pub fn read_batch(
    file: &dyn DiskFile,
    position: u64,
    header: &BatchHeader,
) -> Result<RecordBatch, WalkError> {
    let batch = read_batch_unverified(file, position, header)?;
    batch
        .verify_crc()
        .map_err(|reason| WalkError::Bad { position, reason })?;
    Ok(batch)
}

/// Reads the batch at `position` whole, damaged or not.
pub fn read_batch_unverified(
    file: &dyn DiskFile,
    position: u64,
    header: &BatchHeader,
) -> Result<RecordBatch, WalkError> {
    let bytes = read_vec(file, position, header.size_bytes)?;
    let batch = RecordBatch::parse(&Bytes::from(bytes));
    batch.map_err(|reason| WalkError::Bad { position, reason })
}
