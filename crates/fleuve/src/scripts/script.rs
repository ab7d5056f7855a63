//! What every one of Kafka's scripts has in common: how it is called and how it ends.
//!
//! A script is a [`Grammar`] and an async function of what was [`Given`]. It writes to the
//! [`Console`], never to the process's streams, so that tests run it too. It ends well or with a
//! [`Failure`], which says on which stream the message goes, as Kafka's script does it: Kafka's
//! scripts end with 1 on every mistake. Start at [`Script::run`].

use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::process::ExitCode;

use fleuve_client::{ClientError, ConfigError};

use super::grammar::{Given, Grammar, GrammarError};
use super::java_errors;

/// One of Kafka's scripts.
pub(super) struct Script {
    /// Its name without `.sh`.
    pub name: &'static str,
    /// Its options.
    pub grammar: &'static Grammar,
    /// What it does.
    pub action: Action,
}

/// The body of a script.
pub(super) type Action = for<'a> fn(&'a Given, &'a mut Console<'_>) -> Running<'a>;

/// A script under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// The streams of a script.
pub(super) struct Console<'a> {
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
    /// Whether a person sits at standard input.
    pub interactive: bool,
}

/// How a script ends otherwise than well.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line makes no sense: message, then usage, on standard error.
    Usage(String),
    /// The message goes to standard output: some of Kafka's scripts do it so.
    Output(String),
    /// The message goes to standard error.
    Errors(String),
    /// The script ends with this code and has said what there is to say.
    Code(u8),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        // Whoever read our output has gone: nothing is left to say, and nobody to say it to.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::Code(0);
        }
        Failure::Errors(error.to_string())
    }
}

/// What the broker said in its own words is what Kafka's scripts print.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        Failure::Errors(java_errors::message(&error))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Errors(error.to_string())
    }
}

impl From<GrammarError> for Failure {
    fn from(error: GrammarError) -> Failure {
        Failure::Errors(error.to_string())
    }
}

/// What `--version` says: the version of Kafka whose scripts these are.
pub(super) const KAFKA_VERSION: &str = "4.3.0";

impl Script {
    /// Runs the script with the words behind its name and gives its exit code.
    pub(super) async fn run(&self, words: &[String], console: &mut Console<'_>) -> ExitCode {
        let ended = match self.attempt(words, console).await {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(failure) => self.report(failure, console),
        };
        let flushed = console.output.flush();
        match (ended, flushed) {
            (Ok(code), Ok(())) => code,
            _ => ExitCode::FAILURE,
        }
    }

    async fn attempt(&self, words: &[String], console: &mut Console<'_>) -> Result<(), Failure> {
        let given = self.grammar.parse(words)?;
        let is_bare = words.is_empty() && !self.grammar.options.is_empty();
        if is_bare || given.has("help") {
            return Err(Failure::Usage(self.grammar.purpose.to_owned()));
        }
        if given.has("version") {
            writeln!(console.output, "{KAFKA_VERSION}")?;
            return Ok(());
        }
        (self.action)(&given, console).await
    }

    fn report(&self, failure: Failure, console: &mut Console<'_>) -> io::Result<ExitCode> {
        match failure {
            Failure::Usage(message) => {
                write!(console.errors, "{message}\n{}", self.grammar)?;
            }
            Failure::Output(message) => writeln!(console.output, "{message}")?,
            Failure::Errors(message) => writeln!(console.errors, "{message}")?,
            Failure::Code(code) => return Ok(ExitCode::from(code)),
        }
        Ok(ExitCode::FAILURE)
    }
}

/// Fails unless every one of `required` was given.
pub(super) fn require(given: &Given, required: &[&str]) -> Result<(), Failure> {
    match required.iter().find(|name| !given.has(name)) {
        Some(name) => Err(Failure::Usage(format!(
            "Missing required argument \"[{name}]\""
        ))),
        None => Ok(()),
    }
}

/// Fails if `used` was given together with one of `others`.
pub(super) fn exclude(given: &Given, used: &str, others: &[&str]) -> Result<(), Failure> {
    match others
        .iter()
        .find(|name| given.has(used) && given.has(name))
    {
        Some(other) => Err(Failure::Usage(format!(
            "Option \"[{used}]\" can't be used with option \"[{other}]\""
        ))),
        None => Ok(()),
    }
}
