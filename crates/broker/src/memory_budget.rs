//! How many bytes requests and responses may hold together.
//!
//! A share is taken before bytes are read or an answer is made and given back when it is
//! dropped; whoever finds too little left waits in line. Start at [`MemoryBudget`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shares are counted in blocks, so that a semaphore's 32-bit steps reach far enough.
const BLOCK_BYTES: u64 = 1024;

/// A number of bytes that many connections draw from.
#[derive(Clone, Debug)]
pub(crate) struct MemoryBudget {
    blocks: Arc<Semaphore>,
    blocks_total: u32,
    holders: Arc<AtomicUsize>,
}

/// Bytes taken from a budget; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct MemoryShare {
    budget: MemoryBudget,
    permit: OwnedSemaphorePermit,
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.budget.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl MemoryBudget {
    /// A budget of `bytes`, at least one block.
    pub(crate) fn new(bytes: u64) -> MemoryBudget {
        let blocks_total = blocks_of(bytes).max(1);
        let blocks = Arc::new(Semaphore::new(blocks_total as usize));
        MemoryBudget {
            blocks,
            blocks_total,
            holders: Arc::default(),
        }
    }

    /// Takes `bytes`, waiting until so many are free; more than the whole budget is the whole.
    pub(crate) async fn take(&self, bytes: u64) -> MemoryShare {
        let permit = self.acquire(bytes).await;
        self.holders.fetch_add(1, Ordering::Relaxed);
        MemoryShare {
            budget: self.clone(),
            permit,
        }
    }

    /// Takes `bytes` if so many are free now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<MemoryShare> {
        let blocks = blocks_of(bytes).clamp(1, self.blocks_total);
        let permit = Arc::clone(&self.blocks)
            .try_acquire_many_owned(blocks)
            .ok()?;
        self.holders.fetch_add(1, Ordering::Relaxed);
        Some(MemoryShare {
            budget: self.clone(),
            permit,
        })
    }

    /// What one more holder may take without leaving those after it with nothing: however many
    /// hold on to theirs, something is left for the next.
    pub(crate) fn fair_part(&self) -> u64 {
        let holders = self.holders.load(Ordering::Relaxed) as u64;
        (self.free_bytes() / (holders + HOLDERS_EXPECTED)).max(FAIR_PART_MIN)
    }

    fn free_bytes(&self) -> u64 {
        self.blocks.available_permits() as u64 * BLOCK_BYTES
    }

    async fn acquire(&self, bytes: u64) -> OwnedSemaphorePermit {
        let blocks = blocks_of(bytes).clamp(1, self.blocks_total);
        let permit = Arc::clone(&self.blocks).acquire_many_owned(blocks).await;
        permit.expect("the semaphore is never closed")
    }
}

/// With nobody holding anything, one may take this part of the budget.
const HOLDERS_EXPECTED: u64 = 16;
/// However little is left, less than this is of no use to anybody.
pub(crate) const FAIR_PART_MIN: u64 = 64 * 1024;

impl MemoryShare {
    /// How many bytes it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.permit.num_permits() as u64 * BLOCK_BYTES
    }

    /// Makes it a share of `bytes`: gives back what is too much, waits for what is missing.
    pub(crate) async fn resize_to(&mut self, bytes: u64) {
        let wanted = blocks_of(bytes).clamp(1, self.budget.blocks_total) as usize;
        let held = self.permit.num_permits();
        if held >= wanted {
            drop(self.permit.split(held - wanted));
        } else {
            let missing = (wanted - held) as u64 * BLOCK_BYTES;
            self.permit.merge(self.budget.acquire(missing).await);
        }
    }
}

fn blocks_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(u32::MAX / 2)
}
