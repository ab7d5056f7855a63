//! The store for state larger than memory: the same as the one in memory, through every end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fleuve_engine::state::{
    MemoryLimit, OperatorSpec, OperatorState, SnapshotPolicy, StateError, StateVersion, StoreKind,
};
use tempfile::TempDir;

use crate::checkpoint::quick_files;
use crate::crash::Chance;
use crate::state::{contents, open_as, put, run_as, spec};

/// So little that a few dozen rows fill it, and most come from the tree's files.
const LITTLE: &str = "64k";

fn policy(deltas: u64, in_background: bool) -> SnapshotPolicy {
    SnapshotPolicy {
        deltas,
        in_background,
        memory_max: Some(LITTLE.parse::<MemoryLimit>().unwrap()),
    }
}

/// One state in both kinds of stores.
struct Pair {
    memory: OperatorState,
    fjall: OperatorState,
}

impl Pair {
    fn open(folder: &Path, policy: SnapshotPolicy, version: StateVersion) -> Self {
        let open = |store: StoreKind| {
            let spec = OperatorSpec { store, ..spec() };
            let folder = folder.join(store.name());
            OperatorState::open(spec, &folder, quick_files(), policy, version).unwrap()
        };
        Self {
            memory: open(StoreKind::Memory),
            fjall: open(StoreKind::Fjall),
        }
    }

    fn each<T: PartialEq + std::fmt::Debug>(&self, act: impl Fn(&OperatorState) -> T) -> T {
        let (memory, fjall) = (act(&self.memory), act(&self.fjall));
        assert_eq!(fjall, memory);
        memory
    }

    fn check(&self, horizon: i64) {
        self.each(contents);
        self.each(|state| (state.rows(), state.shards()));
        self.each(|state| {
            let seen = |partition| {
                let stores = state.partition(partition);
                let times = stores[0].times_until(horizon).unwrap();
                let mut rows = BTreeSet::new();
                for time in &times {
                    let note = &mut |key: &[u8], value: &[u8]| {
                        rows.insert((*time, key.to_vec(), value.to_vec()));
                    };
                    stores[0].for_each_at(*time, note).unwrap();
                }
                let mut begun = BTreeSet::new();
                let note = &mut |time, key: &[u8], value: &[u8]| {
                    begun.insert((time, key.to_vec(), value.to_vec()));
                };
                stores[0].for_each_prefix(b"key 1", note).unwrap();
                (times, rows, begun)
            };
            (0..state.partition_count()).map(seen).collect::<Vec<_>>()
        });
    }
}

/// Does something to a state; what it returns is the same for the same state.
fn random_change(
    state: &OperatorState,
    what: u64,
    time: Option<i64>,
    key: &str,
    value: &str,
) -> u64 {
    let mut stores = state.partition(state.partition_of(key.as_bytes()));
    let store = &mut stores[0];
    let (key, value) = (key.as_bytes(), value.as_bytes());
    match what {
        0 => u64::from(store.remove(time, key).unwrap()),
        1 => store.drop_time(time.unwrap_or_default()).unwrap(),
        2 => store
            .get(time, key)
            .unwrap()
            .map_or(0, |value| value.len() as u64),
        _ => u64::from(store.put(time, key, value).unwrap()),
    }
}

/// Runs batches that end at random places, and compares the stores after each.
fn compare(seed: u64) {
    let chance = Chance::new(seed);
    let folder = TempDir::new().unwrap();
    let policy = policy(1 + chance.below(6), chance.one_in(2));
    let mut committed = StateVersion::new(0);
    let mut pair = Pair::open(folder.path(), policy, committed);
    while committed.get() < 25 {
        for _ in 0..chance.below(80) {
            let what = chance.below(12);
            let time = (!chance.one_in(3)).then(|| chance.below(9) as i64 - 2);
            let key = format!("key {}", chance.below(150));
            let value = "v".repeat(chance.below(40) as usize);
            pair.each(|state| random_change(state, what, time, &key, &value));
        }
        if chance.one_in(8) {
            // The query ends amid the batch.
            drop(pair);
            pair = Pair::open(folder.path(), policy, committed);
        } else {
            let next = committed.next();
            pair.each(|state| state.flush(next).is_ok());
            let ended = chance.one_in(4);
            if ended && chance.one_in(2) {
                // It ends before `commits/N`, and the batch runs again.
                drop(pair);
                pair = Pair::open(folder.path(), policy, committed);
            } else {
                committed = next;
                if ended {
                    // It ends right behind `commits/N`.
                    drop(pair);
                    pair = Pair::open(folder.path(), policy, committed);
                } else {
                    pair.each(|state| state.commit(next).is_ok());
                    let oldest = StateVersion::new(next.get().saturating_sub(5));
                    pair.each(|state| state.clean(oldest).is_ok());
                }
            }
        }
        pair.check(chance.below(9) as i64 - 2);
    }
}

