//! The figures of many live keys, for `docs/benchmarks.md`.
//!
//! `FLEUVE_KEYS=10000000 cargo test --release -p fleuve-engine state_figures -- --ignored --nocapture`
//! prints them; `FLEUVE_STORE=fjall` and `FLEUVE_MEMORY_MAX=256m` say of which store,
//! `FLEUVE_BATCHES=100` how many batches change keys.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleuve_engine::file_system::LocalFileSystem;
use fleuve_engine::state::{
    OperatorSpec, OperatorState, SnapshotPolicy, StateColumn, StateVersion, StoreKind, StoreSpec,
};
use tempfile::TempDir;

use crate::crash::Chance;

/// What the process holds in memory, or 0 where nobody says.
pub(crate) fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

fn status_bytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The processor time of the process so far, in hundredths of a second, or 0 where nobody says.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn store_kind() -> StoreKind {
    std::env::var("FLEUVE_STORE").map_or(StoreKind::Memory, |kind| kind.parse().unwrap())
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
        store: store_kind(),
        stores: vec![StoreSpec {
            name: "default".to_owned(),
            key: vec![column("k", "Int64")],
            value: vec![column("n", "count(Int64)")],
        }],
    }
}

fn open(folder: &Path, version: u64) -> OperatorState {
    let memory_max = std::env::var("FLEUVE_MEMORY_MAX").ok();
    let policy = SnapshotPolicy {
        memory_max: memory_max.map(|limit| limit.parse().unwrap()),
        ..SnapshotPolicy::default()
    };
    let files = Arc::new(LocalFileSystem::default());
    OperatorState::open(spec(), folder, files, policy, StateVersion::new(version)).unwrap()
}

/// Fills the state with `keys` keys, then changes 100,000 of them a batch.
#[test]
#[ignore = "prints figures"]
fn figures_of_many_live_keys() {
    const UPDATES: u64 = 100_000;
    let keys: u64 = std::env::var("FLEUVE_KEYS").map_or(1_000_000, |keys| keys.parse().unwrap());
    let changing = std::env::var("FLEUVE_BATCHES").map_or(100, |batches| batches.parse().unwrap());
    let (filling, batches) = (keys / UPDATES, keys / UPDATES + changing);
    let folder = TempDir::new().unwrap();
    let chance = Chance::new(1);
    let state = open(folder.path(), 0);
    let mut pauses = Vec::new();
    let mut updates = Vec::new();
    let mut processor = 0;
    for batch in 0..batches {
        if batch == filling {
            processor = processor_time();
        }
        let began = Instant::now();
        for update in 0..UPDATES {
            let id = match batch < filling {
                true => batch * UPDATES + update,
                false => chance.below(keys),
            };
            let (key, value) = (id.to_be_bytes(), batch.to_be_bytes());
            let mut stores = state.partition(state.partition_of(&key));
            stores[0].put(None, &key, &value).unwrap();
        }
        updates.push(began.elapsed());
        let version = StateVersion::new(batch + 1);
        let began = Instant::now();
        state.flush(version).unwrap();
        state.commit(version).unwrap();
        pauses.push(began.elapsed());
        state
            .clean(StateVersion::new((batch + 1).saturating_sub(20)))
            .unwrap();
    }
    let processor = processor_time() - processor;
    println!(
        "{} batches of {UPDATES} updates: {processor} hundredths of a second of processor time",
        batches - filling
    );
    println!(
        "{} keys: {} bytes counted, {} resident, {} at most; {UPDATES} updates: {}; their commit: {}",
        state.rows(),
        state.memory_bytes(),
        resident_bytes(),
        status_bytes("VmHWM:"),
        spread(&mut updates[filling as usize..]),
        spread(&mut pauses[filling as usize..])
    );
    drop(state);
    let (began, processor) = (Instant::now(), processor_time());
    let state = open(folder.path(), batches);
    println!(
        "restart with {} keys: {:?}, {} hundredths of a second of processor time",
        state.rows(),
        began.elapsed(),
        processor_time() - processor
    );
}

fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!(
        "median {:?}, p99 {:?}, most {:?}",
        percentile(50),
        percentile(99),
        percentile(100)
    )
}
