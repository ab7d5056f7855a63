//! When batches run.

use std::time::Duration;

use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::ir::StreamTrigger;

use crate::error::StreamError;

/// When batches run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A batch begins when the last has ended.
    AsFastAsPossible,
    /// A batch begins at every multiple of the interval.
    ProcessingTime(Duration),
    /// One batch of everything.
    Once,
    /// Batches until what was there at the start is done.
    AvailableNow,
}

impl Trigger {
    /// Takes a client's trigger, refusing the modes that are not here.
    pub fn from_ir(trigger: &StreamTrigger) -> Result<Self, StreamError> {
        match trigger {
            StreamTrigger::AsSoonAsPossible => Ok(Self::AsFastAsPossible),
            StreamTrigger::ProcessingTime(interval) => match parse_interval(interval)? {
                Duration::ZERO => Ok(Self::AsFastAsPossible),
                interval => Ok(Self::ProcessingTime(interval)),
            },
            StreamTrigger::Once => Ok(Self::Once),
            StreamTrigger::AvailableNow => Ok(Self::AvailableNow),
            StreamTrigger::Continuous(_) => Err(SparkError::unsupported_streaming_operation(
                "Continuous processing does not support StreamingRelation operations.;",
            )
            .into()),
            StreamTrigger::RealTime(_) => Err(SparkError::streaming(
                Exception::UnsupportedOperation,
                "STREAMING_REAL_TIME_MODE.INPUT_STREAM_NOT_SUPPORTED",
                "0A000",
                "Streaming real-time mode has the following limitation: no input stream is \
                 supported in Real-time Mode here.",
                &[("className", "any")],
            )
            .into()),
        }
    }
}

/// Reads `10 seconds`, `interval 1 minute 30 seconds`, `500 milliseconds` and the like.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, StreamError> {
    let invalid = || {
        StreamError::Spark(SparkError::streaming(
            Exception::IllegalArgument,
            "INVALID_INTERVAL_FORMAT.UNKNOWN",
            "22006",
            format!("Error parsing '{text}' to interval."),
            &[("input", text)],
        ))
    };
    let lower = text.trim().to_ascii_lowercase();
    let words: Vec<&str> = lower
        .strip_prefix("interval ")
        .unwrap_or(&lower)
        .split_whitespace()
        .collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err(invalid());
    }
    let mut nanos: f64 = 0.0;
    for pair in words.chunks(2) {
        let amount: f64 = pair[0].parse().map_err(|_| invalid())?;
        let unit = match pair[1].trim_end_matches('s') {
            "week" => 604_800e9,
            "day" => 86_400e9,
            "hour" => 3_600e9,
            "minute" | "min" => 60e9,
            "second" | "sec" => 1e9,
            "millisecond" | "milli" | "m" => 1e6,
            "microsecond" | "micro" => 1e3,
            _ => return Err(invalid()),
        };
        nanos += amount * unit;
    }
    if nanos < 0.0 {
        return Err(invalid());
    }
    Ok(Duration::from_nanos(nanos as u64))
}
