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

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let scale = Scale {
        divisor: if quick { 20 } else { 1 },
    };
    let folder = tempfile::tempdir_in(target_folder()).expect("a folder to write in");
    machine::describe(folder.path());
    appends::measure(folder.path(), scale);
    rounds::measure(folder.path(), scale);
    reads::measure(folder.path(), scale);
    loading::measure(folder.path(), scale);
    machine::describe_load();
}

/// A folder on the disk that builds go to: `/tmp` may be memory.
fn target_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
