use bytes::Bytes;

use super::batch_header::{BATCH_HEADER_BYTES, BatchHeader, HeaderError, at};
use super::compression::{CompressError, Compressor, DecompressError, decompress};
use super::crc::crc32c;
use super::patch;
use super::records::Records;
use crate::{LeaderEpoch, Offset};

/// Why bytes are not a whole, undamaged batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The header is cut off or impossible.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The bytes end before the batch does.
    #[error("a batch of {size_bytes} bytes ends after {available_bytes}")]
    Incomplete {
        size_bytes: usize,
        available_bytes: usize,
    },
    /// The bytes are not those that were written.
    #[error("the stored CRC is {stored:#010x}, the bytes have {computed:#010x}")]
    Crc { stored: u32, computed: u32 },
}

impl BatchError {
    /// Whether more bytes might make it a batch: a fetch's last one, or a log's torn tail.
    pub fn is_incomplete(&self) -> bool {
        matches!(
            self,
            BatchError::Incomplete { .. } | BatchError::Header(HeaderError::Incomplete { .. })
        )
    }
}

/// One whole batch: its bytes as they are in the log and on the wire, and its header, read.
///
/// Cloning copies a reference. The bytes are exactly the batch, no more and no less, and
/// [`BatchHeader::size_bytes`] is their length. Whether they are undamaged is known only after
/// [`RecordBatch::verify_crc`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBatch {
    header: BatchHeader,
    bytes: Bytes,
}

impl RecordBatch {
    /// Reads the batch at the start of `buffer`, which may go on behind it. The CRC is not
    /// computed: a log's own reads were checked when they were appended.
    pub fn parse(buffer: &Bytes) -> Result<RecordBatch, BatchError> {
        let header = BatchHeader::parse(buffer)?;
        let size_bytes = header.size_bytes;
        if buffer.len() < size_bytes {
            let available_bytes = buffer.len();
            return Err(BatchError::Incomplete {
                size_bytes,
                available_bytes,
            });
        }
        Ok(RecordBatch {
            header,
            bytes: buffer.slice(..size_bytes),
        })
    }

    /// Reads the batch at the start of `buffer` and verifies its CRC.
    pub fn parse_verified(buffer: &Bytes) -> Result<RecordBatch, BatchError> {
        let batch = RecordBatch::parse(buffer)?;
        batch.verify_crc()?;
        Ok(batch)
    }

    /// Compares the bytes with the CRC stored among them.
    pub fn verify_crc(&self) -> Result<(), BatchError> {
        let stored = self.header.crc;
        let computed = crc32c(&self.bytes[at::ATTRIBUTES..]);
        if stored == computed {
            Ok(())
        } else {
            Err(BatchError::Crc { stored, computed })
        }
    }

