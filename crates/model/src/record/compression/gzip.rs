use std::io::{self, Write};
use std::ops::RangeInclusive;

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

/// The levels that Kafka knows (KIP-390).
pub(super) const LEVELS: RangeInclusive<i32> = 1..=9;

pub(super) type GzipReader<'a> = MultiGzDecoder<&'a [u8]>;

pub(super) fn reader(payload: &[u8]) -> GzipReader<'_> {
    MultiGzDecoder::new(payload)
}

pub(super) fn compress(plain: &[u8], level: Option<i32>, out: &mut Vec<u8>) -> io::Result<()> {
    let level = match level {
        Some(level) => flate2::Compression::new(level as u32),
        None => flate2::Compression::default(),
    };
    let mut encoder = GzEncoder::new(out, level);
    encoder.write_all(plain)?;
    encoder.finish()?;
    Ok(())
}
