//! The requests of a connection that are under way, in order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ConnectionEnd;

/// A request being handled.
pub(super) type Work<T> = Pin<Box<dyn Future<Output = Result<T, ConnectionEnd>> + Send>>;

/// The requests under way, oldest first. All of them make progress; the oldest is answered first.
pub(super) struct Replies<T> {
    under_way: VecDeque<UnderWay<T>>,
}

enum UnderWay<T> {
    Working(Work<T>),
    Done(Result<T, ConnectionEnd>),
}

impl<T> Replies<T> {
    pub(super) fn new() -> Replies<T> {
        Replies {
            under_way: VecDeque::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Begins `reply`: it runs up to its first wait before a later one does.
    pub(super) fn push(&mut self, mut reply: Work<T>) {
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        let under_way = match reply.as_mut().poll(&mut nobody) {
            Poll::Ready(done) => UnderWay::Done(done),
            Poll::Pending => UnderWay::Working(reply),
        };
        self.under_way.push_back(under_way);
    }

    /// The oldest reply, once it is there.
    pub(super) async fn next(&mut self) -> Result<T, ConnectionEnd> {
        std::future::poll_fn(|task| self.poll_next(task)).await
    }

    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Result<T, ConnectionEnd>> {
        for reply in &mut self.under_way {
            if let UnderWay::Working(future) = reply
                && let Poll::Ready(done) = future.as_mut().poll(task)
            {
                *reply = UnderWay::Done(done);
            }
        }
        match self.under_way.pop_front() {
            Some(UnderWay::Done(done)) => Poll::Ready(done),
            Some(working) => {
                self.under_way.push_front(working);
                Poll::Pending
            }
            None => Poll::Pending,
        }
    }
}
