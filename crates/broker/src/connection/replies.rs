//! The requests of a connection that are under way, in order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ConnectionEnd;

/// A request being handled.
pub(super) type Work<T> = Pin<Box<dyn Future<Output = Result<T, ConnectionEnd>> + Send>>;

/// The requests under way, oldest first. All that have begun make progress; the oldest is
/// answered first.
pub(super) struct Replies<T> {
    under_way: VecDeque<UnderWay<T>>,
}

struct UnderWay<T> {
    state: State<T>,
    runs_beside: RunsBeside,
}

enum State<T> {
    /// It begins when it is the oldest.
    Queued(Work<T>),
    Working(Work<T>),
    Done(Result<T, ConnectionEnd>),
}

/// Which other requests of its connection a request may be handled beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunsBeside {
    /// Any: what its answer takes in memory is bounded by what it takes itself.
    All,
    /// Those that may run beside all.
    Some,
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

    /// Begins `reply`, so that it runs up to its first wait before a later one does; or, beside a
    /// request that it may not run beside, lets it wait until that is answered.
    pub(super) fn push(&mut self, reply: Work<T>, runs_beside: RunsBeside) {
        let is_alone = |other: &UnderWay<T>| other.runs_beside == RunsBeside::Some;
        let waits = runs_beside == RunsBeside::Some && self.under_way.iter().any(is_alone);
        let state = if waits {
            State::Queued(reply)
        } else {
            begun(reply)
        };
        self.under_way.push_back(UnderWay { state, runs_beside });
    }

    /// Whether the newest has not begun yet: nothing may begin before it does.
    pub(super) fn has_queued(&self) -> bool {
        let newest = self.under_way.back();
        newest.is_some_and(|newest| matches!(newest.state, State::Queued(_)))
    }

    /// Begins the oldest, if it has not begun.
    pub(super) fn begin_oldest(&mut self) {
        if let Some(oldest) = self.under_way.pop_front() {
            let state = match oldest.state {
                State::Queued(work) => begun(work),
                state => state,
            };
            self.under_way.push_front(UnderWay { state, ..oldest });
        }
    }

    /// The oldest reply, once it is there.
    pub(super) async fn next(&mut self) -> Result<T, ConnectionEnd> {
        std::future::poll_fn(|task| self.poll_next(task)).await
    }

    /// The oldest reply, if it is there already.
    pub(super) fn take_done(&mut self) -> Option<T> {
        let is_done = |oldest: &UnderWay<T>| matches!(oldest.state, State::Done(Ok(_)));
        let done = self.under_way.pop_front_if(|oldest| is_done(oldest))?;
        match done.state {
            State::Done(Ok(reply)) => Some(reply),
            State::Done(Err(_)) | State::Working(_) | State::Queued(_) => None,
        }
    }

    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Result<T, ConnectionEnd>> {
        for reply in &mut self.under_way {
            if let State::Working(future) = &mut reply.state
                && let Poll::Ready(done) = future.as_mut().poll(task)
            {
                reply.state = State::Done(done);
            }
        }
        match self.under_way.pop_front() {
            Some(UnderWay {
                state: State::Done(done),
                ..
            }) => Poll::Ready(done),
            Some(oldest) => {
                self.under_way.push_front(oldest);
                Poll::Pending
            }
            None => Poll::Pending,
        }
    }
}

fn begun<T>(mut reply: Work<T>) -> State<T> {
    let mut nobody = Context::from_waker(std::task::Waker::noop());
    match reply.as_mut().poll(&mut nobody) {
        Poll::Ready(done) => State::Done(done),
        Poll::Pending => State::Working(reply),
    }
}
