//! The hook of `--lenient`: Python files in a temporary folder that stands first in `PYTHONPATH`.
//!
//! Python runs `sitecustomize` at its start; ours does nothing before the program imports PySpark.

use std::path::Path;

use anyhow::Context;
use tempfile::TempDir;

/// The files of the hook by their names.
const FILES: [(&str, &str); 2] = [
    ("sitecustomize.py", include_str!("lenient/sitecustomize.py")),
    ("findspark.py", include_str!("lenient/findspark.py")),
];

/// The folder, removed when it is dropped.
pub(super) struct Hook {
    folder: TempDir,
}

impl Hook {
    pub(super) fn write() -> anyhow::Result<Hook> {
        let folder = tempfile::Builder::new().prefix("fleuve-lenient-").tempdir();
        let folder = folder.context("a temporary folder for --lenient cannot be made")?;
        for (name, text) in FILES {
            let path = folder.path().join(name);
            std::fs::write(&path, text)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(Hook { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
