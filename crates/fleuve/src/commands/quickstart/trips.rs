//! The trips that the quickstart plays: New York's real ones first, drawn ones after them.
//!
//! Trip `i` is a function of `i` alone: below [`Trips::real`] it is a row of the Commission's data,
//! in the order of the pick-up times; above, a row drawn from them by a seeded generator, picked
//! up half a second after the trip before it. Trip `i` goes to partition `i % 8`, so the end of
//! every partition tells which trips are in the topic, and production resumes after any crash
//! without a trip twice or missing. Start at [`Trips::json`] and [`plan`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::city_time::{format_time, parse_time};

/// The real rows, one JSON object a line; see `data/README.md` for their source.
const ROWS: &str = include_str!("../../../data/green_trips_zones.jsonl");

/// How many partitions the topic has.
pub(super) const PARTITIONS: usize = 8;

/// City time between two drawn trips.
pub(super) const STEP_MILLISECONDS: i64 = 500;

/// When the first drawn trip is picked up: 2020-07-01T00:00:00, a month after the last real one.
const DRAWN_FROM: i64 = 1_593_561_600_000;

const PICKUP: &str = "lpep_pickup_datetime";
const DROPOFF: &str = "lpep_dropoff_datetime";
const VENDOR: &str = "vendorid";

/// The rows to play and to draw from.
pub(super) struct Trips {
    rows: Vec<Row>,
}

/// A real row, and where its values are that change or are looked at.
struct Row {
    line: &'static str,
    pickup: Range<usize>,
    dropoff: Range<usize>,
    vendor: Range<usize>,
    pickup_time: i64,
    /// Milliseconds between pick-up and drop-off.
    ride: i64,
}

impl Trips {
    /// Reads the rows that are part of the program.
    pub(super) fn new() -> Trips {
        let mut rows: Vec<Row> = ROWS.lines().map(Row::read).collect();
        rows.sort_by_key(|row| row.pickup_time);
        Trips { rows }
    }

    /// How many of the trips are real: those numbered below this.
    pub(super) fn real(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Trip number `index` as the line of JSON that goes into the topic.
    pub(super) fn json(&self, index: u64) -> String {
        let row = self.row_of(index);
        match index.checked_sub(self.real()) {
            None => row.line.to_owned(),
            Some(drawn) => row.at(DRAWN_FROM + drawn as i64 * STEP_MILLISECONDS),
        }
    }

    /// The key of trip number `index`: who reported it, as in the course's notebooks.
    pub(super) fn key(&self, index: u64) -> &'static str {
        let row = self.row_of(index);
        &row.line[row.vendor.clone()]
    }

    fn row_of(&self, index: u64) -> &Row {
        let real = self.rows.get(index as usize);
        real.unwrap_or_else(|| &self.rows[(splitmix64(index) % self.rows.len() as u64) as usize])
    }
}

impl Row {
    fn read(line: &'static str) -> Row {
        let value =
            |field| value_of(line, field).expect("every row has the field: a test sees to it");
        let time = |at: &Range<usize>| {
            parse_time(&line[at.clone()]).expect("every row's times are times: a test sees to it")
        };
        let (pickup, dropoff) = (value(PICKUP), value(DROPOFF));
        let pickup_time = time(&pickup);
        Row {
            line,
            ride: (time(&dropoff) - pickup_time).max(0),
            pickup,
            dropoff,
            vendor: value(VENDOR),
            pickup_time,
        }
    }

    /// The same ride at another time.
    fn at(&self, pickup: i64) -> String {
        let mut line = self.line.to_owned();
        // A time is as long as any other, so that neither moves the other's place.
        line.replace_range(self.pickup.clone(), &format_time(pickup));
        line.replace_range(self.dropoff.clone(), &format_time(pickup + self.ride));
        line
    }
}

