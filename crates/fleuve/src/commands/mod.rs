//! The commands, one file each.

#[cfg(feature = "spark")]
mod quickstart;
mod server;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Kafka and Spark Structured Streaming in one small binary.
#[derive(Debug, Parser)]
#[command(name = "fleuve", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The main job in one command: taxi trips through the log and two streaming queries.
    #[cfg(feature = "spark")]
    Quickstart(quickstart::QuickstartArguments),
    /// Runs a broker until it is told to stop.
    Server(server::ServerArguments),
    /// `kafka-server-start.sh [-daemon] FILE [--override key=value]...`
    #[command(hide = true)]
    ServerStartScript(server::start_script::StartArguments),
    /// `kafka-server-stop.sh`
    #[command(hide = true)]
    ServerStopScript(server::stop_script::StopArguments),
}

/// Runs the command that `arguments` name, the program's own name first.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    let outcome = match cli.command {
        #[cfg(feature = "spark")]
        Command::Quickstart(arguments) => quickstart::run(arguments),
        Command::Server(arguments) => server::run(arguments),
        Command::ServerStartScript(arguments) => server::start_script::run(arguments),
        Command::ServerStopScript(arguments) => server::stop_script::run(arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
