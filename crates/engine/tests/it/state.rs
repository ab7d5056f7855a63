//! State files: versions, damage, snapshots, and what an operator refuses.

use std::path::Path;

use fleuve_engine::state::{
    MemoryLimit, OperatorSpec, OperatorState, SnapshotPolicy, StateColumn, StateError,
    StateVersion, StoreKind, StoreSpec,
};
use tempfile::TempDir;

use crate::checkpoint::quick_files;

const INLINE: SnapshotPolicy = SnapshotPolicy {
    deltas: 3,
    in_background: false,
    memory_max: None,
};

fn column(name: &str, kind: &str) -> StateColumn {
    StateColumn {
        name: name.to_owned(),
        kind: kind.to_owned(),
    }
}

pub(crate) fn spec() -> OperatorSpec {
    OperatorSpec {
        operator: 0,
        name: "stateStoreSave".to_owned(),
        partitions: 2,
        store: StoreKind::Memory,
        stores: vec![StoreSpec {
            name: "default".to_owned(),
            key: vec![column("word", "Utf8")],
            value: vec![column("count(word)", "count(Int64)")],
        }],
    }
}

fn open(folder: &Path, version: u64) -> Result<OperatorState, StateError> {
    open_as(StoreKind::Memory, folder, version)
}

pub(crate) fn open_as(
    store: StoreKind,
    folder: &Path,
    version: u64,
) -> Result<OperatorState, StateError> {
    let spec = OperatorSpec { store, ..spec() };
    let version = StateVersion::new(version);
    OperatorState::open(spec, folder, quick_files(), INLINE, version)
}

pub(crate) fn put(state: &OperatorState, time: Option<i64>, key: &str, value: &str) {
    let mut stores = state.partition(state.partition_of(key.as_bytes()));
    stores[0]
        .put(time, key.as_bytes(), value.as_bytes())
        .unwrap();
}

pub(crate) fn contents(state: &OperatorState) -> Rows {
    let mut rows = Vec::new();
    for partition in 0..state.partition_count() {
        let read = state.partition(partition)[0].for_each(&mut |time, key, value| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            rows.push((time, text(key), text(value)));
        });
        read.unwrap();
    }
    rows.sort();
    rows
}

/// What a state has, by event time, key and value.
pub(crate) type Rows = Vec<(Option<i64>, String, String)>;

fn run(folder: &Path, batches: u64) -> Vec<Rows> {
    run_as(StoreKind::Memory, folder, batches)
}

/// Runs `batches` batches, each of which changes a few rows and drops an old event time.
pub(crate) fn run_as(store: StoreKind, folder: &Path, batches: u64) -> Vec<Rows> {
    let state = open_as(store, folder, 0).unwrap();
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
            for time in stores[0].times_until(batch as i64 - 3).unwrap() {
                stores[0].drop_time(time).unwrap();
            }
            let key = format!("key {}", batch % 3);
            stores[0].remove(None, key.as_bytes()).unwrap();
        }
        state.flush(StateVersion::new(batch + 1)).unwrap();
        let oldest = StateVersion::new((batch + 1).saturating_sub(4));
        state.commit(StateVersion::new(batch + 1)).unwrap();
        state.clean(oldest).unwrap();
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

/// Opens the state with `path` cut at every length and with every bit flipped.
fn damage(folder: &Path, path: &Path, version: u64) {
    let whole = std::fs::read(path).unwrap();
    let check = |what: &str, at: usize, bytes: &[u8]| {
        std::fs::write(path, bytes).unwrap();
        let error = open(folder, version).unwrap_err();
        assert!(
            matches!(error, StateError::Damaged { .. }),
            "{} {what} at {at}: {error}",
            path.display()
        );
    };
    for length in 0..whole.len() {
        check("cut", length, &whole[..length]);
    }
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        check("flipped", bit, &flipped);
    }
    std::fs::write(path, whole).unwrap();
    open(folder, version).unwrap();
}

