//! Records read from a stream for what validation asks of them, without their keys and values.

use std::io::{self, Read};

use super::records::RecordProblem;
use super::varint::{VarintDecoder, VarintStep, unzigzag_32, unzigzag_64};

const BUFFER_BYTES: usize = 8 * 1024;

/// What validation asks of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordShape {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) has_key: bool,
}

/// Why the next record cannot be read.
pub(super) enum ShapeError {
    Record(RecordProblem),
    Stream(io::Error),
}

impl From<RecordProblem> for ShapeError {
    fn from(problem: RecordProblem) -> ShapeError {
        ShapeError::Record(problem)
    }
}

/// Walks the records of a stream in a buffer of constant size.
pub(super) struct ShapeReader<R> {
    stream: R,
    buffer: Box<[u8; BUFFER_BYTES]>,
    start: usize,
    end: usize,
    /// What is left of the record being read.
    left_bytes: usize,
}

impl<R: Read> ShapeReader<R> {
    pub(super) fn new(stream: R) -> ShapeReader<R> {
        let buffer = Box::new([0; BUFFER_BYTES]);
        ShapeReader {
            stream,
            buffer,
            start: 0,
            end: 0,
            left_bytes: 0,
        }
    }

    pub(super) fn stream(&self) -> &R {
        &self.stream
    }

    /// Reads the next record to its end.
    pub(super) fn next_record(&mut self) -> Result<RecordShape, ShapeError> {
        // The length itself belongs to no record's length.
        self.left_bytes = usize::MAX;
        let length = self.take_i32()?;
        self.left_bytes = usize::try_from(length).map_err(|_| RecordProblem::Length(length))?;

        self.take_byte()?;
        let timestamp_delta = self.take_i64()?;
        let offset_delta = self.take_i32()?;
        let has_key = self.skip_bytes()?;
        self.skip_bytes()?;
        self.skip_headers()?;
        match self.left_bytes {
            0 => Ok(RecordShape {
                timestamp_delta,
                offset_delta,
                has_key,
            }),
            left_bytes => Err(RecordProblem::LeftOver { left_bytes }.into()),
        }
    }

    /// Whether the stream has ended.
    pub(super) fn is_at_end(&mut self) -> Result<bool, ShapeError> {
        Ok(self.start == self.end && !self.fill()?)
    }

    fn skip_headers(&mut self) -> Result<(), ShapeError> {
        let count = self.take_i32()?;
        if count < 0 {
            return Err(RecordProblem::HeadersCount(count).into());
        }
        for _ in 0..count {
            if !self.skip_bytes()? {
                return Err(RecordProblem::HeaderKey.into());
            }
            self.skip_bytes()?;
        }
        Ok(())
    }

    /// Skips a length and as many bytes; returns whether they were there.
    fn skip_bytes(&mut self) -> Result<bool, ShapeError> {
        let Ok(length_bytes) = usize::try_from(self.take_i32()?) else {
            return Ok(false);
        };
        self.left_bytes = self
            .left_bytes
            .checked_sub(length_bytes)
            .ok_or(RecordProblem::Truncated)?;
        let mut wanted = length_bytes;
        while wanted > self.end - self.start {
            wanted -= self.end - self.start;
            if !self.fill()? {
                return Err(RecordProblem::Truncated.into());
            }
        }
        self.start += wanted;
        Ok(true)
    }

    fn take_i32(&mut self) -> Result<i32, ShapeError> {
        Ok(unzigzag_32(self.take_varint(u32::BITS)? as u32))
    }

    fn take_i64(&mut self) -> Result<i64, ShapeError> {
        Ok(unzigzag_64(self.take_varint(u64::BITS)?))
    }

    fn take_varint(&mut self, width_bits: u32) -> Result<u64, ShapeError> {
        let mut decoder = VarintDecoder::new(width_bits);
        loop {
            match decoder.push(self.take_byte()?) {
                VarintStep::More => {}
                VarintStep::Done(raw) => return Ok(raw),
                VarintStep::Malformed => return Err(RecordProblem::Varint.into()),
            }
        }
    }

    fn take_byte(&mut self) -> Result<u8, ShapeError> {
        self.left_bytes = self
            .left_bytes
            .checked_sub(1)
            .ok_or(RecordProblem::Truncated)?;
        if self.start == self.end && !self.fill()? {
            return Err(RecordProblem::Truncated.into());
        }
        let byte = self.buffer[self.start];
        self.start += 1;
        Ok(byte)
    }

    /// Replaces the buffer by the next bytes; false at the stream's end.
    fn fill(&mut self) -> Result<bool, ShapeError> {
        self.start = 0;
        self.end = 0;
        self.end = self
            .stream
            .read(&mut self.buffer[..])
            .map_err(ShapeError::Stream)?;
        Ok(self.end > 0)
    }
}
