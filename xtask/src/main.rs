//! The one door for developers: `cargo xtask ci`, `test`, `tidy`, `peers`.
//!
//! Each command is one module; `cargo xtask --help` lists them.

mod bench;
mod cargo;
mod ci;
mod peers;
mod suite;
mod tally;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// The one door for developers of Fleuve.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All that continuous integration checks: format, clippy, tidy, test.
    Ci,
    /// Sets up what the tests need, runs them all, and closes with passed, failed and skipped.
    Test(test::Options),
    /// Checks the structure: layering, dead files, test layout, texts.
    Tidy,
    /// Measures.
    Bench(bench::Options),
    /// Installs the outside programs that the compatibility tests talk to.
    Peers,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Ci => ci::run(),
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
        Command::Bench(options) => bench::run(&options),
        Command::Peers => peers::install_all(),
    }
}
