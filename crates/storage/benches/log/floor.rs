//! The least that any log must do: CRC, write, sync.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use fleuve_model::record::crc32c;

/// A file that is only appended to.
pub(super) struct Floor {
    file: File,
    checksum: u32,
}

impl Floor {
    pub(super) fn create(path: &Path) -> io::Result<Floor> {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(path)?;
        Ok(Floor { file, checksum: 0 })
    }

    /// Computes the CRC of `batch` and writes it.
    pub(super) fn append(&mut self, batch: &[u8]) -> io::Result<()> {
        self.checksum ^= crc32c(&batch[CRC_COVERS_FROM..]);
        std::hint::black_box(self.checksum);
        self.file.write_all(batch)
    }

    /// `fdatasync`.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Where the bytes of a batch begin that its CRC covers.
const CRC_COVERS_FROM: usize = 21;

/// Reads a file from beginning to end in pieces of `piece_bytes`.
pub(super) fn read(path: &Path, piece_bytes: usize) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut read_bytes = 0;
    loop {
        // As for the log: a piece is handed on, so each has memory of its own.
        let mut piece = vec![0; piece_bytes];
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(read_bytes);
        }
        std::hint::black_box(&piece);
        read_bytes += read;
    }
}
