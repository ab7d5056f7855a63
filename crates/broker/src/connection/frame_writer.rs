//! Responses as they go onto a stream: segments, written together, none copied.

use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How many segments one call writes.
const SEGMENTS_PER_CALL: usize = 64;

/// Writes all of `segments`, in order.
pub(crate) async fn write_segments(
    stream: &mut (impl AsyncWrite + Unpin),
    mut segments: Vec<Bytes>,
) -> io::Result<()> {
    let mut first = 0;
    while first < segments.len() {
        let written = {
            let slices: Vec<IoSlice<'_>> = segments[first..]
                .iter()
                .take(SEGMENTS_PER_CALL)
                .map(|segment| IoSlice::new(segment))
                .collect();
            stream.write_vectored(&slices).await?
        };
        if written == 0 && segments[first..].iter().any(|segment| !segment.is_empty()) {
            return Err(io::ErrorKind::WriteZero.into());
        }
        first = skip_written(&mut segments, first, written);
    }
    stream.flush().await
}

/// Drops what was written, whole segments at once, and returns the first that is left.
fn skip_written(segments: &mut [Bytes], mut first: usize, mut written: usize) -> usize {
    while let Some(segment) = segments.get_mut(first) {
        if segment.len() > written {
            segment.advance(written);
            break;
        }
        written -= segment.len();
        *segment = Bytes::new();
        first += 1;
    }
    first
}
