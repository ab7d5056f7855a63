//! Where the quickstart keeps what it writes.
//!
//! One folder has everything, so that removing it starts over.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::Context;

use super::zones;

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
        let root = made.with_context(|| format!("{} cannot be used", root.display()))?;
        let place = Place { root };
        std::fs::write(place.zones(), zones::json_lines())
            .with_context(|| format!("{} cannot be written", place.zones().display()))?;
        Ok(place)
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
