//! From a batch's figures to its progress report.

use indexmap::IndexMap;
use uuid::Uuid;

use crate::micro_batch::{BatchReport, SourceReport};
use crate::progress::{SinkProgress, SourceProgress, StreamingQueryProgress, format_timestamp_ms};

/// Who the report is of.
#[derive(Debug, Clone)]
pub(super) struct ReportHead {
    pub(super) id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) name: Option<String>,
    pub(super) sink: String,
    pub(super) has_watermark: bool,
}

/// Makes the report of a batch; `previous_trigger_ms` is when the trigger before began.
pub(super) fn progress(
    head: &ReportHead,
    batch: BatchReport,
    previous_trigger_ms: Option<i64>,
) -> StreamingQueryProgress {
    let took_ms = batch.durations.get("triggerExecution").as_millis() as u64;
    let since_previous_s = previous_trigger_ms.map_or(f64::INFINITY, |previous| {
        (batch.timestamp_ms - previous) as f64 / 1_000.0
    });
    let took_s = batch.durations.get("triggerExecution").as_secs_f64();
    let mut event_time = IndexMap::new();
    if head.has_watermark {
        if batch.event_times.count > 0 {
            let times = &batch.event_times;
            event_time.insert("avg".to_owned(), format_timestamp_ms(times.average_ms()));
            event_time.insert("max".to_owned(), format_timestamp_ms(times.max_ms));
            event_time.insert("min".to_owned(), format_timestamp_ms(times.min_ms));
        }
        event_time.insert(
            "watermark".to_owned(),
            format_timestamp_ms(batch.watermark_ms),
        );
    }
    let source = |source: SourceReport| source_progress(source, since_previous_s, took_s);
    StreamingQueryProgress {
        id: head.id,
        run_id: head.run_id,
        name: head.name.clone(),
        timestamp: format_timestamp_ms(batch.timestamp_ms),
        batch_id: batch.batch.get(),
        batch_duration: took_ms,
        duration_ms: batch.durations.millis(),
        event_time,
        state_operators: batch.state,
        sources: batch.sources.into_iter().map(source).collect(),
        sink: SinkProgress {
            description: head.sink.clone(),
            num_output_rows: batch.output_rows.map_or(-1, |rows| rows as i64),
            metrics: IndexMap::new(),
        },
        observed_metrics: IndexMap::new(),
    }
}

fn source_progress(source: SourceReport, since_previous_s: f64, took_s: f64) -> SourceProgress {
    let rate = |seconds: f64| {
        let rate = source.rows as f64 / seconds;
        rate.is_finite().then_some(rate)
    };
    let json = |offset: &Option<crate::source::SourceOffset>| {
        offset.as_ref().map(|offset| offset.json().to_owned())
    };
    SourceProgress {
        start_offset: json(&source.start),
        end_offset: json(&source.end),
        latest_offset: json(&source.latest),
        num_input_rows: source.rows,
        input_rows_per_second: rate(since_previous_s),
        processed_rows_per_second: rate(took_s),
        metrics: source.metrics,
        description: source.description,
    }
}
