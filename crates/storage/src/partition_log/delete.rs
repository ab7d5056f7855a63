//! Deleting a whole partition.

use std::path::PathBuf;

use uuid::Uuid;

use super::PartitionLog;
use crate::error::StorageError;
use crate::log_directory::DELETED_FOLDER_SUFFIX;

impl PartitionLog {
    /// See [`crate::LogDirectory::delete_partition`].
    pub(crate) fn delete(self, unique: Uuid) -> Result<PathBuf, StorageError> {
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
