//! Where the quickstart keeps what it writes.
//!
//! One folder has everything, so that removing it starts over.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::zones;
use crate::commands::terminal::Problem;

/// A disk with less room than this is full: no batch fits on it.
const FULL_BYTES: u64 = 1 << 20;

/// The folder of one quickstart.
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    /// Makes the folder, and puts the zones in it.
    pub(super) fn open(given: Option<PathBuf>) -> anyhow::Result<Place> {
        let root = match given {
            Some(root) => root,
            None => default_root()?,
        };
        let made = std::fs::create_dir_all(&root).and_then(|()| root.canonicalize());
        let root = made.map_err(|error| {
            Problem::new(format!("{} cannot be used as a folder", root.display()))
                .because(error.to_string())
                .next("name another: --data-directory FOLDER")
        })?;
        let place = Place { root };
        std::fs::write(place.zones(), zones::json_lines())
            .with_context(|| format!("{} cannot be written", place.zones().display()))?;
        Ok(place)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The broker's log directory.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The trips as parquet.
    pub(super) fn parquet(&self) -> PathBuf {
        self.root.join("parquet/trips")
    }

    pub(super) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The checkpoint of the query of that name.
    pub(super) fn checkpoint(&self, query: &str) -> PathBuf {
        self.checkpoints().join(query)
    }

    /// The zones as a table to join with.
    pub(super) fn zones(&self) -> PathBuf {
        self.root.join("zones.json")
    }

    /// What the server has to say, kept out of the screen.
    pub(super) fn messages(&self) -> PathBuf {
        self.root.join("fleuve.log")
    }

    /// What stopped a run, and what may be done about it.
    pub(super) fn problem(&self, error: &anyhow::Error) -> Problem {
        let problem = match self.is_full() {
            true => Problem::new(format!("the disk is full that has {}", self.root.display()))
                .because(format!("{error:#}"))
                .next("make room, then run it again: it goes on from where it stopped"),
            false => Problem::new(format!("{error:#}")).next(format!(
                "{} has what the server said",
                self.messages().display()
            )),
        };
        problem.next("or take another folder: --data-directory FOLDER")
    }

    /// Whether the disk has no room left.
    pub(super) fn is_full(&self) -> bool {
        let free = rustix::fs::statvfs(&self.root);
        free.is_ok_and(|volume| volume.f_bavail.saturating_mul(volume.f_frsize) < FULL_BYTES)
    }

    /// The file of messages, to write on at its end.
    pub(super) fn messages_file(&self) -> io::Result<File> {
        File::options()
            .create(true)
            .append(true)
            .open(self.messages())
    }
}

/// Beside the data of `fleuve server`, so that neither finds the other's files in its own.
fn default_root() -> anyhow::Result<PathBuf> {
    let of = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = of("XDG_DATA_HOME").or_else(|| Some(of("HOME")?.join(".local/share")));
    let base = base.context(
        "there is no home directory to keep data in: say where with --data-directory FOLDER",
    )?;
    Ok(base.join("fleuve-quickstart"))
}
