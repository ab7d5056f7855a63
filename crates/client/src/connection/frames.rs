//! The two tasks that own the halves of a connection's socket.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, Bytes, BytesMut};
use fleuve_protocol::{EncodedFrame, decode_response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Call, FollowUp, Pending};

/// The largest answer that is read: the largest size a frame can claim.
const ANSWER_BYTES_MAX: usize = i32::MAX as usize;

/// How much is read at once before it is known to arrive.
const READ_STEP_BYTES: usize = 1 << 20;

/// Writes what callers queue, until they or the socket are gone.
pub(super) async fn write_calls(
    mut socket: OwnedWriteHalf,
    mut calls: mpsc::Receiver<Call>,
    sent: mpsc::Sender<Pending>,
    closed: CancellationToken,
) {
    let write = async {
        while let Some(Call { frame, follow_up }) = calls.recv().await {
            let written = match follow_up {
                FollowUp::Written(written) => Some(written),
                FollowUp::Answer(pending) => match sent.send(pending).await {
                    Ok(()) => None,
                    Err(_) => break,
                },
            };
            if write_frame(&mut socket, frame).await.is_err() {
                break;
            }
            if let Some(written) = written {
                // Whoever wanted to know may have gone.
                let _ = written.send(());
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = closed.cancelled() => {}
    }
    closed.cancel();
}

async fn write_frame(socket: &mut OwnedWriteHalf, frame: EncodedFrame) -> io::Result<()> {
    let mut rest = Segments::new(frame.into_segments());
    while rest.has_remaining() {
        socket.write_buf(&mut rest).await?;
    }
    Ok(())
}

/// Segments as one buffer, for vectored writes.
struct Segments {
    segments: VecDeque<Bytes>,
}

impl Segments {
    fn new(segments: Vec<Bytes>) -> Segments {
        Segments {
            segments: segments.into(),
        }
    }
}

impl Buf for Segments {
    fn remaining(&self) -> usize {
        self.segments.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.segments.front().map_or(&[], |segment| &segment[..])
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [io::IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, segment) in slices.iter_mut().zip(&self.segments) {
            *slice = io::IoSlice::new(segment);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.segments.front_mut() {
            if front.len() > count {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.segments.pop_front();
        }
    }
}

/// Reads answers and gives them to those who wait, until the socket or the client is gone.
pub(super) async fn read_answers(
    mut socket: OwnedReadHalf,
    mut pending: mpsc::Receiver<Pending>,
    closed: CancellationToken,
) {
    let read = async {
        let mut buffer = BytesMut::new();
        while let Ok(frame) = read_frame(&mut socket, &mut buffer).await {
            let Some(next) = pending.recv().await else {
                break;
            };
            match decode_response(next.key, next.version, frame) {
                // Out of step: no later answer can be trusted either.
                Ok((header, _)) if header.correlation_id != next.correlation_id => break,
                Ok((_, response)) => drop(next.reply.send(Ok(response))),
                Err(error) => drop(next.reply.send(Err(error))),
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = closed.cancelled() => {}
    }
    closed.cancel();
}

/// Reads one frame without its size. What a size claims is not allocated before it arrives.
async fn read_frame(socket: &mut OwnedReadHalf, buffer: &mut BytesMut) -> io::Result<Bytes> {
    const SIZE_BYTES: usize = 4;
    while buffer.len() < SIZE_BYTES {
        read_some(socket, buffer, READ_STEP_BYTES.min(16 << 10)).await?;
    }
    let size = usize::try_from(buffer.get_i32())
        .ok()
        .filter(|size| *size <= ANSWER_BYTES_MAX)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a frame of negative size"))?;
    while buffer.len() < size {
        read_some(socket, buffer, (size - buffer.len()).min(READ_STEP_BYTES)).await?;
    }
    Ok(buffer.split_to(size).freeze())
}

async fn read_some(
    socket: &mut OwnedReadHalf,
    buffer: &mut BytesMut,
    expected: usize,
) -> io::Result<()> {
    buffer.reserve(expected);
    if socket.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
