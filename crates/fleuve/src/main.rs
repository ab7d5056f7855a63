//! The one binary. It looks at how it was called: by one of Kafka's script names it is that
//! script, otherwise its first argument names the command.

mod commands;
mod logging;
mod script_names;
mod scripts;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = scripts::run_as_called(std::env::args()) {
        return code;
    }
    let arguments = script_names::arguments_as_called(std::env::args_os().collect());
    commands::run(arguments)
}