    /// The header.
    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch, header and records.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Gives the bytes away.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What follows the header: the records, compressed if the header says so.
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(BATCH_HEADER_BYTES..)
    }

    /// The records' bytes, uncompressed: a slice of the batch, or newly made and of at most
    /// `bytes_max` if the batch is compressed.
    ///
    /// [`Bytes::slice_ref`] turns a record's slices into refcounted ones of these bytes.
    pub fn plain_payload(&self, bytes_max: usize) -> Result<Bytes, DecompressError> {
        if self.header.compression().is_none() {
            return Ok(self.payload());
        }
        let mut plain = Vec::new();
        self.decompress_payload(bytes_max, &mut plain)?;
        Ok(Bytes::from(plain))
    }

    /// Walks the records in `plain`, the bytes that [`RecordBatch::plain_payload`] gave.
    pub fn records_in<'a>(&self, plain: &'a [u8]) -> Records<'a> {
        Records::new(&self.header, plain)
    }

    /// Walks the records, in the batch's own bytes if it is uncompressed, else in `scratch`,
    /// which is overwritten and grows to at most `bytes_max`.
    pub fn records<'a>(
        &'a self,
        scratch: &'a mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<Records<'a>, DecompressError> {
        if self.header.compression().is_none() {
            return Ok(Records::new(
                &self.header,
                &self.bytes[BATCH_HEADER_BYTES..],
            ));
        }
        scratch.clear();
        self.decompress_payload(bytes_max, scratch)?;
        Ok(Records::new(&self.header, scratch))
    }

    fn decompress_payload(
        &self,
        bytes_max: usize,
        plain: &mut Vec<u8>,
    ) -> Result<(), DecompressError> {
        let payload = &self.bytes[BATCH_HEADER_BYTES..];
        // Compaction leaves headers without records; no codec calls nothing a stream.
        if payload.is_empty() {
            return Ok(());
        }
        decompress(self.header.compression(), payload, bytes_max, plain)
    }

    /// The header's bytes with the offset and epoch that the leader gives the batch, for a
    /// vectored write of header and [`RecordBatch::payload`] that copies no record. Both fields
    /// lie outside the CRC.
    pub fn assigned_header(
        &self,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
    ) -> [u8; BATCH_HEADER_BYTES] {
        let mut header = *self.bytes.first_chunk().expect("a batch holds its header");
        patch::assign(&mut header, base_offset, leader_epoch);
        header
    }

    /// The same batch at another offset and epoch. Copies the bytes only if others hold them.
    #[must_use]
    pub fn assigned(self, base_offset: Offset, leader_epoch: LeaderEpoch) -> RecordBatch {
        self.patched(|bytes| patch::assign(bytes, base_offset, leader_epoch))
    }

    /// Changes fields of the header that keep the batch's size and structure.
    pub(super) fn patched(self, change: impl FnOnce(&mut [u8])) -> RecordBatch {
        let mut bytes = self
            .bytes
            .try_into_mut()
            .unwrap_or_else(|shared| shared.as_ref().into());
        change(&mut bytes);
        let bytes = bytes.freeze();
        let header = BatchHeader::parse(&bytes).expect("a patched header is still a header");
        RecordBatch { header, bytes }
    }

    /// The same records under another compression, for topics whose `compression.type` demands
    /// one. Everything else in the header stays, except length and CRC. The records in between
    /// take at most `bytes_max`.
    pub fn recompressed(
        &self,
        compressor: &mut Compressor,
        bytes_max: usize,
    ) -> Result<RecordBatch, RecompressError> {
        let plain = self.plain_payload(bytes_max)?;
        let mut bytes = vec![0; BATCH_HEADER_BYTES];
        compressor.compress(&plain, &mut bytes)?;
        let attributes = self
            .header
            .attributes
            .with_compression(compressor.compression());
        let header = BatchHeader {
            attributes,
            ..self.header
        };
        RecordBatch::sealed(header, bytes).ok_or(RecompressError::TooLarge)
    }

    /// Completes `bytes`, which hold 61 free bytes and the payload, with `header`: the size and
    /// the CRC are computed. None if no batch can be that large.
    pub(super) fn sealed(mut header: BatchHeader, mut bytes: Vec<u8>) -> Option<RecordBatch> {
        if i32::try_from(bytes.len()).is_err() {
            return None;
        }
        header.size_bytes = bytes.len();
        header.write(
            bytes
                .first_chunk_mut()
                .expect("the header's bytes are reserved"),
        );
        header.crc = patch::refresh_crc(&mut bytes);
        Some(RecordBatch {
            header,
            bytes: Bytes::from(bytes),
        })
    }
}

/// Why the records of a batch could not be written under another compression.
#[derive(Debug, thiserror::Error)]
pub enum RecompressError {
    /// The batch's own payload cannot be read.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// The new payload cannot be written.
    #[error(transparent)]
    Compress(#[from] CompressError),
    /// The new batch would be larger than 2 GiB.
    #[error("the recompressed batch is larger than a batch can be")]
    TooLarge,
}

/// The batches of a buffer, one behind the other, as slices of it.
///
/// Ends after the first error. A fetch's buffer may end inside a batch: then the last item is
/// an error for which [`BatchError::is_incomplete`] holds.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// Starts at the beginning of `buffer`.
    pub const fn new(buffer: Bytes) -> Batches {
        Batches { rest: buffer }
    }

    /// The bytes that have not been walked yet.
    pub const fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = RecordBatch::parse(&self.rest);
        match &batch {
            Ok(batch) => self.rest = self.rest.slice(batch.header.size_bytes..),
            Err(_) => self.rest = Bytes::new(),
        }
        Some(batch)
    }
}

impl std::iter::FusedIterator for Batches {}
