//! What was written where.

use std::collections::BTreeMap;

use fleuve_client::RecordMetadata;
use serde_json::{Value, json};

use crate::commands::terminal::{Block, Report, thousands};

/// Counts acknowledged records by partition.
#[derive(Default)]
pub(super) struct Written {
    partitions: BTreeMap<i32, Span>,
}

/// What one partition got.
#[derive(Clone, Copy)]
struct Span {
    records: u64,
    /// The first and last offset, if the broker told them.
    offsets: Option<(i64, i64)>,
}

impl Written {
    pub(super) fn note(&mut self, metadata: &RecordMetadata) {
        let span = self
            .partitions
            .entry(metadata.partition.partition.value())
            .or_insert(Span {
                records: 0,
                offsets: None,
            });
        span.records += 1;
        if let Some(offset) = metadata.offset.map(|offset| offset.value()) {
            let (first, last) = span.offsets.unwrap_or((offset, offset));
            span.offsets = Some((first.min(offset), last.max(offset)));
        }
    }

    fn records(&self) -> u64 {
        self.partitions.values().map(|span| span.records).sum()
    }

    /// For when it ended early.
    pub(super) fn so_far(&self) -> String {
        match self.records() {
            0 => "nothing was written".to_owned(),
            count => format!("go on behind what is written: {}", counted(count)),
        }
    }

    pub(super) fn report(&self, topic: &str) -> Report {
        let line = match self.records() {
            0 => "No records: the input was empty.".to_owned(),
            count => format!("Wrote {} to {topic}{}.", counted(count), self.places()),
        };
        let partition = |(partition, span): (&i32, &Span)| {
            json!({
                "partition": partition,
                "records": span.records,
                "first_offset": span.offsets.map(|(first, _)| first),
                "last_offset": span.offsets.map(|(_, last)| last),
            })
        };
        let value = json!({
            "topic": topic,
            "records": self.records(),
            "partitions": self.partitions.iter().map(partition).collect::<Value>(),
        });
        let blocks = vec![Block::Line(line)];
        Report { value, blocks }
    }

    /// Where a single record went, and how many partitions several did.
    fn places(&self) -> String {
        let mut partitions = self.partitions.iter();
        match (partitions.next(), partitions.next()) {
            (Some((partition, span)), None) => match span.offsets {
                Some((first, last)) if first == last => {
                    format!(", partition {partition}, offset {first}")
                }
                Some((first, last)) => {
                    format!(", partition {partition}, offsets {first} to {last}")
                }
                None => format!(", partition {partition}"),
            },
            _ => format!(", {} partitions", self.partitions.len()),
        }
    }
}

fn counted(records: u64) -> String {
    match records {
        1 => "1 record".to_owned(),
        records => format!("{} records", thousands(records)),
    }
}
