//! However an input is split into batches, the end is the same as of one batch.
//!
//! Inputs and splits come from seeds; `FLEUVE_TEST_SCALE` multiplies how many are tried, and
//! `FLEUVE_TEST_SEED` tries one alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_engine::query::EngineSettings;
use fleuve_engine::state::StoreKind;
use fleuve_sql::Statement;
use fleuve_sql::ir::{ReadSource, Relation, RelationNode, StreamTrigger};
use tempfile::TempDir;

use crate::crash::Chance;
use crate::support::{World, options, settings, sorted_rows, write};

/// Every aggregate whose partial states are kept, over the columns of [`input`].
const AGGREGATES: &str = "count(*), count(v), sum(v), avg(v), min(v), max(v), min(s), max(s), \
    sum(d), avg(d), min(d), max(d), stddev(d), stddev_pop(d), variance(d), var_pop(d), \
    corr(v, d), covar_pop(v, d), covar_samp(v, d), skewness(d), kurtosis(d), \
    first(s), last(s), first(s, true), last(s, true), any_value(s), collect_list(s), \
    approx_count_distinct(v), bool_and(v > 0), bool_or(v > 40), \
    bit_and(v), bit_or(v), bit_xor(v), count_if(v > 10), max_by(s, time), min_by(s, time), \
    sum(v) FILTER (WHERE d > 2)";

/// Rows in the order in which they come: `time`, `k`, `v`, `d`, `s`.
fn input(chance: &Chance, rows: u64) -> Vec<String> {
    let null_or = |cell: String| match chance.one_in(6) {
        true => "null".to_owned(),
        false => cell,
    };
    (0..rows)
        .map(|row| {
            let second = chance.below(50);
            format!(
                "{{\"time\": \"2024-01-01 00:00:{second:02}.{row:06}\", \"k\": {}, \"v\": {}, \
                 \"d\": {}, \"s\": {}}}\n",
                null_or(format!("\"key {}\"", chance.below(4))),
                null_or((chance.below(60) as i64 - 5).to_string()),
                null_or(format!("{}.5", chance.below(9))),
                null_or(format!("\"row {row}\"")),
            )
        })
        .collect()
}

