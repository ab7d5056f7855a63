//! The one binary. It looks at how it was called: by one of Kafka's script names it is that
//! script, otherwise its first argument names the command or the script.

mod commands;
mod logging;
mod script_names;
mod scripts;
mod tasks;

use std::process::ExitCode;

fn main() -> ExitCode {
    let called = script_names::called_by_word(std::env::args_os().collect());
    let arguments = match scripts::run_class::resolved(called) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let words = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned());
    if let Some(code) = scripts::run_as_called(words) {
        return code;
    }
    let arguments = script_names::arguments_as_called(arguments);
    commands::run(arguments)
}
