//! `kafka-server-stop.sh`: tells the servers of this user to stop.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::script_names;

#[derive(Clone, Debug, Args)]
pub(crate) struct StopArguments {}

pub(crate) fn run(_: StopArguments) -> anyhow::Result<ExitCode> {
    let servers = running_servers();
    if servers.is_empty() {
        println!("No kafka server to stop");
        return Ok(ExitCode::FAILURE);
    }
    let status = Command::new("kill")
        .arg("-s")
        .arg("TERM")
        .args(&servers)
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The processes that run `fleuve server`, by what the operating system shows of them.
fn running_servers() -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|process| {
            let id = process.file_name().into_string().ok()?;
            id.parse::<u32>().ok()?;
            let command = std::fs::read(process.path().join("cmdline")).ok()?;
            is_server(&command).then_some(id)
        })
        .collect()
}

fn is_server(command: &[u8]) -> bool {
    let mut words = command.split(|byte| *byte == 0);
    let program = words
        .next()
        .and_then(|it| std::str::from_utf8(it).ok())
        .unwrap_or_default();
    let name = std::path::Path::new(program)
        .file_name()
        .and_then(|it| it.to_str());
    let first = words.next().unwrap_or_default();
    match name {
        Some("fleuve") => {
            first == b"server" || first == script_names::KAFKA_SERVER_START.as_bytes()
        }
        Some(name) => name.trim_end_matches(".sh") == "kafka-server-start",
        None => false,
    }
}