#[test]
fn both_stores_hold_the_same_wherever_batches_end() {
    let scale = std::env::var("FLEUVE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap());
    for seed in 1..=4 * scale {
        println!("seed {seed}");
        compare(seed);
    }
}

/// Where [`dies_at_a_step`] finds what to do.
const CHILD: &str = "FLEUVE_STATE_CHILD";

/// One batch on a state; a step is a chance to die.
fn batch(state: &OperatorState, batch: u64, step: &mut dyn FnMut()) {
    let chance = Chance::new(batch);
    for row in 0..60 {
        let time = (row % 3 > 0).then_some((batch / 3) as i64);
        let key = format!("key {}", chance.below(200));
        put(state, time, &key, &format!("{batch} {row}"));
        if row == 30 {
            step();
        }
    }
    for partition in 0..state.partition_count() {
        let mut stores = state.partition(partition);
        for time in stores[0].times_until((batch / 3) as i64 - 2).unwrap() {
            stores[0].drop_time(time).unwrap();
        }
    }
    step();
    let version = StateVersion::new(batch + 1);
    state.flush(version).unwrap();
    step();
}

fn committed_version(folder: &Path) -> StateVersion {
    let text = std::fs::read_to_string(folder.join("committed"));
    StateVersion::new(text.map_or(0, |text| text.parse().unwrap()))
}

/// The process that is to die: runs batches from where the last one stopped.
#[test]
#[ignore = "a test below runs it as a process of its own"]
fn dies_at_a_step() {
    let task = std::env::var(CHILD).unwrap();
    let (steps, folder) = task.split_once(' ').unwrap();
    let (mut left, folder) = (steps.parse::<u32>().unwrap(), PathBuf::from(folder));
    let mut step = || match left {
        0 => std::process::abort(),
        _ => left -= 1,
    };
    let version = committed_version(&folder);
    let spec = OperatorSpec {
        store: StoreKind::Fjall,
        ..spec()
    };
    let policy = policy(3, true);
    let state = OperatorState::open(spec, &folder, quick_files(), policy, version).unwrap();
    for number in version.get().. {
        batch(&state, number, &mut step);
        let version = StateVersion::new(number + 1);
        quick_files()
            .replace(&folder.join("committed"), version.to_string().as_bytes())
            .unwrap();
        step();
        state.commit(version).unwrap();
        step();
        state.clean(version).unwrap();
    }
}

#[test]
fn a_process_that_dies_at_any_step_loses_no_committed_batch() {
    let folder = TempDir::new().unwrap();
    for round in 0..12 {
        let steps = Chance::new(round).below(40);
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["state_fjall::dies_at_a_step", "--exact", "--ignored"])
            .env(CHILD, format!("{steps} {}", folder.path().display()))
            .output()
            .unwrap();
        assert!(!child.status.success(), "it died");
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(!output.contains("panicked"), "round {round}: {output}");
        let version = committed_version(folder.path());
        let twin = TempDir::new().unwrap();
        let undisturbed = open_as(StoreKind::Memory, twin.path(), 0).unwrap();
        (0..version.get()).for_each(|number| batch(&undisturbed, number, &mut || {}));
        let state = open_as(StoreKind::Fjall, folder.path(), version.get()).unwrap();
        assert_eq!(contents(&state), contents(&undisturbed), "round {round}");
        assert_eq!(state.rows(), undisturbed.rows(), "round {round}");
        assert_eq!(state.shards(), undisturbed.shards(), "round {round}");
    }
    assert!(committed_version(folder.path()).get() > 20);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn files_below(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        match entry.path().is_dir() {
            true => files_below(folder, &path, found),
            false => found.push(path),
        }
    }
}

