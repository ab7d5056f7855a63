//! `kafka-server-start.sh [-daemon] server.properties [--override property=value]...`

use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use clap::Args;

use super::ServerArguments;
use crate::script_names;

const USAGE: &str =
    "USAGE: kafka-server-start.sh [-daemon] server.properties [--override property=value]*";

/// Where a daemon's output goes, in the directory of its logs.
const OUTPUT_FILE: &str = "kafkaServer.out";

#[derive(Clone, Debug, Args)]
pub(crate) struct StartArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: StartArguments) -> anyhow::Result<ExitCode> {
    let mut given = arguments.arguments.as_slice();
    let is_daemon = given.first().is_some_and(|first| first == "-daemon");
    if is_daemon {
        given = &given[1..];
    }
    if given.is_empty() {
        println!("{USAGE}");
        return Ok(ExitCode::FAILURE);
    }
    if is_daemon {
        start_daemon(given)
    } else {
        super::run(parse(given)?)
    }
}

fn parse(given: &[String]) -> anyhow::Result<ServerArguments> {
    let mut arguments = ServerArguments {
        is_script: true,
        ..ServerArguments::default()
    };
    let mut rest = given.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--override" => {
                let written = rest.next().context("--override wants property=value")?;
                arguments.overrides.push(written.clone());
            }
            "--ready-file" => {
                arguments.ready_file =
                    Some(rest.next().context("--ready-file wants a path")?.into());
            }
            file if arguments.file.is_none() => arguments.file = Some(file.into()),
            other => anyhow::bail!("{other} is not understood\n{USAGE}"),
        }
    }
    Ok(arguments)
}

/// Starts the server as a process of its own that outlives this one.
fn start_daemon(given: &[String]) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe()?;
    let directory = std::env::var_os("LOG_DIR").unwrap_or_else(|| "logs".into());
    std::fs::create_dir_all(&directory)?;
    let path = std::path::Path::new(&directory).join(OUTPUT_FILE);
    let output = std::fs::File::create(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Command::new(program)
        .arg(script_names::KAFKA_SERVER_START)
        .args(given)
        .stdin(Stdio::null())
        .stderr(output.try_clone()?)
        .stdout(output)
        .process_group(0)
        .spawn()?;
    Ok(ExitCode::SUCCESS)
}
