//! Scenario files, read and written. Their format is described in `tests/scenarios/README.md`.

use std::path::{Path, PathBuf};

/// A line of a scenario that begins at the margin, with the indented lines below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) word: String,
    pub(crate) rest: String,
    pub(crate) body: Vec<String>,
}

impl Block {
    /// Everything after the first word, in one line.
    pub(crate) fn text(&self) -> String {
        let lines = std::iter::once(&self.rest).chain(&self.body);
        lines.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn expectation(&self) -> Vec<String> {
        let rows = self.body.iter().map(|row| format!("  {row}"));
        std::iter::once(format!("{} {}", self.word, self.rest))
            .chain(rows)
            .collect()
    }
}

/// One scenario: what to do and what comes of it.
#[derive(Debug)]
pub(crate) struct ScenarioFile {
    pub(crate) name: String,
    /// Without the expectations.
    pub(crate) commands: Vec<Block>,
    /// Per step, its lines.
    pub(crate) expected: Vec<Vec<String>>,
}

impl ScenarioFile {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let (mut commands, mut expected) = (Vec::new(), Vec::<Vec<String>>::new());
        for block in blocks(&text) {
            match block.word.as_str() {
                "batch" | "refused" => expected
                    .last_mut()
                    .expect("an expectation comes after a feed")
                    .extend(block.expectation()),
                "feed" => {
                    expected.push(Vec::new());
                    commands.push(block);
                }
                _ => commands.push(block),
            }
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Self {
            name,
            commands,
            expected,
        }
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if let (Some(indented), Some(block)) = (line.strip_prefix("  "), blocks.last_mut()) {
            block.body.push(indented.trim().to_owned());
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        blocks.push(Block {
            word: word.to_owned(),
            rest: rest.to_owned(),
            body: Vec::new(),
        });
    }
    blocks
}

/// The scenario files, by name; `FLEUVE_SCENARIO` picks those whose name contains it.
pub(crate) fn all() -> Vec<ScenarioFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let picked = std::env::var("FLEUVE_SCENARIO").unwrap_or_default();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .filter(|path| path.to_string_lossy().contains(&picked))
        .collect();
    paths.sort();
    paths.iter().map(|path| ScenarioFile::read(path)).collect()
}

/// A row of cells as a line of JSON, with the types of `ddl`.
pub(crate) fn json_line(ddl: &str, row: &str) -> String {
    let quoted = ["STRING", "TIMESTAMP", "TIMESTAMP_NTZ", "DATE"];
    let fields: Vec<String> = ddl
        .split(", ")
        .zip(row.split(" | "))
        .map(|(column, cell)| {
            let (name, kind) = column.split_once(' ').expect("a column has a type");
            match cell.trim() {
                "null" => format!("\"{name}\": null"),
                cell if quoted.contains(&kind) => format!("\"{name}\": \"{cell}\""),
                cell => format!("\"{name}\": {cell}"),
            }
        })
        .collect();
    format!("{{{}}}\n", fields.join(", "))
}
