use super::batch_header::BatchHeader;
use super::varint;
use crate::{Offset, Timestamp};

/// What is wrong with a record's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// The bytes end inside it.
    #[error("its bytes end early")]
    Truncated,
    /// A length or a delta is not a variable-length integer of its width.
    #[error("it holds a malformed varint")]
    Varint,
    /// Its length is negative.
    #[error("its length is {0}")]
    Length(i32),
    /// Bytes are left over where its length says it ends.
    #[error("its fields end {left_bytes} bytes before its length does")]
    LeftOver { left_bytes: usize },
    /// Its offset would lie before the batch or beyond the largest offset.
    #[error("its offset delta is {0}")]
    OffsetDelta(i32),
    /// Its timestamp would lie beyond the largest one.
    #[error("its timestamp delta is {0}")]
    TimestampDelta(i64),
    /// The number of its headers is negative.
    #[error("its number of headers is {0}")]
    HeadersCount(i32),
    /// A header has no key.
    #[error("a header has no key")]
    HeaderKey,
}

/// A record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {index} of the batch is malformed: {problem}")]
pub struct RecordError {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// What is wrong with it.
    pub problem: RecordProblem,
}

/// Why a batch's records are not what its header claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// One of them cannot be read, or there are fewer than claimed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// There is more behind the last one.
    #[error("bytes follow the last of the batch's {records_count} records")]
    LeftOver { records_count: u32 },
}

/// One header of a record (KIP-82).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its key: text by agreement, checked by nobody.
    pub key: &'a [u8],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, read anew at each walk; malformed ones never get here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Headers<'a> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value of the last header named `key`: the outer option says whether there is one.
    pub fn last(&self, key: &[u8]) -> Option<Option<&'a [u8]>> {
        self.filter(|header| header.key == key)
            .last()
            .map(|header| header.value)
    }

    fn parse(bytes: &'a [u8], count: i32) -> Result<Headers<'a>, RecordProblem> {
        let count = u32::try_from(count).map_err(|_| RecordProblem::HeadersCount(count))?;
        let mut rest = bytes;
        for _ in 0..count {
            take_header(&mut rest)?;
        }
        if !rest.is_empty() {
            return Err(RecordProblem::LeftOver {
                left_bytes: rest.len(),
            });
        }
        Ok(Headers { bytes, count })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.count = self.count.checked_sub(1)?;
        take_header(&mut self.bytes).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// One record, as slices of the batch that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in its partition's log.
    pub offset: Offset,
    /// Its offset less the batch's base offset.
    pub offset_delta: u32,
    /// Its time, the batch's own under `LogAppendTime`; none if the producer gave none.
    pub timestamp: Option<Timestamp>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; a record without one is a tombstone where the topic is compacted.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
    /// The bytes it takes in the batch, uncompressed, its length included.
    pub size_bytes: usize,
}

/// What the records of one batch have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordBase {
    pub(super) offset: Offset,
    pub(super) timestamp: Timestamp,
    pub(super) append_time: Option<Timestamp>,
}

impl RecordBase {
    pub(super) fn of(header: &BatchHeader) -> RecordBase {
        RecordBase {
            offset: header.base_offset,
            timestamp: header.base_timestamp,
            append_time: header.append_time(),
        }
    }

    pub(super) fn offset(&self, delta: i32) -> Result<Offset, RecordProblem> {
        let offset = if delta < 0 {
            None
        } else {
            self.offset.checked_add(i64::from(delta))
        };
        offset.ok_or(RecordProblem::OffsetDelta(delta))
    }

    pub(super) fn timestamp(&self, delta: i64) -> Result<Option<Timestamp>, RecordProblem> {
        if self.append_time.is_some() {
            return Ok(self.append_time);
        }
        match self.timestamp.as_millis().checked_add(delta) {
            Some(millis) => Ok(Timestamp::from_wire(millis)),
            None => Err(RecordProblem::TimestampDelta(delta)),
        }
    }
}

