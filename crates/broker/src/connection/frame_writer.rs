//! Answers as they go onto a stream: pieces in memory written together, records from their files.
//!
//! Whatever does not fit into the socket's own buffer stays where it was: a client that does not
//! read its records makes nobody hold them. Start at [`write_answers`].

use std::collections::VecDeque;
use std::future::Future;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Buf, Bytes};
use fleuve_protocol::{EncodedFrame, Piece};
use fleuve_storage::LogSlice;

use super::Reply;
use super::stream::{SendError, Stream};
use crate::memory_budget::MemoryBudget;

/// How many slices one call sends.
const SLICES_PER_CALL: usize = 64;
/// Records up to here are read and sent together with what stands around them, in fewer calls.
const GATHERED_BYTES_MAX: u64 = 32 * 1024;

/// A part of an answer and where it is.
enum Part {
    Memory(Bytes),
    File(LogSlice),
}

/// An answer is not sent, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("its client has not read its answers for {} s", .0.as_secs())]
    Unread(Duration),
}

/// Sends `answers` in their order, each frame with its bodies where its pieces are elsewhere. Fails
/// if nothing can be sent for as long as `stall_max`.
pub(super) async fn write_answers(
    stream: &mut impl Stream,
    answers: Vec<Reply>,
    budget: &MemoryBudget,
    stall_max: Option<Duration>,
) -> Result<(), WriteError> {
    let bodies = answers.iter().flat_map(|answer| &answer.bodies);
    let bodies_bytes: u64 = bodies.map(|body| body.length_bytes).sum();
    // However many clients do not read, this is not waited for.
    let share = match bodies_bytes {
        1..=GATHERED_BYTES_MAX => budget.try_take(bodies_bytes),
        _ => None,
    };
    let mut parts = VecDeque::new();
    for answer in answers {
        add_parts(&mut parts, answer, share.is_some())?;
    }
    while let Some(first) = parts.front_mut() {
        match first {
            Part::File(slice) => {
                let sent = within(stall_max, stream.send_file(slice)).await?;
                slice.position += sent;
                slice.length_bytes -= sent;
                if slice.length_bytes == 0 {
                    parts.pop_front();
                }
            }
            Part::Memory(bytes) if bytes.is_empty() => _ = parts.pop_front(),
            Part::Memory(_) => {
                let (slices, is_all) = leading_slices(&parts);
                let sent = within(stall_max, stream.send_slices(&slices, !is_all)).await?;
                skip_sent(&mut parts, sent);
            }
        }
    }
    Ok(())
}

fn add_parts(
    parts: &mut VecDeque<Part>,
    answer: Reply,
    is_gathered: bool,
) -> Result<(), SendError> {
    let mut bodies = answer.bodies.into_iter();
    let pieces = answer.frame.map(EncodedFrame::into_pieces);
    for piece in pieces.into_iter().flatten() {
        parts.push_back(match piece {
            Piece::Bytes(bytes) => Part::Memory(bytes),
            Piece::Elsewhere(length) => {
                let body = bodies.next().expect("a body for every piece elsewhere");
                assert_eq!(body.length_bytes, length as u64, "the body of this piece");
                match is_gathered {
                    true => Part::Memory(body.read().map_err(SendError::Records)?),
                    false => Part::File(body),
                }
            }
        });
    }
    Ok(())
}

/// What is in memory up to the next file, and whether that is all there is.
fn leading_slices(parts: &VecDeque<Part>) -> (Vec<IoSlice<'_>>, bool) {
    let in_memory = parts.iter().map_while(|part| match part {
        Part::Memory(bytes) => Some(IoSlice::new(bytes)),
        Part::File(_) => None,
    });
    let slices: Vec<IoSlice<'_>> = in_memory.take(SLICES_PER_CALL).collect();
    let is_all = slices.len() == parts.len();
    (slices, is_all)
}

fn skip_sent(parts: &mut VecDeque<Part>, mut sent: u64) {
    while let Some(Part::Memory(bytes)) = parts.front_mut() {
        if bytes.len() as u64 > sent {
            bytes.advance(sent as usize);
            return;
        }
        sent -= bytes.len() as u64;
        parts.pop_front();
    }
}

async fn within(
    stall_max: Option<Duration>,
    sending: impl Future<Output = Result<u64, SendError>>,
) -> Result<u64, WriteError> {
    let sent = match stall_max {
        None => sending.await?,
        Some(stall_max) => tokio::time::timeout(stall_max, sending)
            .await
            .map_err(|_| WriteError::Unread(stall_max))??,
    };
    Ok(sent)
}

impl WriteError {
    /// Clients that go away, or do not come back for their answers, are no news.
    pub(super) fn is_quiet(&self) -> bool {
        !matches!(self, WriteError::Send(SendError::Records(_)))
    }
}
