//! The thread on which sockets are read and written.
//!
//! All TCP connections of a process share it, whatever runtime their callers have. A large answer
//! comes in many portions: on a runtime of several threads each of them may wake another thread,
//! and what they do is hardly more than waiting for each other's turn at a processor. The thread
//! is started by the first connection and idles when there is nothing to do.

use std::future::pending;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle};

static STARTED: Mutex<Option<Handle>> = Mutex::new(None);

/// Where the tasks of connections run.
pub(crate) fn io_thread() -> io::Result<Handle> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*started {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let name = "kafka-client-io".to_owned();
    thread::Builder::new()
        .name(name)
        .spawn(move || runtime.block_on(pending::<()>()))?;
    *started = Some(handle.clone());
    Ok(handle)
}
