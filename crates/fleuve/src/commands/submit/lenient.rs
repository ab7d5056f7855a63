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

/// What a program says that the hook lets pass.
const PASSED_OVER: [&str; 4] = [".master(", "SparkContext", "sparkContext", "findspark"];

/// The number of the first line of a program that fails without the hook.
pub(super) fn first_line_passed_over(text: &str) -> Option<usize> {
    let is_one = |line: &str| {
        let code = line.split('#').next().unwrap_or(line);
        PASSED_OVER.iter().any(|words| code.contains(words))
    };
    text.lines().position(is_one).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_needs_a_spark_of_its_own_is_found() {
        let program = "import sys\n# .master(x)\nspark = SparkSession.builder.master('local[*]')\n";
        assert_eq!(first_line_passed_over(program), Some(3));
        assert_eq!(first_line_passed_over("spark.range(3).count()\n"), None);
    }
}
