//! When a fetch over several partitions has waited enough.

use fleuve_model::Deadline;

/// One fetch request that waits for `fetch.min.bytes` over all its partitions, or for
/// `fetch.max.wait.ms`. Each partition tells it of new bytes ([`super::Effect::Readable`]).
#[derive(Clone, Copy, Debug)]
pub struct LongPoll {
    missing_bytes: u64,
    deadline: Deadline,
    interrupted: bool,
}

impl LongPoll {
    /// A fetch that found `readable_bytes` of the `min_bytes` it wants.
    pub fn new(min_bytes: u64, readable_bytes: u64, deadline: Deadline) -> LongPoll {
        let missing_bytes = min_bytes.saturating_sub(readable_bytes);
        LongPoll {
            missing_bytes,
            deadline,
            interrupted: false,
        }
    }

    /// A partition has `bytes` more to read.
    pub fn readable(&mut self, bytes: u64) {
        self.missing_bytes = self.missing_bytes.saturating_sub(bytes);
    }

    /// A partition changed its leader, failed or was deleted: the caller should know now.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Whether to answer now.
    pub fn is_complete(&self, now: Deadline) -> bool {
        self.interrupted || self.missing_bytes == 0 || self.deadline <= now
    }

    /// When it answers with what there is.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }
}
