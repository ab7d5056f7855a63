//! State files: versions, damage, snapshots, and what an operator refuses.

use std::path::Path;

use fleuve_engine::state::{
    OperatorSpec, OperatorState, SnapshotPolicy, StateError, StateStore, StateVersion, StoreSpec,
};
use tempfile::TempDir;

use crate::checkpoint::quick_files;

const INLINE: SnapshotPolicy = SnapshotPolicy {
    deltas: 3,
    in_background: false,
};

fn spec() -> OperatorSpec {
    OperatorSpec {
        operator: 0,
        name: "stateStoreSave".to_owned(),
        partitions: 2,
        stores: vec![StoreSpec {
            name: "default".to_owned(),
            key: "word Utf8".to_owned(),
            value: "count(Int64)".to_owned(),
        }],
    }
}

fn open(folder: &Path, version: u64) -> Result<OperatorState, StateError> {
    OperatorState::open(
        spec(),
        folder,
        quick_files(),
        INLINE,
        StateVersion::new(version),
    )
}

fn put(state: &OperatorState, time: Option<i64>, key: &str, value: &str) {
    let mut stores = state.partition(state.partition_of(key.as_bytes()));
    stores[0].put(time, key.as_bytes(), value.as_bytes());
}

fn contents(state: &OperatorState) -> Vec<(Option<i64>, String, String)> {
    let mut rows = Vec::new();
    for partition in 0..state.partition_count() {
        state.partition(partition)[0].for_each(&mut |time, key, value| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            rows.push((time, text(key), text(value)));
        });
    }
    rows.sort();
    rows
}

/// Runs `batches` batches, each of which changes a few rows and drops an old event time.
fn run(folder: &Path, batches: u64) -> Vec<Vec<(Option<i64>, String, String)>> {
    let state = open(folder, 0).unwrap();
    let mut versions = vec![contents(&state)];
    for batch in 0..batches {
        for key in 0..5 {
            put(
                &state,
                Some(batch as i64),
                &format!("timed {key}"),
                &format!("{batch}"),
            );
            put(
                &state,
                None,
                &format!("key {}", (batch + key) % 7),
                &format!("{batch}.{key}"),
            );
        }
        for partition in 0..state.partition_count() {
            let mut stores = state.partition(partition);
            for time in stores[0].times_until(batch as i64 - 3) {
                stores[0].drop_time(time);
            }
            stores[0].remove(None, format!("key {}", batch % 3).as_bytes());
        }
        state.flush(StateVersion::new(batch + 1)).unwrap();
        let oldest = StateVersion::new((batch + 1).saturating_sub(4));
        state
            .maintain(StateVersion::new(batch + 1), oldest)
            .unwrap();
        versions.push(contents(&state));
    }
    versions
}

#[test]
fn every_version_that_is_kept_reads_back_as_it_was() {
    let folder = TempDir::new().unwrap();
    let versions = run(folder.path(), 20);
    for version in 16..=20 {
        let state = open(folder.path(), version).unwrap();
        assert_eq!(
            contents(&state),
            versions[version as usize],
            "version {version}"
        );
    }
    let files = std::fs::read_dir(folder.path().join("0")).unwrap().count();
    assert!(files < 14, "old files go: {files}");
}

#[test]
fn a_batch_that_runs_again_writes_its_version_again() {
    let folder = TempDir::new().unwrap();
    let state = open(folder.path(), 0).unwrap();
    put(&state, None, "a", "half a batch");
    state.flush(StateVersion::new(1)).unwrap();
    let state = open(folder.path(), 0).unwrap();
    put(&state, None, "a", "whole");
    state.flush(StateVersion::new(1)).unwrap();
    let state = open(folder.path(), 1).unwrap();
    assert_eq!(
        contents(&state),
        [(None, "a".to_owned(), "whole".to_owned())]
    );
}

#[test]
fn a_missing_version_is_an_error_and_not_an_empty_state() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), 2);
    std::fs::remove_file(folder.path().join("0/2.delta")).unwrap();
    assert!(matches!(
        open(folder.path(), 2).unwrap_err(),
        StateError::Missing { .. }
    ));
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), 1);
    let path = folder.path().join("0/1.delta");
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = open(folder.path(), 1).unwrap_err();
        assert!(
            matches!(error, StateError::Damaged { .. }),
            "cut at {length}: {error}"
        );
    }
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &flipped).unwrap();
        let error = open(folder.path(), 1).unwrap_err();
        assert!(
            matches!(error, StateError::Damaged { .. }),
            "bit {bit}: {error}"
        );
    }
}

#[test]
fn changed_keys_are_refused_with_the_difference_named() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), 1);
    let mut changed = spec();
    changed.stores[0].key = "letter Utf8".to_owned();
    let version = StateVersion::new(1);
    let error =
        OperatorState::open(changed, folder.path(), quick_files(), INLINE, version).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("word Utf8") && text.contains("letter Utf8"),
        "{text}"
    );
}

#[test]
fn the_checkpoint_decides_the_number_of_partitions() {
    let folder = TempDir::new().unwrap();
    let versions = run(folder.path(), 3);
    let asked = OperatorSpec {
        partitions: 16,
        ..spec()
    };
    let version = StateVersion::new(3);
    let state = OperatorState::open(asked, folder.path(), quick_files(), INLINE, version).unwrap();
    assert_eq!(state.partition_count(), 2);
    assert_eq!(contents(&state), versions[3]);
}
