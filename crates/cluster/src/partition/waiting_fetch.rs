//! Fetches that wait for more to read.

use std::collections::BTreeMap;

use super::Effect;
use crate::machine::Token;

/// Up to where a reader may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum ReadBound {
    /// A follower: everything.
    LogEnd = 0,
    /// A consumer with `isolation.level=read_uncommitted`.
    HighWatermark = 1,
    /// A consumer with `isolation.level=read_committed`.
    LastStableOffset = 2,
}

#[derive(Debug, Default)]
pub(super) struct WaitingFetches {
    by_token: BTreeMap<Token, WaitingFetch>,
}

#[derive(Debug)]
struct WaitingFetch {
    bound: ReadBound,
    /// What it was told of so far, counted as `Partition::readable_bytes` does.
    told_bytes: u64,
}

impl WaitingFetches {
    pub(super) fn insert(&mut self, token: Token, bound: ReadBound, readable_bytes: u64) {
        let former = self.by_token.insert(
            token,
            WaitingFetch {
                bound,
                told_bytes: readable_bytes,
            },
        );
        assert!(former.is_none(), "a token names one caller");
    }

    pub(super) fn remove(&mut self, token: Token) {
        self.by_token.remove(&token);
    }

    pub(super) fn advance(
        &mut self,
        readable_bytes: impl Fn(ReadBound) -> u64,
        effects: &mut Vec<Effect>,
    ) {
        for (token, fetch) in &mut self.by_token {
            let readable = readable_bytes(fetch.bound);
            if readable > fetch.told_bytes {
                let bytes = readable - fetch.told_bytes;
                fetch.told_bytes = readable;
                effects.push(Effect::Readable {
                    token: *token,
                    bytes,
                });
            }
        }
    }

    pub(super) fn interrupt_all(&mut self, effects: &mut Vec<Effect>) {
        for token in std::mem::take(&mut self.by_token).into_keys() {
            effects.push(Effect::FetchInterrupted { token });
        }
    }
}
