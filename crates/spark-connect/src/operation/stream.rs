//! The stream that carries an operation's responses to one client connection.
//!
//! Always true: a reattachable stream ends before its limits, and its client comes back for the rest; when the stream
//! of an operation that cannot be reattached is dropped, the operation ends with it.
#![allow(clippy::result_large_err, reason = "calls end in tonic's `Status`")]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use prost::Message;
use tokio::time::Instant;
use tonic::Status;

use super::{Operation, ReadError};
use crate::failure::Failure;
use crate::messages::ExecutePlanResponse;

type Responses = Pin<Box<dyn Stream<Item = Result<ExecutePlanResponse, Status>> + Send>>;

/// The responses that one connection carries.
pub(crate) struct ResponseStream {
    responses: Responses,
    /// Done when the stream ends or is dropped.
    at_end: Option<Box<dyn FnOnce() + Send>>,
}

impl ResponseStream {
    /// The stream, and what to do when it is over.
    pub(crate) fn at_end(mut self, action: impl FnOnce() + Send + 'static) -> Self {
        self.at_end = Some(Box::new(action));
        self
    }
}

impl Stream for ResponseStream {
    type Item = Result<ExecutePlanResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.responses.as_mut().poll_next(context)
    }
}

impl Drop for ResponseStream {
    fn drop(&mut self) {
        if let Some(action) = self.at_end.take() {
            action();
        }
    }
}

/// When a reattachable stream ends by itself. Zero is never.
#[derive(Clone, Copy)]
pub(crate) struct StreamLimits {
    pub(crate) duration_max: Duration,
    pub(crate) bytes_max: usize,
}

struct Reader {
    operation: Arc<Operation>,
    reader: u64,
    next: u64,
    deadline: Option<Instant>,
    bytes_left: Option<usize>,
    report: Box<dyn Fn(&Failure) -> Status + Send>,
    done: bool,
}

/// The responses of `operation` from number `first` on; `report` makes a status of a failure.
pub(crate) fn response_stream(
    operation: Arc<Operation>,
    first: u64,
    limits: StreamLimits,
    report: impl Fn(&Failure) -> Status + Send + 'static,
) -> ResponseStream {
    let reader = operation.responses.attach();
    operation.attached();
    let limited = operation.reattachable;
    let reader = Reader {
        reader,
        next: first,
        deadline: (limited && !limits.duration_max.is_zero())
            .then(|| Instant::now() + limits.duration_max),
        bytes_left: (limited && limits.bytes_max > 0).then_some(limits.bytes_max),
        report: Box::new(report),
        done: false,
        operation,
    };
    let responses = futures::stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        Some((item, reader))
    });
    ResponseStream {
        responses: Box::pin(responses),
        at_end: None,
    }
}

impl Reader {
    async fn next(&mut self) -> Option<Result<ExecutePlanResponse, Status>> {
        if self.done || self.bytes_left == Some(0) {
            return None;
        }
        let read = self.operation.responses.read(self.reader, self.next);
        let outcome = match self.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, read).await.ok()?,
            None => read.await,
        };
        match outcome {
            Ok(response) => {
                self.next += 1;
                self.bytes_left = self
                    .bytes_left
                    .map(|left| left.saturating_sub(response.encoded_len()));
                Some(Ok(response))
            }
            Err(ReadError::Ended(Ok(()))) => None,
            Err(error) => {
                self.done = true;
                Some(Err((self.report)(&self.failure(error))))
            }
        }
    }

    fn failure(&self, error: ReadError) -> Failure {
        match error {
            ReadError::Ended(Err(failure)) => failure,
            ReadError::Ended(Ok(())) | ReadError::Replaced => {
                Failure::of("INVALID_CURSOR.DISCONNECTED", &[])
            }
            ReadError::NotAvailable { number } => Failure::of(
                "INVALID_CURSOR.POSITION_NOT_AVAILABLE",
                &[("responseId", ""), ("index", &number.to_string())],
            ),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.operation.responses.is_reader(self.reader) {
            return;
        }
        match self.operation.reattachable {
            true => self.operation.detached(),
            false => self.operation.abandon(Failure::canceled()),
        }
    }
}
