//! Spark's layout and JSON, byte for byte, and what is refused.

use std::path::Path;
use std::sync::Arc;

use fleuve_engine::checkpoint::{
    BatchId, BatchLog, Checkpoint, CommitEntry, CompactingLog, LogError, OffsetEntry, PinnedConfs,
    QueryId,
};
use fleuve_engine::file_system::{Durability, FileSystem, LocalFileSystem};
use fleuve_engine::source::SourceOffset;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) fn quick_files() -> Arc<dyn FileSystem> {
    Arc::new(LocalFileSystem {
        durability: Durability::PageCache,
    })
}

fn open(folder: &TempDir) -> Result<Checkpoint, LogError> {
    Checkpoint::open(
        folder.path(),
        quick_files(),
        QueryId::new(Uuid::from_u128(7)),
    )
}

fn entry(log_offset: u64) -> OffsetEntry {
    OffsetEntry {
        batch_watermark_ms: 1_767_226_200_000,
        batch_timestamp_ms: 1_795_230_119_590,
        confs: PinnedConfs::from_session(|key| {
            (key == "spark.sql.shuffle.partitions").then(|| "2".to_owned())
        }),
        sources: vec![
            Some(SourceOffset::from_value(
                &serde_json::json!({ "logOffset": log_offset }),
            )),
            None,
        ],
    }
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

const GOLDEN_OFFSETS: &str = include_str!("golden/offsets");

#[test]
fn offsets_are_written_as_spark_writes_them() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(&folder).unwrap();
    checkpoint.offsets.add(BatchId::FIRST, &entry(3)).unwrap();
    assert_eq!(
        text(folder.path().join("offsets/0")),
        GOLDEN_OFFSETS.trim_end_matches('\n')
    );
    assert_eq!(checkpoint.offsets.read(BatchId::FIRST).unwrap(), entry(3));
}

#[test]
fn commits_and_metadata_are_written_as_spark_writes_them() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(&folder).unwrap();
    let commit = CommitEntry {
        next_batch_watermark_ms: 1_767_226_200_000,
    };
    checkpoint.commits.add(BatchId::FIRST, &commit).unwrap();
    assert_eq!(
        text(folder.path().join("commits/0")),
        "v1\n{\"nextBatchWatermarkMs\":1767226200000}"
    );
    assert_eq!(
        text(folder.path().join("metadata")),
        "{\"id\":\"00000000-0000-0000-0000-000000000007\"}"
    );
}

#[test]
fn the_id_outlives_a_restart() {
    let folder = TempDir::new().unwrap();
    let first = open(&folder).unwrap().id();
    let fresh = QueryId::new(Uuid::from_u128(8));
    let again = Checkpoint::open(folder.path(), quick_files(), fresh).unwrap();
    assert_eq!(again.id(), first);
}

#[test]
fn a_batch_that_is_there_already_belongs_to_another_run() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(&folder).unwrap();
    checkpoint.offsets.add(BatchId::FIRST, &entry(3)).unwrap();
    let error = checkpoint
        .offsets
        .add(BatchId::FIRST, &entry(4))
        .unwrap_err();
    assert!(matches!(error, LogError::ConcurrentUpdate { batch } if batch == BatchId::FIRST));
    assert_eq!(checkpoint.offsets.read(BatchId::FIRST).unwrap(), entry(3));
}

#[test]
fn a_checkpoint_whose_metadata_went_missing_is_refused() {
    let folder = TempDir::new().unwrap();
    open(&folder)
        .unwrap()
        .offsets
        .add(BatchId::FIRST, &entry(3))
        .unwrap();
    std::fs::remove_file(folder.path().join("metadata")).unwrap();
    assert!(matches!(
        open(&folder).unwrap_err(),
        LogError::MetadataMissing { .. }
    ));
}

#[test]
fn every_torn_offset_file_is_unreadable() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(&folder).unwrap();
    checkpoint.offsets.add(BatchId::FIRST, &entry(3)).unwrap();
    let path = folder.path().join("offsets/0");
    let whole = text(&path);
    let end_of_metadata = whole
        .rfind('}')
        .map_or(0, |_| whole.match_indices('\n').nth(1).unwrap().0);
    for length in 0..end_of_metadata {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = checkpoint.offsets.read(BatchId::FIRST).unwrap_err();
        assert!(
            matches!(error, LogError::Unreadable { .. }),
            "cut at {length}: {error}"
        );
    }
}

#[test]
fn a_log_of_a_later_version_is_refused_by_its_version() {
    let folder = TempDir::new().unwrap();
    let log: BatchLog<CommitEntry> = BatchLog::new(folder.path().to_path_buf(), quick_files());
    std::fs::write(folder.path().join("0"), "v9\n{}").unwrap();
    assert!(
        log.read(BatchId::FIRST)
            .unwrap_err()
            .to_string()
            .contains("v9")
    );
}

#[test]
fn purging_keeps_the_last_batches_and_takes_sparks_checksum_files_along() {
    let folder = TempDir::new().unwrap();
    let checkpoint = open(&folder).unwrap();
    for batch in 0..8 {
        checkpoint
            .offsets
            .add(BatchId::new(batch), &entry(batch))
            .unwrap();
        checkpoint
            .commits
            .add(BatchId::new(batch), &CommitEntry::default())
            .unwrap();
    }
    std::fs::write(folder.path().join("offsets/.2.crc"), "crc").unwrap();
    checkpoint.purge(BatchId::new(7), 3).unwrap();
    let kept: Vec<u64> = checkpoint
        .offsets
        .list()
        .unwrap()
        .iter()
        .map(|b| b.get())
        .collect();
    assert_eq!(kept, [4, 5, 6, 7]);
    assert!(!folder.path().join("offsets/.2.crc").exists());
    assert_eq!(checkpoint.commits.list().unwrap().len(), 4);
}

#[test]
fn a_compacting_log_knows_everything_after_any_number_of_batches() {
    let folder = TempDir::new().unwrap();
    let log: CompactingLog<String> =
        CompactingLog::new(folder.path().to_path_buf(), quick_files(), 4);
    let mut expected = Vec::new();
    for batch in 0..40 {
        let entry = format!("file {batch}");
        assert!(
            log.add(BatchId::new(batch), std::slice::from_ref(&entry))
                .unwrap()
        );
        assert!(
            !log.add(BatchId::new(batch), std::slice::from_ref(&entry))
                .unwrap()
        );
        expected.push(entry);
        assert_eq!(log.all().unwrap(), expected, "after batch {batch}");
        assert_eq!(log.latest().unwrap(), Some(BatchId::new(batch)));
    }
    assert!(folder.path().join("39.compact").exists());
    assert!(std::fs::read_dir(folder.path()).unwrap().count() < 12);
}

#[test]
fn pinned_confs_of_the_checkpoint_win_over_the_sessions() {
    let pinned = PinnedConfs::from_session(|_| Some("old".to_owned()));
    let session = PinnedConfs::from_session(|_| Some("new".to_owned()));
    let key = "spark.sql.streaming.multipleWatermarkPolicy";
    assert_eq!(pinned.or_session(&session).get(key), Some("old"));
    assert_eq!(
        PinnedConfs::default().or_session(&session).get(key),
        Some("new")
    );
}