/// Cuts `rows` into batches, some of them of one row.
fn split(chance: &Chance, rows: &[String]) -> Vec<String> {
    let mut batches = vec![String::new()];
    for row in rows {
        if chance.one_in(4) {
            batches.push(String::new());
        }
        batches.last_mut().unwrap().push_str(row);
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// A row later than every window, which closes them all.
const LAST: &str = "{\"time\": \"2024-01-02 00:00:00\", \"k\": \"last\"}\n";

/// A way to group, and what shows the end of it.
struct Shape {
    name: &'static str,
    mode: &'static str,
    keys: &'static str,
}

const SHAPES: [Shape; 6] = [
    Shape {
        name: "by key, complete",
        mode: "complete",
        keys: "k",
    },
    Shape {
        name: "by key, update",
        mode: "update",
        keys: "k",
    },
    Shape {
        name: "one group, complete",
        mode: "complete",
        keys: "",
    },
    Shape {
        name: "tumbling windows, append",
        mode: "append",
        keys: "window(time, '10 seconds'), k",
    },
    Shape {
        name: "sliding windows, append",
        mode: "append",
        keys: "window(time, '20 seconds', '5 seconds', '2 seconds'), k",
    },
    Shape {
        name: "tumbling windows, update",
        mode: "update",
        keys: "window(time, '10 seconds'), k",
    },
];

/// What `batches`, one file each, come to: the last value of every group.
async fn outcome(
    shape: &Shape,
    batches: &[String],
    state_partitions: u32,
    state_store: StoreKind,
) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    for (index, batch) in batches.iter().chain([&LAST.to_owned()]).enumerate() {
        std::fs::write(folder.path().join(format!("{index:04}.json")), batch).unwrap();
    }
    let world = World::new(EngineSettings {
        state_partitions,
        state_store,
        ..settings()
    });
    define_view(&world, &folder).await;
    let group_by = match shape.keys {
        "" => String::new(),
        keys => format!("GROUP BY {keys}"),
    };
    let text = match shape.keys {
        "" => format!("SELECT {AGGREGATES} FROM rows"),
        keys => format!("SELECT {keys}, {AGGREGATES} FROM rows {group_by}"),
    };
    let parsed = world.session.parse_sql(&text, &BTreeMap::new(), &[]);
    let Statement::Query(relation) = parsed.unwrap() else {
        panic!("{text} is a query");
    };
    let mut request = write("memory", &[]);
    request.input = relation;
    request.query_name = Some("outcome".to_owned());
    request.output_mode = shape.mode.to_owned();
    request.trigger = StreamTrigger::AvailableNow;
    let query = world
        .manager
        .start("session", &world.session, &request)
        .await
        .unwrap();
    query.await_termination(None).await.unwrap();
    let keys = shape.keys.matches(", k").count() + usize::from(!shape.keys.is_empty());
    last_values(&world, keys).await
}

async fn define_view(world: &World, folder: &TempDir) {
    let read = Relation::new(RelationNode::Read {
        source: ReadSource::DataSource {
            format: Some("json".to_owned()),
            schema: Some("time TIMESTAMP, k STRING, v INT, d DOUBLE, s STRING".to_owned()),
            options: options(&[("maxFilesPerTrigger", "1")]),
            paths: vec![folder.path().to_str().unwrap().to_owned()],
            predicates: Vec::new(),
        },
        is_streaming: true,
    });
    // No row is late before the last one.
    let timed = Relation::new(RelationNode::WithWatermark {
        input: read,
        event_time: "time".to_owned(),
        delay: "1 minute".to_owned(),
    });
    let plan = world.session.analyze(&timed).await.unwrap();
    world
        .session
        .with_catalog(|catalog| catalog.put_view("rows", Arc::new(plan), true))
        .unwrap();
}

/// The last row that came out for each value of the first `keys` columns.
async fn last_values(world: &World, keys: usize) -> Vec<String> {
    let mut last = BTreeMap::new();
    for batch in world.table("outcome").await {
        for row in 0..batch.num_rows() {
            let text = rounded(&sorted_rows(&[batch.slice(row, 1)]).concat());
            let key: Vec<&str> = text.split(" | ").take(keys).collect();
            last.insert(key.join(" | "), text.clone());
        }
    }
    last.into_values().collect()
}

/// Numbers without the last digits, which depend on the order in which they were added up.
fn rounded(row: &str) -> String {
    let cells = row.split(" | ").map(|cell| match cell.parse::<f64>() {
        Ok(number) if cell.contains('.') => format!("{number:.6}").replace("-0.000000", "0.000000"),
        _ => cell.to_owned(),
    });
    cells.collect::<Vec<_>>().join(" | ")
}

fn seeds() -> Vec<u64> {
    if let Ok(seed) = std::env::var("FLEUVE_TEST_SEED") {
        return vec![seed.parse().unwrap()];
    }
    let scale = std::env::var("FLEUVE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap());
    (1..=2 * scale).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_split_into_batches_ends_as_one_batch_does() {
    for seed in seeds() {
        let chance = Chance::new(seed);
        let rows = input(&chance, 60);
        for shape in &SHAPES {
            let whole = outcome(shape, &[rows.concat()], 3, StoreKind::Memory).await;
            let batches = split(&chance, &rows);
            let store = match chance.one_in(3) {
                true => StoreKind::Fjall,
                false => StoreKind::Memory,
            };
            let parts = outcome(shape, &batches, 1 + chance.below(5) as u32, store).await;
            assert!(
                whole.len() > usize::from(!shape.keys.is_empty()),
                "{whole:?}"
            );
            assert_eq!(
                parts,
                whole,
                "{}, {} batches, state in {store}; again with FLEUVE_TEST_SEED={seed}",
                shape.name,
                batches.len()
            );
        }
    }
}
