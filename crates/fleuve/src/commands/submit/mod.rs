//! `fleuve submit`: runs a PySpark program over Spark Connect, as it is.
//!
//! The server is the one that is there, or one in this process for as long as the program runs.
//! What the program is given is its environment; its output, its standard input and its exit code
//! are its own, and what is said here goes to standard error.
//! Start at [`submit`].

mod child;
mod lenient;
mod python;
mod remote;
mod spark_options;
pub(super) mod spark_submit;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::terminal::Problem;
use child::{Child, Signals};
use lenient::Hook;
use python::Python;
use remote::Remote;

#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SubmitArguments {
    /// The server to use; one that is named must answer. By default that of SPARK_REMOTE, else
    /// sc://localhost:15002 if a server answers there, else one that is started for the program
    /// and ends with it.
    #[arg(long, value_name = "sc://HOST:PORT")]
    remote: Option<String>,
    /// Where a server that is started for the program keeps its data. By default a temporary
    /// folder, removed at the end.
    #[arg(long, value_name = "FOLDER")]
    data_directory: Option<PathBuf>,
    /// The Python that runs the program. By default that of PYSPARK_DRIVER_PYTHON, of
    /// PYSPARK_PYTHON, else python3.
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,
    /// A setting of the program's sessions (`spark.sql.*`), such as spark.sql.session.timeZone=UTC.
    #[arg(long = "conf", short = 'c', value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Lets lines pass that speak to a Spark in the program's own process, such as
    /// .master("local[*]") and spark.sparkContext.setLogLevel("WARN"). Each is named once.
    #[arg(long)]
    lenient: bool,
    /// The program, and behind it the program's own arguments.
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROGRAM", "ARGUMENTS"])]
    command: Vec<OsString>,
}

const AFTER_HELP: &str = "\
The exit code is the program's. A server that is started for it listens on localhost:9092 (Kafka) and 15002 (Spark \
Connect), or on free ports where these are taken, and FLEUVE_BOOTSTRAP_SERVER tells the program where its Kafka is.

Called by the name spark-submit, this program takes Spark's options instead: `spark-submit --help`.";

fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("write KEY=VALUE")?;
    if !is_session_setting(key) {
        return Err("PySpark hands over only settings that begin with spark.sql.".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Whether PySpark sends a setting that a program is submitted with to the server.
fn is_session_setting(key: &str) -> bool {
    key.starts_with("spark.sql.")
}

/// A program and how it is to be run.
#[derive(Debug, Default)]
struct Submission {
    /// The server that was asked for.
    remote: Option<String>,
    data_directory: Option<PathBuf>,
    python: Option<PathBuf>,
    settings: BTreeMap<String, String>,
    /// Folders and archives that the program imports from.
    import_from: Vec<PathBuf>,
    is_lenient: bool,
    program: OsString,
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: SubmitArguments) -> anyhow::Result<ExitCode> {
    let mut command = arguments.command.into_iter();
    submit(&Submission {
        remote: arguments.remote,
        data_directory: arguments.data_directory,
        python: arguments.python,
        settings: arguments.settings.into_iter().collect(),
        import_from: Vec::new(),
        is_lenient: arguments.lenient,
        program: command.next().unwrap_or_default(),
        arguments: command.collect(),
    })
}

/// Runs the program to its end; the exit code is the program's.
fn submit(submission: &Submission) -> anyhow::Result<ExitCode> {
    check_program(submission)?;
    let python = Python::find(submission.python.as_deref())?;
    if !submission.settings.is_empty() && !python.takes_settings() {
        say("this PySpark takes no settings from outside over Spark Connect; 4.0 and later do");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(play(submission, &python))
}

async fn play(submission: &Submission, python: &Python) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let hook = submission.is_lenient.then(Hook::write).transpose()?;
    let remote = tokio::select! {
        remote = Remote::choose(submission) => remote?,
        signal = signals.next() => return Ok(child::code_of_signal(signal)),
    };
    let ended = match Child::start(submission, python, &remote, hook.as_ref()) {
        Ok(mut child) => child.wait(&mut signals).await,
        Err(problem) => Err(problem),
    };
    remote.close().await;
    if ended.as_ref().is_ok_and(|code| *code != ExitCode::SUCCESS) && !submission.is_lenient {
        hint_at_leniency(&submission.program);
    }
    ended
}

/// A program that was written for a Spark of its own most often fails on the lines that make it.
fn hint_at_leniency(program: &OsStr) {
    let text = std::fs::read_to_string(program).unwrap_or_default();
    if let Some(line) = lenient::first_line_passed_over(&text) {
        say(&format!(
            "line {line} speaks to a Spark in the program's own process: --lenient lets such lines pass"
        ));
    }
}

/// A server need not be started for a program that is not there.
fn check_program(submission: &Submission) -> Result<(), Problem> {
    let path = std::path::Path::new(&submission.program);
    if submission.program == "-" || path.exists() {
        return Ok(());
    }
    Err(Problem::new(format!("{} does not exist", path.display()))
        .next("the program comes first, its own arguments behind it: `fleuve submit PROGRAM [ARGUMENTS]`"))
}

/// Tells the person in front of it something, apart from what the program prints.
fn say(text: &str) {
    eprintln!("fleuve: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        submit: SubmitArguments,
    }

    fn parsed(line: &str) -> Result<SubmitArguments, clap::Error> {
        let words = std::iter::once("submit").chain(line.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.submit)
    }

    #[test]
    fn what_stands_behind_the_program_is_the_programs() {
        let arguments = parsed("--lenient app.py --remote x -c --lenient").unwrap();
        assert!(arguments.lenient);
        assert_eq!(arguments.remote, None);
        assert_eq!(
            arguments.command,
            ["app.py", "--remote", "x", "-c", "--lenient"]
        );
    }

    #[test]
    fn settings_are_pairs_that_pyspark_hands_over() {
        let arguments = parsed("-c spark.sql.a=b=c app.py").unwrap();
        assert_eq!(
            arguments.settings,
            [("spark.sql.a".to_owned(), "b=c".to_owned())]
        );
        assert!(parsed("--conf spark.sql.a app.py").is_err());
        assert!(parsed("--conf spark.driver.memory=2g app.py").is_err());
    }

    #[test]
    fn a_mistyped_option_is_no_program() {
        assert!(parsed("--lenien app.py").is_err());
        assert!(parsed("").is_err());
    }
}
