//! Snappy, raw or in the framing of the Java library (Xerial's `SnappyOutputStream`).
//!
//! Java clients write a header of 16 bytes and then blocks, each behind its length as a
//! big-endian `i32`; librdkafka and the clients built on it write one raw block. Brokers and
//! clients read both, told apart by the header.

use std::io::{self, Read};

use super::{Block, malformed};

/// What begins Xerial's header; no raw block begins so.
const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";

/// The header: the magic, the version and the oldest version that can read it.
const HEADER: &[u8; 16] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

/// The plain bytes of a block that the Java library writes by default.
const BLOCK_BYTES: usize = 32 * 1024;

/// No block can hold more than this many times its size: three bytes make at most 64.
const EXPANSION_MAX: usize = 22;

pub(super) struct SnappyReader<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Block,
    decoder: snap::raw::Decoder,
}

impl<'a> SnappyReader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> SnappyReader<'a> {
        SnappyReader {
            rest: payload,
            framed: payload.starts_with(MAGIC),
            block: Block::default(),
            decoder: snap::raw::Decoder::new(),
        }
    }

    fn next_block(&mut self) -> io::Result<()> {
        let compressed = if self.framed {
            self.take_chunk()?
        } else {
            std::mem::take(&mut self.rest)
        };
        let plain_bytes = snap::raw::decompress_len(compressed)?;
        if plain_bytes > compressed.len().saturating_mul(EXPANSION_MAX) {
            return Err(malformed("a block claims more bytes than it can hold"));
        }
        self.block.bytes.resize(plain_bytes, 0);
        self.block.taken = 0;
        self.decoder.decompress(compressed, &mut self.block.bytes)?;
        Ok(())
    }

    /// Takes one block behind its length; headers of streams written one behind the other may
    /// come between.
    fn take_chunk(&mut self) -> io::Result<&'a [u8]> {
        while self.rest.starts_with(MAGIC) {
            let behind = self.rest.get(HEADER.len()..);
            self.rest = behind.ok_or_else(|| malformed("the header is cut off"))?;
        }
        if self.rest.is_empty() {
            return Ok(EMPTY_BLOCK);
        }
        let (length, behind) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| malformed("a length is cut off"))?;
        let length = u32::from_be_bytes(*length) as usize;
        let (chunk, behind) = behind
            .split_at_checked(length)
            .ok_or_else(|| malformed("a block is cut off"))?;
        self.rest = behind;
        Ok(chunk)
    }
}

/// A block of no bytes, as a stream's end that has only a header.
const EMPTY_BLOCK: &[u8] = &[0];

impl Read for SnappyReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.block.is_spent() && !self.rest.is_empty() {
            self.next_block()?;
        }
        Ok(self.block.take(out))
    }
}

pub(super) struct SnappyWriter {
    encoder: snap::raw::Encoder,
}

impl SnappyWriter {
    pub(super) fn new() -> SnappyWriter {
        SnappyWriter {
            encoder: snap::raw::Encoder::new(),
        }
    }

    /// Writes as the Java library does.
    pub(super) fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(HEADER);
        for block in plain.chunks(BLOCK_BYTES) {
            let start = out.len() + size_of::<u32>();
            out.resize(start + snap::raw::max_compress_len(block.len()), 0);
            let written = self.encoder.compress(block, &mut out[start..])?;
            out[start - size_of::<u32>()..start].copy_from_slice(&(written as u32).to_be_bytes());
            out.truncate(start + written);
        }
        Ok(())
    }
}
