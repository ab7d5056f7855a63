//! What one log costs beside what the disk itself costs.
//!
//! Run by `cargo xtask bench log`; prints Markdown, as `docs/benchmarks.md` keeps it. The floor
//! of a figure is measured in the same run and in turns with it, since other work on the machine
//! moves both: trust the ratios.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and real files"
)]

mod appends;
mod floor;
mod loading;
mod machine;
mod reads;
mod rounds;
mod sample;

use std::path::Path;

/// How much to measure.
#[derive(Clone, Copy)]
struct Scale {
    /// What each count and size is divided by.
    divisor: usize,
}

impl Scale {
    fn of(self, full: usize) -> usize {
        (full / self.divisor).max(1)
    }
}

type Part = fn(&Path, Scale);

/// The parts, by the names under which they can be asked for.
const PARTS: [(&str, Part); 4] = [
    ("appends", appends::measure),
    ("rounds", rounds::measure),
    ("reads", reads::measure),
    ("loads", loading::measure),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    let divisor = if is_given("--quick") { 20 } else { 1 };
    let all = !PARTS.iter().any(|(name, _)| is_given(name));
    let folder = tempfile::tempdir_in(target_folder()).expect("a folder to write in");
    machine::describe(folder.path());
    for (name, measure) in PARTS {
        if all || is_given(name) {
            measure(folder.path(), Scale { divisor });
        }
    }
    machine::describe_load();
}

/// A folder on the disk that builds go to: `/tmp` may be memory.
fn target_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
