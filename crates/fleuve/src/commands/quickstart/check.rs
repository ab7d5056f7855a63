//! Whether the tables hold what the topic holds: every trip exactly once.
//!
//! The offsets of a partition are 0, 1, 2 and so on, and the parquet rows say which they came from. So
//! a partition is right if it has as many rows as the partition ever had records, all with offsets of
//! their own, from the first to the last. The parquet folder is read as everybody reads it: by the
//! files that its log lists.

use anyhow::Context;

use super::place::Place;
use super::queries::{BOROUGHS, Queries};
use super::trips::PARTITIONS;

/// What was found.
pub(super) struct Verdict {
    /// Trips ever produced into the topic.
    pub(super) produced: u64,
    pub(super) parquet_rows: u64,
    /// The sum of the windows' counts.
    pub(super) window_rows: u64,
    /// What is wrong; nothing if all is right.
    pub(super) faults: Vec<String>,
}

/// The parquet rows of one partition.
#[derive(Clone, Copy, Default)]
struct PartitionRows {
    rows: u64,
    distinct: u64,
    first: u64,
    last: u64,
}

/// Compares the tables with where the topic's partitions end.
pub(super) async fn check(
    queries: &Queries,
    place: &Place,
    ends: [u64; PARTITIONS],
) -> anyhow::Result<Verdict> {
    let parquet = format!("parquet.`{}`", place.parquet().display());
    let partitions = parquet_partitions(queries, &parquet).await?;
    let (window_rows, window_fares) = totals(queries, "sum(trips), sum(fare)", BOROUGHS).await?;
    let fares = "count(*), sum(try_cast(fare_amount AS DECIMAL(10, 2)))";
    let (parquet_rows, parquet_fares) = totals(queries, fares, &parquet).await?;
    let produced = ends.iter().sum();
    let mut faults: Vec<String> = (0..PARTITIONS)
        .filter_map(|number| fault(number, ends[number], partitions[number]))
        .collect();
    if window_rows != produced {
        faults.push(format!(
            "the windows count {window_rows} trips, and {produced} were produced"
        ));
    }
    if window_fares != parquet_fares {
        faults.push(format!(
            "the windows' fares add up to {window_fares}, the parquet rows' to {parquet_fares}"
        ));
    }
    Ok(Verdict {
        produced,
        parquet_rows,
        window_rows,
        faults,
    })
}

fn fault(number: usize, end: u64, found: PartitionRows) -> Option<String> {
    let PartitionRows {
        rows,
        distinct,
        first,
        last,
    } = found;
    let is_right = rows == end && distinct == end && (end == 0 || (first == 0 && last == end - 1));
    (!is_right).then(|| {
        format!(
            "partition {number} has {end} trips, and parquet has {rows} rows of it with {distinct} \
             offsets from {first} to {last}"
        )
    })
}

async fn parquet_partitions(
    queries: &Queries,
    parquet: &str,
) -> anyhow::Result<[PartitionRows; PARTITIONS]> {
    let text = format!(
        "SELECT kafka_partition, count(*), count(DISTINCT kafka_offset), min(kafka_offset), \
         max(kafka_offset) FROM {parquet} GROUP BY kafka_partition"
    );
    let mut partitions = [PartitionRows::default(); PARTITIONS];
    for row in queries.rows(&text).await? {
        let cells: Vec<u64> = (0..row.len())
            .map(|column| number(&row, column))
            .collect::<anyhow::Result<_>>()?;
        let [partition, rows, distinct, first, last] = cells[..] else {
            anyhow::bail!("{row:?} is not of five numbers");
        };
        let place = partitions.get_mut(partition as usize);
        *place.with_context(|| format!("parquet has rows of partition {partition}"))? =
            PartitionRows {
                rows,
                distinct,
                first,
                last,
            };
    }
    Ok(partitions)
}

/// A number of rows and a sum of money over a whole table.
async fn totals(queries: &Queries, what: &str, table: &str) -> anyhow::Result<(u64, String)> {
    let rows = queries.rows(&format!("SELECT {what} FROM {table}")).await?;
    let row = rows.first().context("a total is one row")?;
    let fares = row.get(1).cloned().flatten().unwrap_or_default();
    Ok((number(row, 0)?, fares))
}

fn number(row: &[Option<String>], column: usize) -> anyhow::Result<u64> {
    let text = row.get(column).cloned().flatten().unwrap_or_default();
    text.parse()
        .with_context(|| format!("column {column} of {row:?} is not a number of rows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: u64, distinct: u64, first: u64, last: u64) -> PartitionRows {
        PartitionRows {
            rows,
            distinct,
            first,
            last,
        }
    }

    #[test]
    fn a_partition_is_right_only_with_every_offset_exactly_once() {
        assert_eq!(fault(0, 3, found(3, 3, 0, 2)), None);
        assert_eq!(fault(0, 0, found(0, 0, 0, 0)), None);
        for wrong in [
            found(2, 2, 0, 1),
            found(2, 2, 0, 2),
            found(4, 3, 0, 2),
            found(3, 2, 0, 2),
            found(3, 3, 1, 3),
            found(0, 0, 0, 0),
        ] {
            assert!(fault(0, 3, wrong).is_some());
        }
    }
}
