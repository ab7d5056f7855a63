//! Counts what a thread has allocated, so that a target can bound it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count for each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is ending has no counters any more, and nobody asks it.
    let _ = LIVE_BYTES.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK_BYTES.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: everything is the system allocator's; the counters are plain cells.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: likewise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: likewise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What this thread has allocated and not given back; less than nothing if it has given back what
/// others allocated.
pub fn live() -> isize {
    LIVE_BYTES.get()
}

thread_local! {
    static BEGUN_AT: Cell<isize> = const { Cell::new(0) };
}

/// From here [`peak_since_begin`] counts.
pub fn begin() {
    BEGUN_AT.set(LIVE_BYTES.get());
    PEAK_BYTES.set(LIVE_BYTES.get());
}

/// The most that this thread had allocated at any moment since [`begin`], beyond what was there.
pub fn peak_since_begin() -> usize {
    (PEAK_BYTES.get() - BEGUN_AT.get()).max(0) as usize
}

/// The most that `work` had allocated at any moment, beyond what was there before.
pub fn peak(work: impl FnOnce()) -> usize {
    begin();
    work();
    peak_since_begin()
}
