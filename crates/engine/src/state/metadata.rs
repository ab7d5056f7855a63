//! What a checkpoint remembers of an operator, and what of it may change.
//!
//! Always true: the first batch writes it and nothing changes it; a file whose checksum is not
//! that of its content is refused. Start at [`read`] and [`check_unchanged`].

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::format::crc32c;
use super::{StateError, StoreKind};
use crate::file_system::FileSystem;

const VERSION: u32 = 1;
/// How keys find their partition; written down so that it can never change unseen.
const PARTITION_HASH: &str = "crc32c";

/// What an operator is, as its checkpoint remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorSpec {
    pub operator: u32,
    /// As progress names it: `stateStoreSave`, `dedupe`, …
    pub name: String,
    pub partitions: u32,
    /// Nothing is written of the store in memory, which all checkpoints once had.
    #[serde(default, skip_serializing_if = "StoreKind::is_memory")]
    pub store: StoreKind,
    pub stores: Vec<StoreSpec>,
}

/// One store of an operator: what its keys and values are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreSpec {
    pub name: String,
    pub key: Vec<StateColumn>,
    pub value: Vec<StateColumn>,
}

/// A column of keys or values. Its name is for people: another name is no other state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    hash: String,
    #[serde(flatten)]
    spec: OperatorSpec,
}

/// The file: its content and the CRC-32C of the content's JSON.
#[derive(Serialize, Deserialize)]
struct Checked {
    #[serde(flatten)]
    metadata: Metadata,
    checksum: u32,
}

pub(super) fn read(
    folder: &Path,
    files: &dyn FileSystem,
) -> Result<Option<OperatorSpec>, StateError> {
    let path = folder.join("_metadata").join("metadata");
    let bytes = match files.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(StateError::Io {
                path,
                reason: error.to_string(),
            });
        }
    };
    decode(&bytes)
        .map(Some)
        .map_err(|reason| StateError::Damaged { path, reason })
}

fn decode(bytes: &[u8]) -> Result<OperatorSpec, String> {
    let Checked { metadata, checksum } =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if checksum != checksum_of(&metadata) {
        return Err("the content does not match its checksum".to_owned());
    }
    if metadata.version != VERSION {
        return Err(format!("version {} is not known", metadata.version));
    }
    if metadata.hash != PARTITION_HASH {
        return Err(format!("the hash {} is not known", metadata.hash));
    }
    if metadata.spec.partitions == 0 {
        return Err("there are no partitions".to_owned());
    }
    Ok(metadata.spec)
}

pub(super) fn write(
    folder: &Path,
    files: &dyn FileSystem,
    spec: &OperatorSpec,
) -> Result<(), StateError> {
    let path = folder.join("_metadata").join("metadata");
    let metadata = Metadata {
        version: VERSION,
        hash: PARTITION_HASH.to_owned(),
        spec: spec.clone(),
    };
    let checksum = checksum_of(&metadata);
    let bytes = to_json(&Checked { metadata, checksum });
    files
        .replace(&path, &bytes)
        .map_err(|error| StateError::Io {
            path: path.clone(),
            reason: error.to_string(),
        })
}

fn checksum_of(metadata: &Metadata) -> u32 {
    crc32c(&to_json(metadata))
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings and numbers always serialize")
}

/// Refuses an operator that cannot go on with the state of the one in the checkpoint.
pub(super) fn check_unchanged(
    pinned: &OperatorSpec,
    asked: &OperatorSpec,
) -> Result<(), StateError> {
    let names = |spec: &OperatorSpec| -> Vec<String> {
        spec.stores.iter().map(|store| store.name.clone()).collect()
    };
    if pinned.name != asked.name || names(pinned) != names(asked) {
        let shown = |spec: &OperatorSpec| {
            format!(
                "(OperatorId: {} -> OperatorName: {})",
                spec.operator, spec.name
            )
        };
        return Err(StateError::OperatorsChanged {
            in_checkpoint: shown(pinned),
            in_query: shown(asked),
        });
    }
    for (before, now) in pinned.stores.iter().zip(&asked.stores) {
        if !same_types(&before.key, &now.key) {
            return Err(StateError::KeysChanged {
                operator: asked.operator,
                before: show(&before.key),
                now: show(&now.key),
            });
        }
        if !same_types(&before.value, &now.value) {
            return Err(StateError::ValuesChanged {
                operator: asked.operator,
                before: show(&before.value),
                now: show(&now.value),
            });
        }
    }
    Ok(())
}

fn same_types(before: &[StateColumn], now: &[StateColumn]) -> bool {
    let types = |columns: &[StateColumn]| -> Vec<String> {
        columns.iter().map(|column| column.kind.clone()).collect()
    };
    types(before) == types(now)
}

fn show(columns: &[StateColumn]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.kind))
        .collect();
    columns.join(", ")
}
