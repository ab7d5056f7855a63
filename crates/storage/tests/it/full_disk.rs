//! A real file system without room.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fleuve_model::Offset;
use fleuve_storage::disk::RealDisk;
use fleuve_storage::{AppendError, AppendOrigin, LogConfig, LogDirectory, StorageError};

use crate::support::*;

/// A file system in memory of one MiB, as long as it exists.
struct SmallFileSystem {
    folder: tempfile::TempDir,
}

impl SmallFileSystem {
    fn mount() -> Option<SmallFileSystem> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        is_mounted.then_some(SmallFileSystem { folder })
    }

    fn logs(&self) -> PathBuf {
        let logs = self.folder.path().join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        logs
    }
}

impl Drop for SmallFileSystem {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

fn open_real(logs: &Path) -> LogDirectory {
    LogDirectory::open(Arc::new(RealDisk), logs).unwrap()
}

#[test]
fn a_full_file_system_leaves_a_log_that_is_readable_and_goes_on_when_there_is_room() {
    let Some(file_system) = SmallFileSystem::mount() else {
        println!("SKIPPED full_disk: mounting a tmpfs is not permitted here");
        return;
    };
    let logs = file_system.logs();
    let ballast = file_system.folder.path().join("ballast");
    std::fs::write(&ballast, vec![0; 300_000]).unwrap();
    let directory = open_real(&logs);
    let config = LogConfig {
        segment_bytes: 100_000,
        ..LogConfig::default()
    };
    let mut log = directory
        .create_partition(orders(0), None, config.clone(), at(0))
        .unwrap();
    let batch = BatchSpec {
        value_bytes: 20_000,
        ..plain(1, 0)
    }
    .build();
    let mut append = || {
        log.append_as_leader(&batch, epoch(0), AppendOrigin::Client, at(0))
            .map(drop)
    };

    let mut appended = 0;
    let refusal = loop {
        match append() {
            Ok(()) => appended += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refusal, AppendError::Storage(StorageError::NoSpace { .. })),
        "{refusal:?}"
    );
    assert!(appended > 10);
    std::fs::remove_file(&ballast).unwrap();
    append().unwrap();
    log.sync().unwrap();
    assert!(directory.offline().is_none());
    assert_eq!(log.log_end(), offset(appended + 1));
    let before = joined(&read_all(&log.reader().snapshot(), Offset::ZERO));

    drop((log, directory));
    let directory = open_real(&logs);
    let log = load_one(&directory, &config);
    assert_eq!(
        joined(&read_all(&log.reader().snapshot(), Offset::ZERO)),
        before
    );
}
