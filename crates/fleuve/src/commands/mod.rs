//! The commands, one file or folder each.

mod cluster;
mod completions;
mod config;
mod consume;
mod doctor;
#[cfg(feature = "spark")]
mod embedded;
mod group;
mod install_scripts;
mod produce;
#[cfg(feature = "spark")]
mod quickstart;
mod server;
mod start;
#[cfg(feature = "spark")]
mod submit;
mod terminal;
mod topic;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::script_names;
use terminal::{Paint, Problem};

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// The first steps of a build that has the streaming engine.
#[cfg(feature = "spark")]
macro_rules! spark_steps {
    () => {
        "  fleuve quickstart                             everything at once, with data
  fleuve submit app.py                          a PySpark program, as it is\n"
    };
}

#[cfg(not(feature = "spark"))]
macro_rules! spark_steps {
    () => {
        ""
    };
}

/// What stands below `fleuve --help`.
const FIRST_STEPS: &str = concat!(
    "First steps:\n",
    spark_steps!(),
    "  fleuve server                                 starts a broker on localhost:9092
  fleuve topic create trips --partitions 4
  echo hello | fleuve produce trips
  fleuve consume trips
  fleuve doctor                                 if something does not answer
  fleuve install-scripts ~/.local/bin           kafka-topics.sh, spark-submit and others

Commands that ask a cluster take --bootstrap-server HOST:PORT, or FLEUVE_BOOTSTRAP_SERVER."
);

/// Kafka and Spark Structured Streaming in one small binary.
#[derive(Debug, Parser)]
#[command(name = "fleuve", version, arg_required_else_help = true, after_help = FIRST_STEPS)]
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
    /// Runs a PySpark program, as it is, against a server that is there or one of its own.
    #[cfg(feature = "spark")]
    Submit(submit::SubmitArguments),
    /// Lists, creates, shows, changes and deletes topics.
    Topic(topic::TopicArguments),
    /// Writes records: lines, files or JSON.
    Produce(produce::ProduceArguments),
    /// Reads records: all there are, or as they come.
    Consume(consume::ConsumeArguments),
    /// Shows consumer groups and their lag; resets and deletes them.
    Group(group::GroupArguments),
    /// Shows and changes configs of topics, brokers and groups.
    Config(config::ConfigArguments),
    /// Looks for what stands between this machine and a broker, with a remedy for each finding.
    Doctor(doctor::DoctorArguments),
    /// Makes links by the names of Kafka's scripts and of spark-submit.
    InstallScripts(install_scripts::InstallScriptsArguments),
    /// Prints what a shell needs to complete commands and options.
    Completions(completions::CompletionsArguments),
    /// Writes manual pages.
    Man(completions::ManArguments),
    /// `kafka-server-start.sh [-daemon] FILE [--override key=value]...`
    #[command(hide = true, name = script_names::KAFKA_SERVER_START)]
    ServerStartScript(server::start_script::StartArguments),
    /// `kafka-server-stop.sh`
    #[command(hide = true, name = script_names::KAFKA_SERVER_STOP)]
    ServerStopScript(server::stop_script::StopArguments),
    /// `spark-submit [options] PROGRAM [ARGUMENTS]`
    #[cfg(feature = "spark")]
    #[command(hide = true, name = script_names::SPARK_SUBMIT, disable_help_flag = true)]
    SparkSubmitScript(submit::spark_submit::SparkSubmitArguments),
}

/// Runs the command that `arguments` name, the program's own name first.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    let outcome = match cli.command {
        #[cfg(feature = "spark")]
        Command::Quickstart(arguments) => quickstart::run(arguments),
        Command::Server(arguments) => server::run(arguments),
        #[cfg(feature = "spark")]
        Command::Submit(arguments) => submit::run(arguments),
        Command::Topic(arguments) => topic::run(arguments),
        Command::Group(arguments) => group::run(arguments),
        Command::Config(arguments) => config::run(arguments),
        Command::Produce(arguments) => produce::run(arguments),
        Command::Consume(arguments) => consume::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::InstallScripts(arguments) => install_scripts::run(&arguments),
        Command::Completions(arguments) => Ok(completions::completions(&arguments, Cli::command())),
        Command::Man(arguments) => completions::man(&arguments, Cli::command()),
        Command::ServerStartScript(arguments) => server::start_script::run(arguments),
        Command::ServerStopScript(arguments) => server::stop_script::run(arguments),
        #[cfg(feature = "spark")]
        Command::SparkSubmitScript(arguments) => submit::spark_submit::run(arguments),
    };
    outcome.unwrap_or_else(|error| {
        report(&error);
        ExitCode::FAILURE
    })
}

/// Says what went wrong: what, why and what next, where that is known.
fn report(error: &anyhow::Error) {
    match error.downcast_ref::<Problem>() {
        Some(problem) if problem.is_silent() => {}
        Some(problem) => {
            let paint = Paint::for_stream(std::io::stderr().is_terminal());
            eprint!("{}", problem.painted(paint));
        }
        None => eprintln!("error: {error:#}"),
    }
}
