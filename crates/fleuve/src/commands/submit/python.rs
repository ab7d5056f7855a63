//! The Python that runs a program, and whether it has what a program of Spark Connect needs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::commands::terminal::Problem;

/// Where PySpark looks for the Python of a program, the first that is set.
const VARIABLES: [&str; 2] = ["PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON"];
/// What Python is called where nobody says it.
const NAMES: [&str; 2] = ["python3", "python"];
/// What is installed where nothing is.
const CLIENT: &str = "'pyspark-client==4.2.0' 'pandas<3'";
/// Prints what of [`Found`] there is, without importing any of it.
const LOOK: &str = include_str!("look.py");

/// A Python that can run a program.
pub(super) struct Python {
    program: PathBuf,
    found: Found,
}

/// What a Python has.
#[derive(Debug, Default, Deserialize)]
struct Found {
    /// Where PySpark is.
    pyspark: Option<String>,
    /// Whether it is young enough for Spark Connect.
    has_connect: bool,
    /// Whether it takes settings from outside over Spark Connect.
    takes_settings: bool,
    /// What Spark Connect needs beside it and is not there.
    missing: Vec<String>,
}

impl Python {
    /// The Python that is named, or the first that there is.
    pub(super) fn find(named: Option<&Path>) -> Result<Python, Problem> {
        let of_environment = || {
            VARIABLES
                .iter()
                .find_map(|name| set(name))
                .map(PathBuf::from)
        };
        if let Some(program) = named.map(Path::to_owned).or_else(of_environment) {
            let found = look(&program).map_err(|why| {
                Problem::new(format!("{} does not run as Python", program.display()))
                    .because(why)
                    .next(
                        "name one with --python, or unset PYSPARK_DRIVER_PYTHON and PYSPARK_PYTHON",
                    )
            })?;
            return Python { program, found }.checked();
        }
        let mut found = NAMES
            .iter()
            .filter_map(|name| Some((name, look(Path::new(name)).ok()?)));
        let (name, found) = found.next().ok_or_else(|| {
            Problem::new("there is no Python here")
                .because("neither python3 nor python is on the PATH")
                .next("install Python 3.10 or later, or name one with --python")
        })?;
        Python {
            program: PathBuf::from(name),
            found,
        }
        .checked()
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) const fn takes_settings(&self) -> bool {
        self.found.takes_settings
    }

    fn checked(self) -> Result<Python, Problem> {
        let python = self.program.display();
        let other = "or name a Python that has it: --python PYTHON, or PYSPARK_PYTHON";
        let install = |what: &str| format!("{python} -m pip install {what}");
        let problem = match &self.found {
            Found { pyspark: None, .. } => Problem::new(format!("{python} has no PySpark"))
                .next(format!("install its client: {}", install(CLIENT)))
                .next("in an environment of its own, if pip refuses: python3 -m venv .venv, then .venv/bin/python"),
            Found { has_connect: false, .. } => {
                Problem::new(format!("{python} has a PySpark without Spark Connect"))
                    .because("Spark Connect came with PySpark 3.4")
                    .next(format!("install a newer one: {}", install(CLIENT)))
            }
            Found { missing, .. } if !missing.is_empty() => {
                Problem::new(format!("{python} has PySpark, but not all that Spark Connect needs"))
                    .because(format!("not installed: {}", missing.join(", ")))
                    .next(format!("install it: {}", install("'pyspark[connect]'")))
            }
            _ => return Ok(self),
        };
        Err(problem.next(other))
    }
}

fn set(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// What `python` has, or why it does not run.
fn look(python: &Path) -> Result<Found, String> {
    let done = Command::new(python).arg("-c").arg(LOOK).output();
    let done = done.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&done.stdout);
    serde_json::from_str(&said).map_err(|_| {
        let errors = String::from_utf8_lossy(&done.stderr);
        let last = errors
            .lines()
            .next_back()
            .unwrap_or("it printed something else");
        format!("{} ({})", last, done.status)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Found) -> Result<(), String> {
        let program = PathBuf::from("py");
        let checked = Python { program, found }.checked();
        checked
            .map(|_| ())
            .map_err(|problem| problem.painted(crate::commands::terminal::Paint::new(false)))
    }

    fn complete() -> Found {
        Found {
            pyspark: Some("/pyspark".to_owned()),
            has_connect: true,
            ..Found::default()
        }
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_install() {
        assert_eq!(check(complete()), Ok(()));
        let nothing = check(Found::default()).unwrap_err();
        assert!(
            nothing.contains("py -m pip install 'pyspark-client=="),
            "{nothing}"
        );
        let old = check(Found {
            has_connect: false,
            ..complete()
        })
        .unwrap_err();
        assert!(old.contains("3.4"), "{old}");
        let missing = vec!["grpc".to_owned()];
        let part = check(Found {
            missing,
            ..complete()
        })
        .unwrap_err();
        assert!(
            part.contains("not installed: grpc") && part.contains("pyspark[connect]"),
            "{part}"
        );
    }

    #[test]
    fn what_is_no_python_is_told() {
        let problem = Python::find(Some(Path::new("/bin/true"))).err().unwrap();
        assert!(
            problem.to_string().contains("does not run as Python"),
            "{problem}"
        );
        let problem = Python::find(Some(Path::new("/no/such/python")))
            .err()
            .unwrap();
        assert!(
            problem.to_string().contains("does not run as Python"),
            "{problem}"
        );
    }
}
