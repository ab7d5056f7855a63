//! `commits/N`: batch N is in the sink.

use serde::{Deserialize, Serialize};

use super::batch_log::LogEntry;

/// What is known once a batch is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CommitEntry {
    /// The watermark that the next batch starts with.
    #[serde(rename = "nextBatchWatermarkMs", default)]
    pub next_batch_watermark_ms: i64,
}

impl LogEntry for CommitEntry {
    const VERSION: u32 = 1;

    fn encode(&self) -> String {
        format!(
            "{{\"nextBatchWatermarkMs\":{}}}",
            self.next_batch_watermark_ms
        )
    }

    fn decode(body: &str) -> Result<Self, String> {
        serde_json::from_str(body.trim_end()).map_err(|error| error.to_string())
    }
}
