//! Frames: bytes that come in pieces, and what a connection allocates for them.

use std::pin::Pin;
use std::task::{Context, Poll};

use fleuve_broker::read_frames;
use tokio::io::{AsyncRead, ReadBuf};

use crate::allocated;

/// `socket.request.max.bytes`: a claim of 16 MiB is believed, and costs nothing.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// `queued.max.request.bytes`.
const REQUEST_BYTES: u64 = 64 << 20;
/// How often the bytes of an input come, at most.
const STEPS_MAX: usize = 512;
/// What a connection may hold before anything has come: what it reads at a time, and itself.
const CONNECTION_BYTES: usize = 20 << 10;

/// Reads `data` as a connection does. Its first byte says how many bytes come at a time.
pub fn frames(data: &[u8]) {
    let [step, data @ ..] = data else { return };
    let step = match step {
        0..=0x7f => usize::from(*step) + 1,
        large => usize::from(large - 0x7f) * 512,
    };
    // A long input is not looked at byte by byte.
    let step = step.max(data.len() / STEPS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without sockets is made");
    runtime.block_on(async {
        let mut arriving = Arriving {
            data,
            arrived: 0,
            step,
            before: allocated::live(),
        };
        let mut taken_bytes = 0;
        let mut frames = 0;
        let outcome = read_frames(&mut arriving, FRAME_BYTES_MAX, REQUEST_BYTES, |frame| {
            taken_bytes += frame.len();
            frames += 1;
        });
        if outcome.await.is_ok() {
            assert!(taken_bytes + 4 * frames <= data.len());
            assert_eq!((frames, taken_bytes), count(data));
        }
    });
}

/// How many whole frames there are, and how many bytes in them.
fn count(mut data: &[u8]) -> (usize, usize) {
    let (mut frames, mut bytes) = (0, 0);
    while let Some((size, rest)) = data.split_first_chunk::<4>() {
        let size = u32::from_be_bytes(*size) as usize;
        let Some(next) = rest.get(size..) else { break };
        (frames, bytes, data) = (frames + 1, bytes + size, next);
    }
    (frames, bytes)
}

/// A stream that looks, before it gives more, at what was allocated for what it gave.
struct Arriving<'a> {
    data: &'a [u8],
    arrived: usize,
    step: usize,
    before: isize,
}

impl AsyncRead for Arriving<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let allocated = (allocated::live() - self.before).max(0) as usize;
        let allowed = 4 * self.arrived + CONNECTION_BYTES;
        assert!(
            allocated <= allowed,
            "{} bytes have come, and {allocated} are allocated",
            self.arrived
        );
        let rest = &self.data[self.arrived..];
        let given = rest.len().min(self.step).min(buffer.remaining());
        buffer.put_slice(&rest[..given]);
        self.arrived += given;
        Poll::Ready(Ok(()))
    }
}

/// Frames of several sizes, whole, cut off and claimed.
pub fn frames_seeds() -> Vec<Vec<u8>> {
    let frame = |size: usize| {
        let mut frame = (size as u32).to_be_bytes().to_vec();
        frame.extend((0..size).map(|place| place as u8));
        frame
    };
    let mut seeds = Vec::new();
    for step in [0, 3, 0x7f, 0x80, 0x90, 0xff] {
        let of = |parts: &[Vec<u8>]| [&[step][..], &parts.concat()].concat();
        seeds.push(of(&[frame(0), frame(1), frame(100)]));
        seeds.push(of(&[frame(9_000), frame(40_000)]));
        seeds.push(of(&[
            frame(30),
            (1_u32 << 23).to_be_bytes().to_vec(),
            frame(60_000),
        ]));
        seeds.push(of(&[vec![0x7f, 0xff, 0xff, 0xff], frame(20)]));
        seeds.push(of(&[b"GET / HTTP/1.1\r\n\r\n".to_vec()]));
    }
    seeds
}
