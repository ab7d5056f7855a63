//! `fleuve install-scripts`: links by the names of Kafka's scripts and of `spark-submit`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::{script_names, scripts};

#[derive(Clone, Debug, Args)]
pub(crate) struct InstallScriptsArguments {
    /// Where the links go, such as ~/.local/bin; it is made if it is not there.
    directory: PathBuf,
    /// Names without .sh, as some packages have them.
    #[arg(long)]
    without_suffix: bool,
}

pub(crate) fn run(arguments: &InstallScriptsArguments) -> anyhow::Result<ExitCode> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    let program = std::env::current_exe().context("this program's own file is not known")?;
    let names = scripts::names().chain(script_names::names());
    let mut count = 0;
    for name in names {
        let file = script_names::file_name(name, !arguments.without_suffix);
        link(&program, &directory.join(file))?;
        count += 1;
    }
    println!(
        "{count} links in {} lead to this program.",
        directory.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Puts a link where nothing or an older link is; a file of somebody else's stays.
fn link(program: &Path, at: &Path) -> anyhow::Result<()> {
    match fs::symlink_metadata(at) {
        Ok(found) if found.file_type().is_symlink() => fs::remove_file(at)?,
        Ok(_) => anyhow::bail!(
            "{} is there and is no link: move it away, or take another directory",
            at.display()
        ),
        Err(_) => {}
    }
    symlink(program, at).with_context(|| format!("{} cannot be made", at.display()))
}