/// Where in `line` the text of a field's value stands.
fn value_of(line: &str, field: &str) -> Option<Range<usize>> {
    let before = format!("\"{field}\": \"");
    let start = line.find(&before)? + before.len();
    let length = line[start..].find('"')?;
    Some(start..start + length)
}

/// Which trips come next, given how many each partition has: `(partition, index)` in the order in
/// which they are to be produced, the oldest missing trip first.
pub(super) fn plan(ends: [u64; PARTITIONS]) -> impl Iterator<Item = (usize, u64)> {
    let next = |(partition, end): (usize, &u64)| {
        Reverse((end * PARTITIONS as u64 + partition as u64, partition))
    };
    let mut missing: BinaryHeap<_> = ends.iter().enumerate().map(next).collect();
    std::iter::from_fn(move || {
        let Reverse((index, partition)) = missing.pop()?;
        missing.push(Reverse((index + PARTITIONS as u64, partition)));
        Some((partition, index))
    })
}

/// The generator's step (Steele, Lea and Flood, 2014): one number drawn for one index.
fn splitmix64(index: u64) -> u64 {
    const SEED: u64 = 20_161_701;
    let mut z = SEED.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME_LENGTH: usize = "2016-07-01T00:01:22.000".len();

    fn fields(line: &str) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn every_row_has_what_the_queries_use() {
        let trips = Trips::new();
        assert_eq!(trips.real(), 377);
        for row in &trips.rows {
            let fields = fields(row.line);
            for field in [PICKUP, DROPOFF, "pulocationid", "fare_amount", VENDOR] {
                assert!(fields[field].is_string(), "{field} in {}", row.line);
            }
            assert_eq!(row.line[row.pickup.clone()].len(), TIME_LENGTH);
            assert_eq!(row.line[row.dropoff.clone()].len(), TIME_LENGTH);
        }
    }

    #[test]
    fn a_drawn_trip_is_a_real_one_at_another_time() {
        let trips = Trips::new();
        for index in 377..800 {
            let (mut drawn, mut real) =
                (fields(&trips.json(index)), fields(trips.row_of(index).line));
            assert_eq!(drawn[VENDOR], trips.key(index));
            let ride = |trip: &serde_json::Map<_, serde_json::Value>| {
                let time = |field| parse_time(trip[field].as_str().unwrap()).unwrap();
                (time(DROPOFF) - time(PICKUP)).max(0)
            };
            assert_eq!(ride(&drawn), ride(&real));
            for trip in [&mut drawn, &mut real] {
                trip.remove(PICKUP);
                trip.remove(DROPOFF);
            }
            assert_eq!(drawn, real);
        }
    }

    #[test]
    fn pickup_times_never_go_back() {
        let trips = Trips::new();
        let pickup =
            |index| parse_time(fields(&trips.json(index))[PICKUP].as_str().unwrap()).unwrap();
        let times: Vec<_> = (0..2000).map(pickup).collect();
        assert!(times.is_sorted());
        assert_eq!(times[377], DRAWN_FROM);
    }

    #[test]
    fn the_plan_fills_gaps_first_and_repeats_nothing() {
        // Partition 0 is three trips ahead; partition 7 has one.
        let planned: Vec<_> = plan([4, 1, 1, 1, 1, 1, 1, 1]).take(22).collect();
        assert_eq!(planned[0], (1, 9));
        let mut indices: Vec<_> = planned.iter().map(|(_, index)| *index).collect();
        indices.extend([0, 8, 16, 24]);
        indices.extend(1..8);
        indices.sort();
        assert_eq!(indices, (0..33).collect::<Vec<_>>());
        assert!(
            planned
                .iter()
                .all(|(partition, index)| *partition as u64 == index % 8)
        );
    }

    #[test]
    fn a_trip_is_the_same_whenever_it_is_drawn() {
        assert_eq!(Trips::new().json(12_345), Trips::new().json(12_345));
        assert_ne!(Trips::new().json(12_345), Trips::new().json(12_346));
    }
}
