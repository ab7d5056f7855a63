//! The sparse tables beside a segment: where an offset or a time is found in it.
//!
//! Every few KiB of log one entry is noted. A table of the segment being written is in memory;
//! once the segment is sealed it is written out and from then on searched in its file, so a long
//! log costs no memory. A table may lack entries and is still right: readers walk the log from
//! the entry before. Start at [`Table`].

mod offset;
mod time;
mod transaction;

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;

use fleuve_model::Offset;

use crate::disk::{Disk, DiskFile, OpenMode, read_exact_at};

pub use offset::OffsetEntry;
pub use time::TimeEntry;
pub use transaction::{AbortedTransaction, decode_transactions, encode_transactions};

/// One entry of a [`Table`]; its bytes are relative to the segment's base offset.
pub trait IndexEntry: Copy + PartialEq {
    /// The length of an entry's bytes.
    const BYTES: usize;

    /// Appends the entry's bytes.
    fn encode(self, base: Offset, bytes: &mut Vec<u8>);

    /// Reads an entry of [`IndexEntry::BYTES`] bytes, or `None` if they are none.
    fn decode(base: Offset, bytes: &[u8]) -> Option<Self>;

    /// Whether an entry can come right after `earlier`.
    fn may_follow(self, earlier: Self) -> bool;
}

/// Why a table's file cannot be trusted; the segment is walked again to rebuild it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file's length is no multiple of an entry's.
    #[error("index of {length_bytes} bytes is no multiple of {entry_bytes}")]
    Length {
        /// The file's length.
        length_bytes: u64,
        /// The length of an entry.
        entry_bytes: usize,
    },
    /// An entry does not belong behind the one before it, or is none.
    #[error("index entry {entry} is out of order")]
    Order {
        /// The number of the entry; the first is 0.
        entry: u64,
    },
}

/// A table of entries in rising order.
#[derive(Clone, Debug)]
pub struct Table<E> {
    base: Offset,
    bytes: TableBytes,
    entry: std::marker::PhantomData<E>,
}

#[derive(Clone, Debug)]
enum TableBytes {
    Memory(Vec<u8>),
    File {
        file: Arc<dyn DiskFile>,
        entries: u64,
    },
}

impl<E: IndexEntry> Table<E> {
    /// A table in memory without entries, for a segment that begins at `base`.
    pub fn empty(base: Offset) -> Table<E> {
        Table {
            base,
            bytes: TableBytes::Memory(Vec::new()),
            entry: std::marker::PhantomData,
        }
    }

    /// The table in the file at `path`, checked as far as its length, first and last entry.
    pub fn open(disk: &dyn Disk, path: &Path, base: Offset) -> Result<Table<E>, IndexError> {
        let file = disk.open(path, OpenMode::Read)?;
        let length_bytes = file.length_bytes()?;
        if length_bytes % E::BYTES as u64 != 0 {
            return Err(IndexError::Length {
                length_bytes,
                entry_bytes: E::BYTES,
            });
        }
        let entries = length_bytes / E::BYTES as u64;
        let bytes = TableBytes::File { file, entries };
        let table = Table {
            base,
            bytes,
            entry: std::marker::PhantomData,
        };
        table.check_pair(0, entries.saturating_sub(1))?;
        Ok(table)
    }

    /// Checks that every entry may follow the one before it.
    pub fn check_all(&self) -> Result<(), IndexError> {
        (1..self.len()).try_for_each(|entry| self.check_pair(entry - 1, entry))
    }

    /// The content for the table's file.
    pub fn to_bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.bytes {
            TableBytes::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
            TableBytes::File { file, entries } => {
                let length = usize::try_from(*entries).map_err(|_| io::ErrorKind::OutOfMemory)?;
                let mut bytes = vec![0; length * E::BYTES];
                read_exact_at(&**file, &mut bytes, 0)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// From now on reads the entries from `file`, which holds them.
    pub fn move_to_file(&mut self, file: Arc<dyn DiskFile>) {
        self.bytes = TableBytes::File {
            file,
            entries: self.len(),
        };
    }

    /// Brings the entries into memory, for a segment that is written again.
    pub fn load(&mut self) -> io::Result<()> {
        if let Cow::Owned(bytes) = self.to_bytes()? {
            self.bytes = TableBytes::Memory(bytes);
        }
        Ok(())
    }

    /// How many entries there are.
    pub fn len(&self) -> u64 {
        match &self.bytes {
            TableBytes::Memory(bytes) => (bytes.len() / E::BYTES) as u64,
            TableBytes::File { entries, .. } => *entries,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry numbered `entry`, from 0.
    pub fn get(&self, entry: u64) -> io::Result<Option<E>> {
        if entry >= self.len() {
            return Ok(None);
        }
        let start = entry * E::BYTES as u64;
        match &self.bytes {
            TableBytes::Memory(bytes) => {
                let start = start as usize;
                Ok(E::decode(self.base, &bytes[start..start + E::BYTES]))
            }
            TableBytes::File { file, .. } => {
                let mut bytes = [0; ENTRY_BYTES_MAX];
                let bytes = &mut bytes[..E::BYTES];
                read_exact_at(&**file, bytes, start)?;
                Ok(E::decode(self.base, bytes))
            }
        }
    }

    /// The last entry.
    pub fn last(&self) -> io::Result<Option<E>> {
        match self.len() {
            0 => Ok(None),
            entries => self.get(entries - 1),
        }
    }

    /// The last of the entries that `holds`, which is true of some first entries and of no other.
    pub fn last_where(&self, holds: impl Fn(E) -> bool) -> io::Result<Option<E>> {
        match self.count_where(holds)? {
            0 => Ok(None),
            count => self.get(count - 1),
        }
    }

    /// How many entries `holds` is true of; it is so of some first entries and of no other.
    pub fn count_where(&self, holds: impl Fn(E) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle)? {
                Some(entry) if holds(entry) => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Adds an entry to a table in memory.
    pub fn push(&mut self, entry: E) {
        let TableBytes::Memory(bytes) = &mut self.bytes else {
            unreachable!("only the table of a segment that is written is added to")
        };
        entry.encode(self.base, bytes);
    }

    /// Keeps the first `entries` entries of a table in memory.
    pub fn truncate(&mut self, entries: u64) {
        let TableBytes::Memory(bytes) = &mut self.bytes else {
            unreachable!("a table is loaded before it is cut")
        };
        bytes.truncate(entries as usize * E::BYTES);
    }

    fn check_pair(&self, earlier: u64, later: u64) -> Result<(), IndexError> {
        if self.is_empty() {
            return Ok(());
        }
        let out_of_order = IndexError::Order { entry: later };
        let (Some(first), Some(last)) = (self.get(earlier)?, self.get(later)?) else {
            return Err(out_of_order);
        };
        if earlier == later || last.may_follow(first) {
            Ok(())
        } else {
            Err(out_of_order)
        }
    }
}

/// The longest entry of a [`Table`].
const ENTRY_BYTES_MAX: usize = 16;

/// The distance of `offset` from `base` as an index stores it, or `None` if it is too far.
pub(crate) fn relative_offset(base: Offset, offset: Offset) -> Option<u32> {
    let distance = offset - base;
    i32::try_from(distance)
        .ok()
        .and_then(|distance| u32::try_from(distance).ok())
}
