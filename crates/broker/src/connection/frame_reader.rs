//! Requests as they come off a stream: a size, then so many bytes.
//!
//! A claimed size allocates nothing: room grows with the bytes that have arrived. A frame takes
//! its share of the request budget once it has shown by its bytes that it is meant; very large
//! ones draw from a budget of their own, so that they cannot keep ordinary ones waiting. Start
//! at [`FrameReader::next`], which may be cancelled at any time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::memory_budget::{MemoryBudget, MemoryShare};

/// What is read at a time while a frame's size is not known.
const CHUNK_BYTES: usize = 8 * 1024;
/// Room is at most this many times the bytes that have arrived.
const GROWTH_FACTOR: usize = 3;
/// How long the rest of a begun frame may stand still.
const STALL_MAX: Duration = Duration::from_secs(10);
/// Frames beyond this are very large.
const ORDINARY_BYTES_MAX: usize = 1024 * 1024;
const SIZE_BYTES: usize = 4;

/// One request's bytes, without the size.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) share: FrameShare,
}

/// What a frame holds of the request budgets until it is answered.
#[derive(Debug, Default)]
pub(crate) struct FrameShare {
    ordinary: Option<MemoryShare>,
    large: Option<MemoryShare>,
    /// Its connection's, so that it knows of it.
    counted: Option<Arc<()>>,
}

/// What requests in flight may hold together.
#[derive(Debug)]
pub(crate) struct RequestBudgets {
    ordinary: MemoryBudget,
    large: MemoryBudget,
}

impl RequestBudgets {
    /// Half of `bytes` for ordinary frames, half for very large ones.
    pub(crate) fn new(bytes: u64) -> RequestBudgets {
        RequestBudgets {
            ordinary: MemoryBudget::new(bytes / 2),
            large: MemoryBudget::new(bytes / 2),
        }
    }
}

/// Why no further frame comes.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a request of {size} bytes is more than socket.request.max.bytes ({max})")]
    TooLarge { size: i64, max: usize },
    #[error("the first bytes are those of {protocol}, not of a Kafka request")]
    OtherProtocol { protocol: &'static str },
    #[error("the rest of a request did not arrive within {} s", STALL_MAX.as_secs())]
    Stalled,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads frames; owns what has arrived and was not handed out.
#[derive(Debug)]
pub(crate) struct FrameReader {
    buffer: BytesMut,
    share: FrameShare,
    /// Referred to by each share that a frame of this connection holds.
    shares: Arc<()>,
    frame_bytes_max: usize,
}

impl FrameReader {
    pub(crate) fn new(frame_bytes_max: usize) -> FrameReader {
        FrameReader {
            buffer: BytesMut::new(),
            share: FrameShare::default(),
            shares: Arc::default(),
            frame_bytes_max,
        }
    }

    /// Whether bytes of a frame have arrived that is not complete.
    pub(crate) fn has_begun(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Whether a frame of this connection that came or is coming holds a share of the budgets.
    pub(crate) fn holds_share(&self) -> bool {
        Arc::strong_count(&self.shares) > 1
    }

    /// The next frame, or `None` when the stream has ended.
    pub(crate) async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        budgets: &RequestBudgets,
    ) -> Result<Option<Frame>, FrameError> {
        loop {
            let Some(size) = self.frame_size()? else {
                self.buffer.reserve(CHUNK_BYTES);
                if stream.read_buf(&mut self.buffer).await? == 0 {
                    return Ok(None);
                }
                continue;
            };
            if self.buffer.len() >= SIZE_BYTES + size {
                return Ok(Some(self.take(size)));
            }
            self.take_share(size, budgets).await;
            self.make_room(size);
            let read = tokio::time::timeout(STALL_MAX, stream.read_buf(&mut self.buffer)).await;
            if read.map_err(|_| FrameError::Stalled)?? == 0 {
                return Ok(None);
            }
        }
    }

    async fn take_share(&mut self, size: usize, budgets: &RequestBudgets) {
        let arrived = self.buffer.len();
        if arrived >= CHUNK_BYTES && self.share.ordinary.is_none() {
            self.share.counted = Some(Arc::clone(&self.shares));
            let bytes = size.min(ORDINARY_BYTES_MAX) as u64;
            self.share.ordinary = Some(budgets.ordinary.take(bytes).await);
        }
        if arrived >= ORDINARY_BYTES_MAX && self.share.large.is_none() {
            let bytes = size.saturating_sub(ORDINARY_BYTES_MAX) as u64;
            self.share.large = Some(budgets.large.take(bytes).await);
        }
    }

    fn frame_size(&self) -> Result<Option<usize>, FrameError> {
        let Some(size) = self.buffer.first_chunk::<SIZE_BYTES>() else {
            return Ok(None);
        };
        if let Some(protocol) = other_protocol(size) {
            return Err(FrameError::OtherProtocol { protocol });
        }
        let claimed = i32::from_be_bytes(*size);
        match usize::try_from(claimed) {
            Ok(size) if size <= self.frame_bytes_max => Ok(Some(size)),
            _ => Err(FrameError::TooLarge {
                size: claimed.into(),
                max: self.frame_bytes_max,
            }),
        }
    }

    fn make_room(&mut self, size: usize) {
        let missing = SIZE_BYTES + size - self.buffer.len();
        let room_max = CHUNK_BYTES.max(self.buffer.len() * GROWTH_FACTOR);
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve(missing.min(room_max));
        }
    }

    fn take(&mut self, size: usize) -> Frame {
        self.buffer.advance(SIZE_BYTES);
        let bytes = self.buffer.split_to(size).freeze();
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Frame {
            bytes,
            share: std::mem::take(&mut self.share),
        }
    }
}

/// Reads frames as a connection does and hands out their bytes, until the stream ends; for whoever
/// wants to know what that takes. `request_bytes` is what `queued.max.request.bytes` stands for.
pub async fn read_frames(
    stream: &mut (impl AsyncRead + Unpin),
    frame_bytes_max: usize,
    request_bytes: u64,
    mut taken: impl FnMut(Bytes),
) -> Result<(), FrameError> {
    let budgets = RequestBudgets::new(request_bytes);
    let mut reader = FrameReader::new(frame_bytes_max);
    while let Some(frame) = reader.next(stream, &budgets).await? {
        taken(frame.bytes);
    }
    Ok(())
}

/// Clients of other protocols come by mistake often enough to be told apart in the log.
fn other_protocol(first: &[u8; SIZE_BYTES]) -> Option<&'static str> {
    match first {
        b"GET " | b"POST" | b"PUT " | b"HEAD" | b"OPTI" | b"PRI " => Some("HTTP"),
        [0x16, 0x03, 0..=4, _] => Some("TLS"),
        b"SSH-" => Some("SSH"),
        _ => None,
    }
}
