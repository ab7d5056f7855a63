//! `offsets/N`: what batch N reads, and with which watermark, time and confs.

use serde::{Deserialize, Serialize};

use super::PinnedConfs;
use super::batch_log::LogEntry;
use crate::source::SourceOffset;

/// Spark's mark of a source that has no offset yet.
const NO_OFFSET: &str = "-";

/// The plan of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetEntry {
    pub batch_watermark_ms: i64,
    /// What `current_timestamp()` is in this batch, however often it runs.
    pub batch_timestamp_ms: i64,
    pub confs: PinnedConfs,
    /// The end of each source's range, in source order; `None` while a source has had no data.
    pub sources: Vec<Option<SourceOffset>>,
}

#[derive(Serialize, Deserialize)]
struct OffsetMetadata {
    #[serde(rename = "batchWatermarkMs", default)]
    batch_watermark_ms: i64,
    #[serde(rename = "batchTimestampMs", default)]
    batch_timestamp_ms: i64,
    #[serde(rename = "conf", default)]
    confs: PinnedConfs,
}

impl LogEntry for OffsetEntry {
    const VERSION: u32 = 1;

    fn encode(&self) -> String {
        let metadata = OffsetMetadata {
            batch_watermark_ms: self.batch_watermark_ms,
            batch_timestamp_ms: self.batch_timestamp_ms,
            confs: self.confs.clone(),
        };
        let mut text =
            serde_json::to_string(&metadata).expect("numbers and strings always serialize");
        for source in &self.sources {
            text.push('\n');
            text.push_str(source.as_ref().map_or(NO_OFFSET, SourceOffset::json));
        }
        text
    }

    fn decode(body: &str) -> Result<Self, String> {
        let mut lines = body.lines();
        let first = lines
            .next()
            .filter(|line| !line.is_empty())
            .ok_or("Incomplete log file")?;
        let metadata: OffsetMetadata =
            serde_json::from_str(first).map_err(|error| error.to_string())?;
        let sources = lines
            .map(|line| match line {
                NO_OFFSET => Ok(None),
                json => SourceOffset::parse(json).map(Some),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            batch_watermark_ms: metadata.batch_watermark_ms,
            batch_timestamp_ms: metadata.batch_timestamp_ms,
            confs: metadata.confs,
            sources,
        })
    }
}