/// The records of one batch, walked in place.
///
/// Yields as many as the header claims, or an error and then nothing more. Bytes behind the
/// last record are an error too. The walk allocates nothing.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    base: RecordBase,
    index: u32,
    count: u32,
    ended: bool,
}

/// How far a walk over a batch's records has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsWalked {
    left_bytes: usize,
    index: u32,
}

impl<'a> Records<'a> {
    /// Walks `plain`, the uncompressed payload of the batch of `header`.
    pub fn new(header: &BatchHeader, plain: &'a [u8]) -> Records<'a> {
        let base = RecordBase::of(header);
        Records {
            rest: plain,
            base,
            index: 0,
            count: header.records_count,
            ended: false,
        }
    }

    /// How far the walk has come, for [`Records::resume`].
    pub const fn walked(&self) -> RecordsWalked {
        RecordsWalked {
            left_bytes: self.rest.len(),
            index: self.index,
        }
    }

    /// Goes on with a walk of the same `header` and `plain`.
    pub fn resume(header: &BatchHeader, plain: &'a [u8], from: RecordsWalked) -> Records<'a> {
        let walked_bytes = plain.len().saturating_sub(from.left_bytes);
        Records {
            rest: &plain[walked_bytes..],
            index: from.index,
            ..Records::new(header, plain)
        }
    }

    fn end(&mut self) -> Option<Result<Record<'a>, RecordsError>> {
        self.ended = true;
        if self.rest.is_empty() {
            return None;
        }
        let records_count = self.count;
        Some(Err(RecordsError::LeftOver { records_count }))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordsError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.index == self.count {
            return self.end();
        }
        let index = self.index;
        self.index += 1;
        let record = take_record(&mut self.rest, &self.base);
        self.ended = record.is_err();
        Some(record.map_err(|problem| RecordError { index, problem }.into()))
    }
}

impl std::iter::FusedIterator for Records<'_> {}

#[inline]
fn take_record<'a>(rest: &mut &'a [u8], base: &RecordBase) -> Result<Record<'a>, RecordProblem> {
    let before_bytes = rest.len();
    let length = take_i32(rest)?;
    let length_bytes = usize::try_from(length).map_err(|_| RecordProblem::Length(length))?;
    let (mut body, behind) = rest
        .split_at_checked(length_bytes)
        .ok_or(RecordProblem::Truncated)?;
    *rest = behind;

    // Kafka has defined no attribute of a single record.
    let (_attributes, fields) = body.split_first().ok_or(RecordProblem::Truncated)?;
    body = fields;
    let timestamp_delta = take_i64(&mut body)?;
    let offset_delta = take_i32(&mut body)?;
    let key = take_bytes(&mut body)?;
    let value = take_bytes(&mut body)?;
    let headers_count = take_i32(&mut body)?;
    Ok(Record {
        offset: base.offset(offset_delta)?,
        offset_delta: offset_delta as u32,
        timestamp: base.timestamp(timestamp_delta)?,
        key,
        value,
        headers: Headers::parse(body, headers_count)?,
        size_bytes: before_bytes - behind.len(),
    })
}

fn take_header<'a>(rest: &mut &'a [u8]) -> Result<Header<'a>, RecordProblem> {
    let key = take_bytes(rest)?.ok_or(RecordProblem::HeaderKey)?;
    Ok(Header {
        key,
        value: take_bytes(rest)?,
    })
}

/// Takes a length and as many bytes; every negative length means "null", as Kafka reads it.
#[inline]
fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordProblem> {
    let Ok(length_bytes) = usize::try_from(take_i32(rest)?) else {
        return Ok(None);
    };
    let (bytes, behind) = rest
        .split_at_checked(length_bytes)
        .ok_or(RecordProblem::Truncated)?;
    *rest = behind;
    Ok(Some(bytes))
}

#[inline]
fn take_i32(rest: &mut &[u8]) -> Result<i32, RecordProblem> {
    varint::take_i32(rest).ok_or(RecordProblem::Varint)
}

#[inline]
fn take_i64(rest: &mut &[u8]) -> Result<i64, RecordProblem> {
    varint::take_i64(rest).ok_or(RecordProblem::Varint)
}
