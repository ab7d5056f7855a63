//! Deleting a whole partition.

use std::path::PathBuf;

use uuid::Uuid;

use super::PartitionLog;
use crate::error::StorageError;
use crate::log_directory::DELETED_FOLDER_SUFFIX;

impl PartitionLog {
    /// Gives up the log: its folder gets a name that says so, durably, and `unique` makes that
    /// name one that was never used. Readers may go on for now. Returns the folder, for
    /// [`crate::LogDirectory::remove_folder`] later.
    pub fn delete(self, unique: Uuid) -> Result<PathBuf, StorageError> {
        self.directory.check_online()?;
        let suffix = format!(".{}{DELETED_FOLDER_SUFFIX}", unique.simple());
        let mut name = self.partition.to_string();
        name.truncate(FILE_NAME_BYTES_MAX - suffix.len());
        let path = self.directory.path().join(name + &suffix);
        let renamed = self.disk().rename(&self.path, &path);
        self.directory.must("rename", renamed, &self.path)?;
        self.directory.sync_dir(self.directory.path())?;
        self.directory.forget(&self.partition);
        Ok(path)
    }
}

/// What file systems take.
const FILE_NAME_BYTES_MAX: usize = 255;
