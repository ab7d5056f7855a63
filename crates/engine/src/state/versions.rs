//! What every kind of store does with the versions of an operator's state on disk.

use std::fmt::Debug;

use super::format::Section;
use super::{OperatorSpec, StateError, StateStore, StateVersion};

/// Per partition, the stores in the order of the operator's spec.
pub(super) type Partitions = Vec<Vec<Box<dyn StateStore>>>;

/// The versions of one operator's state.
///
/// A batch calls [`Versions::write_delta`] before its sink commits, and [`Versions::commit`] when
/// `commits/N` is on disk; a batch that ended in between runs again from the version before.
pub(super) trait Versions: Debug + Send {
    /// Reads `version` into stores.
    fn open(
        &mut self,
        spec: &OperatorSpec,
        version: StateVersion,
    ) -> Result<Partitions, StateError>;
    /// Writes what a batch changed. A batch that runs again writes the same file again.
    fn write_delta(
        &mut self,
        version: StateVersion,
        sections: &[Section],
    ) -> Result<(), StateError>;
    /// Learns that `committed` is final, after the stores have.
    fn commit(&mut self, committed: StateVersion) -> Result<(), StateError>;
    /// Drops what no version from `oldest_kept` on needs.
    fn clean(&mut self, oldest_kept: StateVersion) -> Result<(), StateError>;
    /// Lets go of what only one run may hold; nothing is asked of it afterwards.
    fn close(&mut self) {}
    /// What is in memory beside the stores.
    fn memory_bytes(&self) -> u64 {
        0
    }
}