/// Rows by event time, key and value.
type RawRows = Vec<(Option<i64>, Vec<u8>, Vec<u8>)>;

/// What comes of reading all of a state.
fn read(folder: &Path, version: u64) -> Result<RawRows, StateError> {
    let state = open_as(StoreKind::Fjall, folder, version)?;
    let mut rows = Vec::new();
    for partition in 0..state.partition_count() {
        state.partition(partition)[0].for_each(&mut |time, key, value| {
            rows.push((time, key.to_vec(), value.to_vec()));
        })?;
    }
    Ok(rows)
}

#[test]
fn cut_and_flipped_files_of_the_tree_are_noticed_or_make_no_difference() {
    let scale: usize = std::env::var("FLEUVE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap());
    let folder = TempDir::new().unwrap();
    run_as(StoreKind::Fjall, folder.path(), 6);
    let whole = read(folder.path(), 6).unwrap();
    let mut files = Vec::new();
    files_below(folder.path(), Path::new("0/tree"), &mut files);
    assert!(files.len() >= 3, "{files:?}");
    let (mut noticed, mut tried) = (0, 0);
    let mut check = |file: &Path, what: &str, bytes: &[u8]| {
        let damaged = TempDir::new().unwrap();
        copy_folder(folder.path(), damaged.path());
        std::fs::write(damaged.path().join(file), bytes).unwrap();
        tried += 1;
        match read(damaged.path(), 6) {
            Ok(rows) => assert_eq!(rows, whole, "{} {what}", file.display()),
            Err(StateError::Damaged { .. } | StateError::Missing { .. }) => noticed += 1,
            Err(error) => panic!("{} {what}: {error}", file.display()),
        }
    };
    for file in &files {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        for length in (0..bytes.len()).step_by(1 + bytes.len() / (6 * scale)) {
            check(file, &format!("cut at {length}"), &bytes[..length]);
        }
        for bit in (0..bytes.len() * 8).step_by(1 + bytes.len() / (5 * scale)) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check(file, &format!("flipped at {bit}"), &flipped);
        }
    }
    println!("{noticed} of {tried} were noticed, the others made no difference");
    assert!(noticed > tried / 2, "{noticed} of {tried}");
}

#[test]
fn a_tree_that_is_gone_is_built_again_or_missed() {
    let folder = TempDir::new().unwrap();
    let versions = run_as(StoreKind::Fjall, folder.path(), 2);
    // Nothing was written out yet: the deltas have it all.
    std::fs::remove_dir_all(folder.path().join("0/tree")).unwrap();
    let state = open_as(StoreKind::Fjall, folder.path(), 2).unwrap();
    assert_eq!(contents(&state), versions[2]);
    drop(state);
    let folder = TempDir::new().unwrap();
    run_as(StoreKind::Fjall, folder.path(), 6);
    std::fs::remove_dir_all(folder.path().join("0/tree")).unwrap();
    assert!(matches!(
        open_as(StoreKind::Fjall, folder.path(), 6).unwrap_err(),
        StateError::Missing { .. }
    ));
}

#[test]
fn a_version_that_is_past_is_refused() {
    let folder = TempDir::new().unwrap();
    run_as(StoreKind::Fjall, folder.path(), 6);
    let error = open_as(StoreKind::Fjall, folder.path(), 5).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("is at version 6 and version 5 was asked for"),
        "{text}"
    );
}

#[test]
fn a_checkpoint_stays_with_the_store_it_was_begun_in() {
    for (begun, asked) in [
        (StoreKind::Memory, StoreKind::Fjall),
        (StoreKind::Fjall, StoreKind::Memory),
    ] {
        let folder = TempDir::new().unwrap();
        let versions = run_as(begun, folder.path(), 5);
        let state = open_as(asked, folder.path(), 5).unwrap();
        assert_eq!(state.spec().store, begun);
        assert_eq!(contents(&state), versions[5]);
    }
}

