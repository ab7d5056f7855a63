//! Doing the same with many logs, several at a time where the disk gains by it.
//!
//! A disk that is asked for one sync after the other writes its journal for each; asked for many
//! at once it writes it once for all. How many [`crate::disk::Disk::parallel_calls`] says; on the
//! simulated disk it is one, so histories repeat.

use std::sync::Mutex;

/// Below this many items the threads would cost more than they save.
const ITEMS_WORTH_A_THREAD: usize = 3;

/// Calls `work` for every item, on at most `threads` threads. The order is that of the items
/// only if that is one.
pub(crate) fn for_each<T: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) + Sync) {
    let threads = threads.min(items.len() / ITEMS_WORTH_A_THREAD);
    if threads <= 1 {
        return items.into_iter().for_each(work);
    }
    let items = Mutex::new(items.into_iter());
    let take = || items.lock().expect("taking an item does not panic").next();
    let work = || {
        while let Some(item) = take() {
            work(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}
