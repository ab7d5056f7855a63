//! The program as a process: its environment, the signals that reach it, and how it ends.
//!
//! Always true: a signal reaches the program once. Ctrl-C on a terminal goes to all processes of the foreground, the
//! program among them, so it is passed on only if it came another way.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use rustix::process::{Pid, Signal as PosixSignal};
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::lenient::Hook;
use super::python::Python;
use super::remote::Remote;
use super::{Submission, say};
use crate::commands::terminal::Problem;

/// What a shell adds to the number of a signal that ended a program.
const SIGNAL_CODE_BASE: u8 = 128;
/// Where PySpark looks for settings that a program is submitted with, since 4.0.
const SETTINGS_COUNT: &str = "PYSPARK_REMOTE_INIT_CONF_LEN";
const SETTINGS: &str = "PYSPARK_REMOTE_INIT_CONF_0";

/// What tells this process to stop.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> PosixSignal {
        tokio::select! {
            _ = self.interrupt.recv() => PosixSignal::INT,
            _ = self.terminate.recv() => PosixSignal::TERM,
            _ = self.hangup.recv() => PosixSignal::HUP,
        }
    }
}

/// The program under way.
pub(super) struct Child {
    process: tokio::process::Child,
}

impl Child {
    pub(super) fn start(
        submission: &Submission,
        python: &Python,
        remote: &Remote,
        hook: Option<&Hook>,
    ) -> anyhow::Result<Child> {
        let mut command = Command::new(python.program());
        command
            .arg(&submission.program)
            .args(&submission.arguments)
            .env("SPARK_REMOTE", remote.url());
        if let Some(path) = import_path(submission, hook)? {
            command.env("PYTHONPATH", path);
        }
        for (name, value) in settings_variables(&submission.settings) {
            command.env(name, value);
        }
        if let Some(bootstrap) = remote.bootstrap() {
            command.env("FLEUVE_BOOTSTRAP_SERVER", bootstrap);
        }
        // PySpark refuses to have both a master and a server.
        if let Ok(master) = std::env::var("MASTER") {
            say(&format!("ignored: MASTER={master} of the environment"));
            command.env_remove("MASTER");
        }
        let started = command.spawn().map_err(|error| {
            Problem::new(format!("{} does not start", python.program().display()))
                .because(error.to_string())
        });
        Ok(Child { process: started? })
    }

    /// Waits for the program's end; the code is the program's.
    pub(super) async fn wait(&mut self, signals: &mut Signals) -> anyhow::Result<ExitCode> {
        loop {
            tokio::select! {
                status = self.process.wait() => return Ok(code(status?)),
                signal = signals.next() => self.pass_on(signal),
            }
        }
    }

    fn pass_on(&self, signal: PosixSignal) {
        if signal == PosixSignal::INT && is_in_foreground() {
            return;
        }
        let process = self
            .process
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(process) = process {
            // It may have ended in this moment; then there is nobody to tell.
            let _ = rustix::process::kill_process(process, signal);
        }
    }
}

/// Whether Ctrl-C on a terminal reaches this process, and with it the program.
fn is_in_foreground() -> bool {
    fn of(stream: impl IsTerminal + rustix::fd::AsFd) -> bool {
        stream.is_terminal()
            && rustix::termios::tcgetpgrp(stream)
                .is_ok_and(|foreground| foreground == rustix::process::getpgrp())
    }
    of(std::io::stdin()) || of(std::io::stdout()) || of(std::io::stderr())
}

/// `PYTHONPATH` with what the program needs in front of what it had, if it needs anything.
fn import_path(
    submission: &Submission,
    hook: Option<&Hook>,
) -> Result<Option<OsString>, std::env::JoinPathsError> {
    let ours = hook.map(|hook| hook.folder().to_owned());
    let ours: Vec<_> = ours
        .into_iter()
        .chain(submission.import_from.clone())
        .collect();
    if ours.is_empty() {
        return Ok(None);
    }
    let had = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let had = std::env::split_paths(&had).filter(|path| !path.as_os_str().is_empty());
    std::env::join_paths(ours.into_iter().chain(had)).map(Some)
}

/// The variables that PySpark reads the settings of a submission from.
fn settings_variables(settings: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    match settings.is_empty() {
        true => Vec::new(),
        false => vec![
            (SETTINGS_COUNT, "1".to_owned()),
            (SETTINGS, serde_json::json!(settings).to_string()),
        ],
    }
}

fn code(status: ExitStatus) -> ExitCode {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, Some(signal)) => {
            ExitCode::from(u8::try_from(signal).map_or(u8::MAX, |signal| SIGNAL_CODE_BASE | signal))
        }
        (None, None) => ExitCode::FAILURE,
    }
}

/// How a shell tells that the signal ended a program.
pub(super) fn code_of_signal(signal: PosixSignal) -> ExitCode {
    code(ExitStatus::from_raw(signal.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_programs_or_that_of_a_shell() {
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), ExitCode::from(3));
        assert_eq!(code_of_signal(PosixSignal::INT), ExitCode::from(130));
        assert_eq!(code_of_signal(PosixSignal::TERM), ExitCode::from(143));
    }

    #[test]
    fn settings_are_handed_over_as_pyspark_reads_them() {
        assert_eq!(settings_variables(&BTreeMap::new()), []);
        let settings = BTreeMap::from([("spark.sql.a".to_owned(), "\"1\"".to_owned())]);
        let variables = settings_variables(&settings);
        assert_eq!(variables[0], (SETTINGS_COUNT, "1".to_owned()));
        assert_eq!(
            variables[1],
            (SETTINGS, r#"{"spark.sql.a":"\"1\""}"#.to_owned())
        );
    }
}
