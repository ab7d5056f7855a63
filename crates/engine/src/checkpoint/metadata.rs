//! `metadata`: the query's id, made once and kept across restarts.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::batch_log::LogError;
use crate::file_system::FileSystem;

/// The identity of a query over all its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueryId(Uuid);

impl QueryId {
    pub fn new(id: Uuid) -> Self {
        Self(id)
    }

    pub fn get(self) -> Uuid {
        self.0
    }
}

impl std::fmt::Display for QueryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Serialize, Deserialize)]
struct StreamMetadata {
    id: QueryId,
}

pub(super) fn read(root: &Path, files: &dyn FileSystem) -> Result<Option<QueryId>, LogError> {
    let path = root.join("metadata");
    match files.read(&path) {
        Ok(bytes) => serde_json::from_slice::<StreamMetadata>(&bytes)
            .map(|metadata| Some(metadata.id))
            .map_err(|error| LogError::unreadable(&path, error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::io(&path, &error)),
    }
}

pub(super) fn create(
    root: &Path,
    files: &dyn FileSystem,
    id: QueryId,
) -> Result<QueryId, LogError> {
    let path = root.join("metadata");
    files
        .create_new(&path, format!("{{\"id\":\"{id}\"}}").as_bytes())
        .map_err(|error| LogError::io(&path, &error))?;
    Ok(id)
}
