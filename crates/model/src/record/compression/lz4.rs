//! LZ4 frames as Kafka writes and reads them (KIP-57).
//!
//! Written are independent blocks of at most 64 KiB, without checksums and without the size of
//! the whole. Read are independent blocks of every size that the frame format has, with block
//! checksums verified; what follows the end mark is not looked at. Blocks that depend on each
//! other are refused, as Kafka refuses them.

use std::io::{self, Read};

use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};
use twox_hash::XxHash32;

use super::{Block, malformed};

const MAGIC: u32 = 0x184D_2204;

/// Version 1 of the frame format, independent blocks.
const FLAGS: u8 = 0x60;
const FLAG_VERSION: u8 = 0xc0;
const FLAG_VERSION_1: u8 = 0x40;
const FLAG_INDEPENDENT: u8 = 0x20;
const FLAG_BLOCK_CHECKSUM: u8 = 0x10;
const FLAG_CONTENT_SIZE: u8 = 0x08;
const FLAG_RESERVED: u8 = 0x03;

/// Blocks of at most 64 KiB.
const BLOCK_DESCRIPTOR: u8 = 0x40;
const BLOCK_BYTES: usize = 64 * 1024;

/// The bit of a block's length that says its bytes are plain.
const PLAIN_BLOCK: u32 = 0x8000_0000;

/// No block can hold more than this many times its size.
const EXPANSION_MAX: usize = 255;

pub(super) struct Lz4Reader<'a> {
    rest: &'a [u8],
    block_bytes_max: usize,
    block_checksums: bool,
    ended: bool,
    block: Block,
}

impl<'a> Lz4Reader<'a> {
    /// Reads the frame's header.
    pub(super) fn new(payload: &'a [u8]) -> io::Result<Lz4Reader<'a>> {
        let mut rest = payload;
        if take_u32(&mut rest)? != MAGIC {
            return Err(malformed("it does not begin with a frame"));
        }
        let descriptor = rest;
        let [flags, sizes] = *take(&mut rest)?;
        check_flags(flags)?;
        let block_bytes_max = block_bytes_max(sizes)?;
        if flags & FLAG_CONTENT_SIZE != 0 {
            take::<8>(&mut rest)?;
        }
        let descriptor = &descriptor[..descriptor.len() - rest.len()];
        let [checksum] = *take(&mut rest)?;
        if checksum != descriptor_checksum(descriptor) {
            return Err(malformed("the frame's header is damaged"));
        }
        let block_checksums = flags & FLAG_BLOCK_CHECKSUM != 0;
        let block = Block::default();
        Ok(Lz4Reader {
            rest,
            block_bytes_max,
            block_checksums,
            ended: false,
            block,
        })
    }

    fn next_block(&mut self) -> io::Result<()> {
        let length = take_u32(&mut self.rest)?;
        let length_bytes = (length & !PLAIN_BLOCK) as usize;
        if length_bytes == 0 {
            self.ended = true;
            return Ok(());
        }
        if length_bytes > self.block_bytes_max {
            return Err(malformed("a block is longer than the frame allows"));
        }
        let (bytes, behind) = self
            .rest
            .split_at_checked(length_bytes)
            .ok_or_else(cut_off)?;
        self.rest = behind;
        self.read_block(bytes, length & PLAIN_BLOCK != 0)?;
        if self.block_checksums && take_u32(&mut self.rest)? != XxHash32::oneshot(0, bytes) {
            return Err(malformed("a block is damaged"));
        }
        Ok(())
    }

    fn read_block(&mut self, bytes: &[u8], is_plain: bool) -> io::Result<()> {
        let block = &mut self.block;
        block.taken = 0;
        if is_plain {
            block.bytes.clear();
            block.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        let holds_bytes_max = bytes
            .len()
            .saturating_mul(EXPANSION_MAX)
            .min(self.block_bytes_max);
        block.bytes.resize(holds_bytes_max, 0);
        let plain_bytes = decompress_into(bytes, &mut block.bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        block.bytes.truncate(plain_bytes);
        Ok(())
    }
}

impl Read for Lz4Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.block.is_spent() && !self.ended {
            self.next_block()?;
        }
        Ok(self.block.take(out))
    }
}

fn check_flags(flags: u8) -> io::Result<()> {
    if flags & FLAG_VERSION != FLAG_VERSION_1 || flags & FLAG_RESERVED != 0 {
        return Err(malformed("the frame's version is unknown"));
    }
    if flags & FLAG_INDEPENDENT == 0 {
        return Err(malformed(
            "its blocks depend on each other, which Kafka does not allow",
        ));
    }
    Ok(())
}

fn block_bytes_max(descriptor: u8) -> io::Result<usize> {
    match descriptor {
        0x40 => Ok(BLOCK_BYTES),
        0x50 => Ok(256 * 1024),
        0x60 => Ok(1024 * 1024),
        0x70 => Ok(4 * 1024 * 1024),
        _ => Err(malformed("the frame's block size is unknown")),
    }
}

/// The second byte of the checksum, by the frame format.
fn descriptor_checksum(descriptor: &[u8]) -> u8 {
    (XxHash32::oneshot(0, descriptor) >> 8) as u8
}

fn take_u32(rest: &mut &[u8]) -> io::Result<u32> {
    take(rest).map(|bytes| u32::from_le_bytes(*bytes))
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> io::Result<&'a [u8; N]> {
    let (bytes, behind) = rest.split_first_chunk().ok_or_else(cut_off)?;
    *rest = behind;
    Ok(bytes)
}

fn cut_off() -> io::Error {
    malformed("the frame is cut off")
}

pub(super) struct Lz4Writer {
    table: CompressTable,
}

impl Lz4Writer {
    pub(super) fn new() -> Lz4Writer {
        // A block of 64 KiB is one byte too long for the small table.
        Lz4Writer {
            table: CompressTable::large(),
        }
    }

    pub(super) fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let descriptor = [FLAGS, BLOCK_DESCRIPTOR];
        out.extend_from_slice(&MAGIC.to_le_bytes());
        out.extend_from_slice(&descriptor);
        out.push(descriptor_checksum(&descriptor));
        for block in plain.chunks(BLOCK_BYTES) {
            self.write_block(block, out)?;
        }
        out.extend_from_slice(&0_u32.to_le_bytes());
        Ok(())
    }

    /// Writes a block behind its length, plain if compression makes it no smaller.
    fn write_block(&mut self, block: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let start = out.len() + size_of::<u32>();
        out.resize(start + get_maximum_output_size(block.len()), 0);
        let written = compress_into_with_table(block, &mut out[start..], &mut self.table)
            .map_err(io::Error::other)?;
        let mut length = written as u32;
        out.truncate(start + written);
        if written >= block.len() {
            out.truncate(start);
            out.extend_from_slice(block);
            length = block.len() as u32 | PLAIN_BLOCK;
        }
        out[start - size_of::<u32>()..start].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}
