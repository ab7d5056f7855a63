//! The least that any log must do: CRC, write, sync.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use fleuve_model::record::crc32c;

/// Writes `batch` `appends` times behind one another, each checked by its CRC, with an
/// `fdatasync` after every `appends_per_sync` (none if 0).
pub(super) fn append(
    path: &Path,
    batch: &[u8],
    appends: usize,
    appends_per_sync: usize,
) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut checksum = 0;
    for number in 1..=appends {
        checksum ^= crc32c(&batch[21..]);
        file.write_all(batch)?;
        if appends_per_sync > 0 && number % appends_per_sync == 0 {
            file.sync_data()?;
        }
    }
    std::hint::black_box(checksum);
    Ok(())
}

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
