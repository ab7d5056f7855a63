//! How much room state takes, and that it gives it back.
//!
//! `FLEUVE_TEST_SCALE=100 cargo test -p fleuve-engine state_size -- --nocapture` is the long run;
//! `FLEUVE_KEYS=10000000 cargo test --release -p fleuve-engine state_size -- --ignored --nocapture`
//! prints the figures of many live keys.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleuve_engine::file_system::LocalFileSystem;
use fleuve_engine::state::{
    OperatorSpec, OperatorState, SnapshotPolicy, StateColumn, StateStore, StateVersion, StoreSpec,
};
use fleuve_sql::ir::StreamTrigger;
use tempfile::TempDir;

use crate::crash_state::plan_over;
use crate::support::{World, settings, write};

fn scale() -> u64 {
    std::env::var("FLEUVE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap())
}

/// What the process holds in memory, or 0 where nobody says.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Each batch is a second later than the one before; every two seconds a window of ten closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_closed_take_no_room() {
    let batches = 60 * scale();
    let world = World::new(settings());
    let text = "SELECT w, k, count(*) AS n, sum(value) AS s FROM \
        (SELECT window(timestamp, '10 seconds', '2 seconds') AS w, value % 200 AS k, value \
        FROM timed) GROUP BY w, k";
    let plan = plan_over(400, text).await;
    let mut request = write("noop", &[]);
    request.output_mode = "append".to_owned();
    request.trigger = StreamTrigger::AsSoonAsPossible;
    let query = world.start(&plan, &request).await.unwrap();
    let mut events = world.manager.subscribe();
    let mut seen = Vec::new();
    while let Some(last) = next_progress(&query, &mut events).await {
        let state = &last.state_operators[0];
        seen.push((
            state.num_rows_total,
            state.memory_used_bytes,
            resident_bytes(),
        ));
        if last.batch_id >= batches {
            break;
        }
    }
    query.stop().await;
    let (warm, late) = seen.split_at(seen.len() / 2);
    let most = |of: &[(u64, u64, u64)]| {
        let rows = of.iter().map(|figures| figures.0).max();
        let bytes = of.iter().map(|figures| figures.1).max();
        (rows.unwrap(), bytes.unwrap(), of.last().unwrap().2)
    };
    println!(
        "rows, counted and resident bytes: {:?}, then {:?}",
        most(warm),
        most(late)
    );
    assert!(most(late).0 <= most(warm).0, "rows stay: {seen:?}");
    assert!(
        most(late).1 <= most(warm).1 * 11 / 10,
        "memory stays: {seen:?}"
    );
}

async fn next_progress(
    query: &fleuve_engine::query::StreamingQuery,
    events: &mut tokio::sync::broadcast::Receiver<fleuve_engine::query::StreamEvent>,
) -> Option<fleuve_engine::progress::StreamingQueryProgress> {
    loop {
        match events.recv().await {
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(_) => return None,
        }
        if let Some(last) = query.last_progress() {
            return Some(last);
        }
    }
}

fn spec() -> OperatorSpec {
    let column = |name: &str, kind: &str| StateColumn {
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    OperatorSpec {
        operator: 0,
        name: "stateStoreSave".to_owned(),
        partitions: 4,
        stores: vec![StoreSpec {
            name: "default".to_owned(),
            key: vec![column("k", "Int64")],
            value: vec![column("n", "count(Int64)")],
        }],
    }
}

fn open(folder: &Path, version: u64) -> OperatorState {
    let policy = SnapshotPolicy::default();
    let files = Arc::new(LocalFileSystem::default());
    OperatorState::open(spec(), folder, files, policy, StateVersion::new(version)).unwrap()
}

/// Fills the state with `keys` keys, then changes 100,000 of them a batch.
#[test]
#[ignore = "prints figures"]
fn figures_of_many_live_keys() {
    const UPDATES: u64 = 100_000;
    let keys = std::env::var("FLEUVE_KEYS").map_or(1_000_000, |keys| keys.parse().unwrap());
    let (filling, batches) = (keys / UPDATES, keys / UPDATES + 100);
    let folder = TempDir::new().unwrap();
    let chance = crate::crash::Chance::new(1);
    let state = open(folder.path(), 0);
    let mut pauses = Vec::new();
    for batch in 0..batches {
        for update in 0..UPDATES {
            let id = match batch < filling {
                true => batch * UPDATES + update,
                false => chance.below(keys),
            };
            let (key, value) = (id.to_be_bytes(), batch.to_be_bytes());
            state.partition(state.partition_of(&key))[0].put(None, &key, &value);
        }
        let version = StateVersion::new(batch + 1);
        let began = Instant::now();
        state.flush(version).unwrap();
        state.snapshot(version).unwrap();
        pauses.push(began.elapsed());
        state
            .clean(StateVersion::new((batch + 1).saturating_sub(20)))
            .unwrap();
    }
    pauses.sort();
    let percentile = |percent: usize| -> Duration { pauses[(pauses.len() - 1) * percent / 100] };
    println!(
        "{} keys: {} bytes counted, {} resident; commit of {UPDATES} updates: median {:?}, p99 {:?}",
        state.rows(),
        state.memory_bytes(),
        resident_bytes(),
        percentile(50),
        percentile(99)
    );
    drop(state);
    let began = Instant::now();
    let state = open(folder.path(), batches);
    println!("restart with {} keys: {:?}", state.rows(), began.elapsed());
}