#[test]
fn every_cut_and_every_flipped_bit_of_every_kind_of_file_is_noticed() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), 4);
    damage(folder.path(), &folder.path().join("0/3.snapshot"), 3);
    damage(folder.path(), &folder.path().join("0/4.delta"), 4);
    damage(
        folder.path(),
        &folder.path().join("0/_metadata/metadata"),
        4,
    );
}

#[test]
fn a_file_in_the_place_of_another_is_noticed() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), 2);
    let path = |version: u64| folder.path().join(format!("0/{version}.delta"));
    std::fs::copy(path(1), path(2)).unwrap();
    let error = open(folder.path(), 2).unwrap_err();
    assert!(error.to_string().contains("expected version 2"), "{error}");
    std::fs::copy(path(1), folder.path().join("0/1.snapshot")).unwrap();
    let error = open(folder.path(), 1).unwrap_err();
    assert!(error.to_string().contains("expected a Snapshot"), "{error}");
}

#[test]
fn changed_keys_and_values_are_refused_with_the_difference_named() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), 1);
    let refusal = |change: &dyn Fn(&mut OperatorSpec)| {
        let mut changed = spec();
        change(&mut changed);
        let version = StateVersion::new(1);
        OperatorState::open(changed, folder.path(), quick_files(), INLINE, version)
            .unwrap_err()
            .to_string()
    };
    let text = refusal(&|spec| spec.stores[0].key = vec![column("number", "Int32")]);
    assert!(
        text.contains("[STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE]")
            && text.contains("key_schema=word Utf8 and new key_schema=number Int32"),
        "{text}"
    );
    let text = refusal(&|spec| spec.stores[0].value = vec![column("sum(word)", "sum(Int64)")]);
    assert!(
        text.contains("[STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE]")
            && text.contains("value_schema=sum(word) sum(Int64)"),
        "{text}"
    );
    let text = refusal(&|spec| spec.name = "dedupe".to_owned());
    assert!(
        text.contains("(OperatorId: 0 -> OperatorName: stateStoreSave)")
            && text.contains("(OperatorId: 0 -> OperatorName: dedupe)"),
        "{text}"
    );
}

#[test]
fn another_name_for_a_column_is_no_other_state() {
    let folder = TempDir::new().unwrap();
    let versions = run(folder.path(), 1);
    let mut renamed = spec();
    renamed.stores[0].key = vec![column("term", "Utf8")];
    let version = StateVersion::new(1);
    let state = OperatorState::open(renamed, folder.path(), quick_files(), INLINE, version);
    assert_eq!(contents(&state.unwrap()), versions[1]);
}

#[test]
fn state_files_of_the_first_format_are_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/state");
    let folder = TempDir::new().unwrap();
    let expected = run(folder.path(), 4);
    if std::env::var_os("FLEUVE_WRITE_GOLDEN").is_some() {
        for name in ["_metadata/metadata", "3.snapshot", "4.delta"] {
            let file = golden.join("0").join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::copy(folder.path().join("0").join(name), file).unwrap();
        }
    }
    assert_eq!(contents(&open(&golden, 4).unwrap()), expected[4]);
    assert_eq!(contents(&open(&golden, 3).unwrap()), expected[3]);
    let metadata = |folder: &Path| std::fs::read(folder.join("0/_metadata/metadata")).unwrap();
    assert_eq!(metadata(&golden), metadata(folder.path()));
}

#[test]
fn memory_limits_have_sparks_units() {
    let bytes = |text: &str| text.parse::<MemoryLimit>().map(MemoryLimit::bytes).ok();
    assert_eq!(bytes("1048576"), Some(1 << 20));
    assert_eq!(bytes("512m"), Some(512 << 20));
    assert_eq!(bytes("4GB"), Some(4 << 30));
    for text in ["", "m", "1.5g", "-1", "4 parsecs", "99999999t"] {
        assert_eq!(bytes(text), None, "{text}");
    }
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
