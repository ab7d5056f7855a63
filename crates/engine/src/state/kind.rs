//! Which store keeps the state of a query, `fleuve.state.store`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of state store. The first batch of a checkpoint pins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// Everything is in memory; files are there to start from.
    #[default]
    Memory,
    /// Most is in the files of a log-structured merge tree, fjall's.
    Fjall,
}

impl StoreKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fjall => "fjall",
        }
    }

    /// What a checkpoint without a word on it has; older ones are all so.
    pub(super) fn is_memory(&self) -> bool {
        *self == Self::Memory
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("'memory' or 'fjall' is expected")]
pub struct NoStoreKind;

impl FromStr for StoreKind {
    type Err = NoStoreKind;

    fn from_str(text: &str) -> Result<Self, NoStoreKind> {
        let text = text.trim();
        [Self::Memory, Self::Fjall]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or(NoStoreKind)
    }
}