#[test]
fn who_asks_for_another_store_than_these_is_told_them() {
    assert_eq!("Memory".parse(), Ok(StoreKind::Memory));
    assert_eq!("fjall".parse(), Ok(StoreKind::Fjall));
    let error = "tape".parse::<StoreKind>().unwrap_err();
    assert_eq!(error.to_string(), "'memory' or 'fjall' is expected");
}

#[test]
fn a_state_that_is_closed_can_be_opened_by_another_run() {
    let folder = TempDir::new().unwrap();
    let versions = run_as(StoreKind::Fjall, folder.path(), 3);
    let first = open_as(StoreKind::Fjall, folder.path(), 3).unwrap();
    first.close();
    let second = open_as(StoreKind::Fjall, folder.path(), 3).unwrap();
    assert_eq!(contents(&second), versions[3]);
    assert_eq!((first.rows(), first.memory_bytes()), (0, 0));
}

#[test]
fn a_key_too_long_for_the_tree_is_refused() {
    let folder = TempDir::new().unwrap();
    let state = open_as(StoreKind::Fjall, folder.path(), 0).unwrap();
    let longest = "k".repeat(65_535 - 14);
    put(&state, Some(7), &longest, "");
    let key = format!("{longest}k");
    let mut stores = state.partition(state.partition_of(key.as_bytes()));
    let error = stores[0].put(Some(7), key.as_bytes(), b"").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a key of 65522 bytes is too long"), "{text}");
    assert!(text.contains("which takes 65521"), "{text}");
    assert!(stores[0].get(Some(7), key.as_bytes()).is_err());
}

#[test]
fn state_may_be_many_times_its_memory() {
    let folder = TempDir::new().unwrap();
    let limit: MemoryLimit = "512k".parse().unwrap();
    let policy = SnapshotPolicy {
        memory_max: Some(limit),
        ..policy(10, false)
    };
    let spec = OperatorSpec {
        store: StoreKind::Fjall,
        ..spec()
    };
    let version = StateVersion::new(0);
    let state = OperatorState::open(spec, folder.path(), quick_files(), policy, version).unwrap();
    let mut bytes = 0;
    for batch in 0..40_u64 {
        for row in 0..500 {
            let (key, value) = (format!("key {batch} {row}"), "v".repeat(100));
            bytes += key.len() + value.len();
            put(&state, Some(batch as i64), &key, &value);
        }
        let version = StateVersion::new(batch + 1);
        state.flush(version).unwrap();
        let used = state.memory_bytes();
        assert!(used < limit.bytes(), "batch {batch}: {used} bytes");
        state.commit(version).unwrap();
        state.clean(version).unwrap();
    }
    assert!(bytes as u64 > 4 * limit.bytes(), "{bytes} bytes of rows");
    assert_eq!(state.rows(), 20_000);
    // A whole shard goes, whose rows are more than what may wait to be written.
    for partition in 0..state.partition_count() {
        for time in 0..39 {
            state.partition(partition)[0].drop_time(time).unwrap();
        }
    }
    let version = StateVersion::new(41);
    state.flush(version).unwrap();
    state.commit(version).unwrap();
    assert_eq!((state.rows(), contents(&state).len()), (500, 500));
}

#[test]
fn trees_of_the_first_format_are_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/state-fjall");
    let folder = TempDir::new().unwrap();
    let expected = run_as(StoreKind::Fjall, folder.path(), 4);
    if std::env::var_os("FLEUVE_WRITE_GOLDEN").is_some() {
        copy_folder(folder.path(), &golden);
        std::fs::remove_file(golden.join("0/lock")).unwrap();
    }
    // To open a tree is to lock it.
    let copy = TempDir::new().unwrap();
    copy_folder(&golden, copy.path());
    let state = open_as(StoreKind::Fjall, copy.path(), 4).unwrap();
    assert_eq!(contents(&state), expected[4]);
    let metadata = |folder: &Path| std::fs::read(folder.join("0/_metadata/metadata")).unwrap();
    assert_eq!(metadata(&golden), metadata(folder.path()));
}
