//! What there is to show at a moment.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fleuve_engine::query::StreamingQuery;
use serde_json::Value;

use super::production::Written;
use super::queries::{BOROUGHS, Queries, TRIPS};
use super::topic;

/// How many rows of the window table are shown.
const TOP_ROWS: usize = 8;
/// The stretch of time over which the rate of trips is taken.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// Everything that the screen shows.
pub(super) struct Figures {
    pub(super) elapsed: Duration,
    pub(super) written: u64,
    pub(super) per_second: f64,
    pub(super) queries: Vec<QueryFigures>,
    pub(super) top: Vec<TopRow>,
    /// How long after the start the first row was there to be shown.
    pub(super) first_row: Option<Duration>,
}

/// The last batch of a query.
pub(super) struct QueryFigures {
    pub(super) name: &'static str,
    pub(super) batch: Option<BatchFigures>,
}

pub(super) struct BatchFigures {
    pub(super) number: u64,
    pub(super) rows: u64,
    pub(super) milliseconds: u64,
    /// Trips in the topic that the batch had not read.
    pub(super) lag: u64,
    pub(super) watermark: Option<String>,
}

/// A row of the window table.
pub(super) struct TopRow {
    pub(super) hour: String,
    pub(super) borough: String,
    pub(super) trips: String,
    pub(super) fare: String,
}

/// Takes figures again and again.
pub(super) struct Gauge {
    began: Instant,
    written: Written,
    /// Moments and how many trips there were, over [`RATE_WINDOW`].
    samples: VecDeque<(Instant, u64)>,
    first_row: Option<Duration>,
}

impl Gauge {
    /// `began` is when the program was started.
    pub(super) fn new(began: Instant, written: Written) -> Gauge {
        Gauge {
            began,
            samples: VecDeque::from([(Instant::now(), written.get())]),
            written,
            first_row: None,
        }
    }

    /// How many trips the topic holds.
    pub(super) fn written(&self) -> u64 {
        self.written.get()
    }

    pub(super) async fn read(&mut self, queries: &Queries) -> anyhow::Result<Figures> {
        let written = self.written.get();
        let per_second = self.rate(written);
        let top = top_rows(queries).await?;
        if self.first_row.is_none() && !top.is_empty() {
            self.first_row = Some(self.began.elapsed());
        }
        Ok(Figures {
            elapsed: self.began.elapsed(),
            written,
            per_second,
            queries: vec![
                query_figures(TRIPS, &queries.trips, written),
                query_figures(BOROUGHS, &queries.boroughs, written),
            ],
            top,
            first_row: self.first_row,
        })
    }

    fn rate(&mut self, written: u64) -> f64 {
        let now = Instant::now();
        self.samples.push_back((now, written));
        while self.samples.len() > 2 && now - self.samples[1].0 > RATE_WINDOW {
            self.samples.pop_front();
        }
        let (from, before) = self.samples[0];
        (written - before) as f64 / (now - from).as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

fn query_figures(name: &'static str, query: &StreamingQuery, written: u64) -> QueryFigures {
    // A batch without rows only moves the watermark on.
    let progress = query.recent_progress();
    let with_rows = progress.iter().rev().find(|it| it.num_input_rows() > 0);
    let batch = with_rows.map(|batch| {
        let read = batch
            .sources
            .first()
            .and_then(|it| it.end_offset.as_deref());
        BatchFigures {
            number: batch.batch_id,
            rows: batch.num_input_rows(),
            milliseconds: batch.batch_duration,
            lag: written.saturating_sub(read.map_or(0, sum_of_offsets)),
            watermark: progress
                .last()
                .and_then(|last| last.event_time.get("watermark").cloned()),
        }
    });
    QueryFigures { name, batch }
}

/// How many records lie before `{"tripdata":{"0":12,…}}`.
fn sum_of_offsets(json: &str) -> u64 {
    let offsets: Value = serde_json::from_str(json).unwrap_or_default();
    let partitions = offsets[topic::NAME].as_object();
    partitions
        .into_iter()
        .flat_map(|partitions| partitions.values())
        .filter_map(Value::as_u64)
        .sum()
}

async fn top_rows(queries: &Queries) -> anyhow::Result<Vec<TopRow>> {
    let text = format!(
        "SELECT hour.start, borough, trips, fare FROM {BOROUGHS} \
         ORDER BY hour.start DESC, trips DESC, borough LIMIT {TOP_ROWS}"
    );
    let rows = queries.rows(&text).await?;
    Ok(rows.into_iter().map(top_row).collect())
}

fn top_row(row: Vec<Option<String>>) -> TopRow {
    let mut cells = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || cells.next().unwrap_or_default();
    TopRow {
        hour: next(),
        borough: next(),
        trips: next(),
        fare: next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_add_up_over_the_partitions() {
        assert_eq!(sum_of_offsets(r#"{"tripdata":{"0":3,"1":4}}"#), 7);
        assert_eq!(sum_of_offsets("{}"), 0);
    }
}
