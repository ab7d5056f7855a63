//! Streaming queries: starting, watching and stopping them.
//!
//! Always true: a query runs as one task that owns its sources, plan, state and sink; everybody
//! else holds a handle. A checkpoint is run by one query at a time.
//! Start at [`StreamingQueryManager::start`].

mod events;
mod handle;
mod manager;
mod program;
mod report;
mod run;
mod start;
mod table;
mod trigger;

pub use events::{StreamEvent, StreamEventKind};
pub use handle::StreamingQuery;
pub use manager::{EngineSettings, SessionKey, StreamingQueryManager};
pub(crate) use start::local_path;
pub use trigger::Trigger;
pub(crate) use trigger::parse_interval;
