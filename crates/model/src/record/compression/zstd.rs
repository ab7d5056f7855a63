use std::io;
use std::ops::RangeInclusive;

use zstd::bulk;
use zstd::stream::read::Decoder;
use zstd::zstd_safe;

/// The levels that Kafka knows (KIP-390).
pub(super) const LEVELS: RangeInclusive<i32> = -131_072..=22;

/// Kafka's default.
const LEVEL_DEFAULT: i32 = 3;

/// The library refuses frames whose window is larger than 128 MiB, as Kafka's does. It reserves
/// a window without touching it, so what a frame occupies is what has come out of it.
pub(super) type ZstdReader<'a> = Decoder<'static, &'a [u8]>;

pub(super) fn reader(payload: &[u8]) -> io::Result<ZstdReader<'_>> {
    Decoder::with_buffer(payload)
}

pub(super) struct ZstdWriter {
    compressor: bulk::Compressor<'static>,
}

impl ZstdWriter {
    pub(super) fn new(level: Option<i32>) -> io::Result<ZstdWriter> {
        let compressor = bulk::Compressor::new(level.unwrap_or(LEVEL_DEFAULT))?;
        Ok(ZstdWriter { compressor })
    }

    pub(super) fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let start = out.len();
        out.resize(start + zstd_safe::compress_bound(plain.len()), 0);
        let written = self
            .compressor
            .compress_to_buffer(plain, &mut out[start..])?;
        out.truncate(start + written);
        Ok(())
    }
}
