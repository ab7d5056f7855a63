//! The responses of an operation, between the task that makes them and the stream that sends them.
//!
//! Always true: the maker waits while more than [`AHEAD_BYTES_MAX`] are unsent, so a slow or vanished client costs
//! bounded memory; only the newest reader reads.

use std::collections::VecDeque;
use std::sync::Mutex;

use prost::Message;
use tokio::sync::Notify;

use super::lock;
use crate::failure::Failure;
use crate::messages::ExecutePlanResponse;

/// How far the maker may be ahead of the reader.
const AHEAD_BYTES_MAX: usize = 32 << 20;

pub(crate) struct ResponseBuffer {
    inner: Mutex<Inner>,
    /// Something was added, or the end was reached, or the reader changed.
    readable: Notify,
    /// Something was sent or released.
    writable: Notify,
    retry_bytes_max: usize,
}

#[derive(Default)]
struct Inner {
    kept: VecDeque<Kept>,
    /// The number of `kept[0]`; responses count from 1.
    first: u64,
    /// The highest number that a reader has taken.
    sent: u64,
    sent_bytes: usize,
    unsent_bytes: usize,
    end: Option<Result<(), Failure>>,
    reader: u64,
}

struct Kept {
    response: ExecutePlanResponse,
    bytes: usize,
}

/// Why there is no next response.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The operation ended, well or badly.
    Ended(Result<(), Failure>),
    /// A newer reader took over.
    Replaced,
    /// The response was released or dropped from the retry buffer.
    NotAvailable { number: u64 },
}

impl ResponseBuffer {
    pub(crate) fn new(retry_bytes_max: usize) -> Self {
        let inner = Inner {
            first: 1,
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
            readable: Notify::new(),
            writable: Notify::new(),
            retry_bytes_max,
        }
    }

    /// Adds a response, once the reader has come close enough.
    pub(crate) async fn push(&self, response: ExecutePlanResponse) {
        loop {
            let room = self.writable.notified();
            {
                let inner = lock(&self.inner);
                if inner.end.is_some() {
                    return;
                }
                if inner.unsent_bytes < AHEAD_BYTES_MAX {
                    break;
                }
            }
            room.await;
        }
        let bytes = response.encoded_len();
        {
            let mut inner = lock(&self.inner);
            if inner.end.is_some() {
                return;
            }
            inner.unsent_bytes += bytes;
            inner.kept.push_back(Kept { response, bytes });
        }
        self.readable.notify_waiters();
    }

    /// Ends the responses. The first end counts.
    pub(crate) fn finish(&self, outcome: Result<(), Failure>) {
        {
            let mut inner = lock(&self.inner);
            if inner.end.is_none() {
                inner.end = Some(outcome);
            }
        }
        self.readable.notify_waiters();
        self.writable.notify_waiters();
    }

    /// A new reader, which disconnects the one before.
    pub(crate) fn attach(&self) -> u64 {
        let reader = {
            let mut inner = lock(&self.inner);
            inner.reader += 1;
            inner.reader
        };
        self.readable.notify_waiters();
        reader
    }

    pub(crate) fn is_reader(&self, reader: u64) -> bool {
        lock(&self.inner).reader == reader
    }

    /// The number of the response with this id, if it is still kept.
    pub(crate) fn number_of(&self, response_id: &str) -> Option<u64> {
        let inner = lock(&self.inner);
        let position = inner
            .kept
            .iter()
            .position(|kept| kept.response.response_id == response_id)?;
        Some(inner.first + position as u64)
    }

    /// Response `number`, when it exists.
    pub(crate) async fn read(
        &self,
        reader: u64,
        number: u64,
    ) -> Result<ExecutePlanResponse, ReadError> {
        loop {
            let changed = self.readable.notified();
            if let Some(outcome) = self.try_read(reader, number) {
                self.writable.notify_waiters();
                return outcome;
            }
            changed.await;
        }
    }

    fn try_read(&self, reader: u64, number: u64) -> Option<Result<ExecutePlanResponse, ReadError>> {
        let mut inner = lock(&self.inner);
        if inner.reader != reader {
            return Some(Err(ReadError::Replaced));
        }
        if number < inner.first {
            return Some(Err(ReadError::NotAvailable { number }));
        }
        let position = (number - inner.first) as usize;
        if position < inner.kept.len() {
            let response = inner.kept[position].response.clone();
            inner.note_sent(number, self.retry_bytes_max);
            return Some(Ok(response));
        }
        inner.end.clone().map(|end| Err(ReadError::Ended(end)))
    }

    /// Forgets the response with this id and all before it.
    pub(crate) fn release_until(&self, response_id: &str) {
        {
            let mut inner = lock(&self.inner);
            let position = inner
                .kept
                .iter()
                .position(|kept| kept.response.response_id == response_id);
            for _ in 0..position.map_or(0, |position| position + 1) {
                inner.forget_first();
            }
        }
        self.writable.notify_waiters();
    }
}

impl Inner {
    fn note_sent(&mut self, number: u64, retry_bytes_max: usize) {
        if number > self.sent {
            self.sent = number;
            let bytes = self.kept[(number - self.first) as usize].bytes;
            self.unsent_bytes -= bytes;
            self.sent_bytes += bytes;
        }
        while self.sent_bytes > retry_bytes_max && self.first < self.sent {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(kept) = self.kept.pop_front() else {
            return;
        };
        match self.first <= self.sent {
            true => self.sent_bytes -= kept.bytes,
            false => self.unsent_bytes -= kept.bytes,
        }
        self.first += 1;
    }
}
