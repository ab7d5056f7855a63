//! `fleuve completions` and `fleuve man`: from the same definition as `--help`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Clone, Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell that is to complete.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ManArguments {
    /// Where the pages go; it is made if it is not there.
    directory: PathBuf,
}

/// Prints the script that a shell reads.
pub(crate) fn completions(arguments: &CompletionsArguments, mut command: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "fleuve", &mut script);
    // A reader that has gone wants no more.
    let _ = std::io::stdout().write_all(&script);
    ExitCode::SUCCESS
}

/// Writes a page for every command.
pub(crate) fn man(arguments: &ManArguments, command: Command) -> anyhow::Result<ExitCode> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .with_context(|| format!("pages cannot be written to {}", directory.display()))?;
    let is_page = |name: &str| name.starts_with("fleuve") && name.ends_with(".1");
    let pages = std::fs::read_dir(directory)?
        .flatten()
        .filter(|file| file.file_name().to_str().is_some_and(is_page))
        .count();
    println!("Wrote {pages} pages to {}.", directory.display());
    println!("Read them with `man -l {}/fleuve.1`.", directory.display());
    Ok(ExitCode::SUCCESS)
}
