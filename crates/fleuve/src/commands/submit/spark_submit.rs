//! `spark-submit`: Spark's command line for [`submit`].
//!
//! Mistakes are told in Spark's words and end with Spark's codes. Start at [`Parsed::of`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tempfile::TempDir;

use super::spark_options::{self, Effect};
use super::{Submission, is_session_setting, say, submit};

/// What Spark ends with when it is told no program.
const NO_PROGRAM: u8 = 255;
/// The version of Spark whose protocol and options these are.
const SPARK_VERSION: &str = "4.3";

#[derive(Clone, Debug, Args)]
pub(crate) struct SparkSubmitArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Why a command line is not run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum SparkSubmitError {
    #[error("Unrecognized option: {0}")]
    Unrecognized(String),
    #[error("Missing argument for option '{0}'.")]
    ArgumentMissing(String),
    #[error("Invalid argument to --conf: {0}")]
    InvalidConf(String),
    #[error("Remote cannot be specified with master and/or deploy mode.")]
    RemoteAndMaster,
    #[error("{option} is not supported: {why}")]
    Refused { option: String, why: &'static str },
    #[error(
        "{0} is no Python program: no Java and no R run here. A program in untyped Scala runs by Spark's own client \
         with SPARK_REMOTE set to `fleuve server`'s sc://HOST:PORT"
    )]
    NotPython(String),
}

pub(crate) fn run(arguments: SparkSubmitArguments) -> anyhow::Result<ExitCode> {
    let parsed = match Parsed::of(arguments.words) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("Error: {error}\n\n{}", spark_options::usage());
            return Ok(ExitCode::FAILURE);
        }
    };
    match parsed.wish {
        Wish::Help => print!("{}", spark_options::usage()),
        Wish::Usage => eprint!("{}", spark_options::usage()),
        Wish::Version => {
            let ours = env!("CARGO_PKG_VERSION");
            println!("Fleuve {ours}, by the protocol of Spark Connect {SPARK_VERSION}");
        }
        Wish::Nothing => {
            eprint!("{}", spark_options::usage());
            return Ok(ExitCode::from(NO_PROGRAM));
        }
        Wish::Program => return parsed.submit(),
    }
    Ok(match parsed.wish {
        Wish::Usage => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// What a command line asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    Nothing,
    Program,
    Help,
    Usage,
    Version,
}

/// A command line, understood.
#[derive(Debug, Default)]
struct Parsed {
    wish: Wish,
    submission: Submission,
    /// Settings as they were given.
    settings: BTreeMap<String, String>,
    properties_file: Option<PathBuf>,
    python_files: Vec<PathBuf>,
    /// Options without effect as they were given, each with the reason.
    ignored: Vec<(String, &'static str)>,
    has_master: bool,
    is_verbose: bool,
}

impl Parsed {
    fn of(words: Vec<OsString>) -> Result<Parsed, SparkSubmitError> {
        let mut parsed = Parsed::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy().into_owned();
            if !text.starts_with('-') || text == "-" {
                parsed.program(word, words.collect())?;
                break;
            }
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (text.as_str(), None),
            };
            let known = spark_options::find(name).filter(|it| it.takes_value || inline.is_none());
            let option = known.ok_or_else(|| SparkSubmitError::Unrecognized(text.clone()))?;
            let value = match option.takes_value {
                true => {
                    let next = || Some(words.next()?.to_string_lossy().into_owned());
                    let value = inline.or_else(next);
                    value.ok_or_else(|| SparkSubmitError::ArgumentMissing(name.to_owned()))?
                }
                false => String::new(),
            };
            parsed.note(option.names[0], value, option.effect)?;
        }
        match parsed.has_master && parsed.submission.remote.is_some() {
            true => Err(SparkSubmitError::RemoteAndMaster),
            false => Ok(parsed),
        }
    }

    fn program(&mut self, program: OsString, rest: Vec<OsString>) -> Result<(), SparkSubmitError> {
        let text = program.to_string_lossy().into_owned();
        let extension = Path::new(&text)
            .extension()
            .map(|it| it.to_ascii_lowercase());
        if extension.is_some_and(|it| it == "jar" || it == "r") {
            return Err(SparkSubmitError::NotPython(text));
        }
        if self.wish == Wish::Nothing {
            self.wish = Wish::Program;
        }
        self.submission.program = program;
        self.submission.arguments = rest;
        Ok(())
    }

    fn note(&mut self, name: &str, value: String, effect: Effect) -> Result<(), SparkSubmitError> {
        match effect {
            Effect::Taken => return self.take(name, value),
            Effect::Refused(why) => {
                let option = name.to_owned();
                return Err(SparkSubmitError::Refused { option, why });
            }
            Effect::Ignored(why) => {
                self.has_master |= matches!(name, "--master" | "--deploy-mode");
                let given = format!("{name} {value}").trim_end().to_owned();
                self.ignored.push((given, why));
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), SparkSubmitError> {
        match name {
            "--remote" => self.submission.remote = Some(value),
            "--conf" => {
                let pair = value.split_once('=').filter(|(key, _)| !key.is_empty());
                let (key, setting) =
                    pair.ok_or_else(|| SparkSubmitError::InvalidConf(value.clone()))?;
                self.settings.insert(key.to_owned(), setting.to_owned());
            }
            "--properties-file" => self.properties_file = Some(value.into()),
            "--py-files" => self
                .python_files
                .extend(value.split(',').map(PathBuf::from)),
            "--lenient" => self.submission.is_lenient = true,
            "--verbose" => self.is_verbose = true,
            "--help" => self.wish = Wish::Help,
            "--usage-error" => self.wish = Wish::Usage,
            "--version" => self.wish = Wish::Version,
            _ => unreachable!("every option that is taken is taken here: {name}"),
        }
        Ok(())
    }

    fn submit(mut self) -> anyhow::Result<ExitCode> {
        let mut settings = match &self.properties_file {
            Some(path) => properties(path)?,
            None => BTreeMap::new(),
        };
        settings.append(&mut self.settings);
        self.settle(settings);
        for (given, why) in &self.ignored {
            say(&format!("ignored: {given} ({why})"));
        }
        let (folder, import_from) = import_from(&self.python_files)?;
        self.submission.import_from = import_from;
        if self.is_verbose {
            say(&format!("runs {:?}", self.submission));
        }
        let ended = submit(&self.submission);
        drop(folder);
        ended
    }

    /// Tells settings that the program's sessions get from those that mean nothing here.
    fn settle(&mut self, settings: BTreeMap<String, String>) {
        for (key, value) in settings {
            if key == "spark.remote" {
                self.submission.remote.get_or_insert(value);
            } else if is_session_setting(&key) {
                self.submission.settings.insert(key, value);
            } else {
                let why = "PySpark hands over settings that begin with spark.sql.";
                self.ignored.push((format!("--conf {key}={value}"), why));
            }
        }
    }
}

/// The settings of a properties file: a key and a value a line, between them white space, `=` or `:`.
fn properties(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    Ok(lines.map(setting_of_line).collect())
}

fn setting_of_line(line: &str) -> (String, String) {
    let is_separator = |letter: char| letter.is_whitespace() || letter == '=' || letter == ':';
    let (key, rest) = line.split_once(is_separator).unwrap_or((line, ""));
    (
        key.to_owned(),
        rest.trim_start_matches(is_separator).to_owned(),
    )
}

/// What goes in front of `PYTHONPATH` for `--py-files`: archives as they are, modules in a folder of copies, so that
/// what lies beside them is not imported.
fn import_from(files: &[PathBuf]) -> anyhow::Result<(Option<TempDir>, Vec<PathBuf>)> {
    let mut folder = None;
    let mut paths = Vec::new();
    for file in files {
        let path = file.canonicalize();
        let path = path.with_context(|| format!("--py-files: {}", file.display()))?;
        if path.extension().is_none_or(|extension| extension != "py") {
            paths.push(path);
            continue;
        }
        let copies = match &folder {
            Some(folder) => folder,
            None => folder.insert(TempDir::with_prefix("fleuve-py-files-")?),
        };
        std::fs::copy(
            &path,
            copies.path().join(path.file_name().unwrap_or_default()),
        )
        .with_context(|| format!("--py-files: {}", file.display()))?;
    }
    paths.extend(folder.as_ref().map(|folder| folder.path().to_owned()));
    Ok((folder, paths))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Parsed, SparkSubmitError> {
        Parsed::of(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn options_without_effect_are_named_with_their_values() {
        let line =
            "--master local[2] --driver-memory=2g --supervise --packages a:b:c app.py --master x";
        let parsed = parse(line).unwrap();
        let ignored: Vec<_> = parsed
            .ignored
            .iter()
            .map(|(given, _)| given.as_str())
            .collect();
        let given = [
            "--master local[2]",
            "--driver-memory 2g",
            "--supervise",
            "--packages a:b:c",
        ];
        assert_eq!(ignored, given);
        assert_eq!(parsed.wish, Wish::Program);
        assert_eq!(parsed.submission.program, "app.py");
        assert_eq!(parsed.submission.arguments, ["--master", "x"]);
    }

    #[test]
    fn mistakes_are_told_in_sparks_words() {
        for (line, message) in [
            ("--foo app.py", "Unrecognized option: --foo"),
            ("--help=yes app.py", "Unrecognized option: --help=yes"),
            ("--conf", "Missing argument for option '--conf'."),
            ("--conf abc app.py", "Invalid argument to --conf: abc"),
            (
                "--remote sc://a --master local app.py",
                "Remote cannot be specified with master and/or deploy mode.",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), message);
        }
        assert!(matches!(
            parse("--kill 7"),
            Err(SparkSubmitError::Refused { .. })
        ));
        assert!(matches!(
            parse("--class A a.jar"),
            Err(SparkSubmitError::NotPython(_))
        ));
        assert_eq!(parse("--lenient").unwrap().wish, Wish::Nothing);
        assert_eq!(parse("--version app.py").unwrap().wish, Wish::Version);
    }

    #[test]
    fn settings_go_to_the_sessions_or_are_named() {
        let mut parsed = parse("-c spark.sql.a=1=2 --conf=spark.driver.memory=2g app.py").unwrap();
        let settings = std::mem::take(&mut parsed.settings);
        parsed.settle(settings);
        assert_eq!(
            parsed
                .submission
                .settings
                .get("spark.sql.a")
                .map(String::as_str),
            Some("1=2")
        );
        assert_eq!(parsed.ignored[0].0, "--conf spark.driver.memory=2g");
        let of = |line| setting_of_line(line);
        let pair = ("spark.sql.a".to_owned(), "b c".to_owned());
        assert_eq!(of("spark.sql.a   b c"), pair);
        assert_eq!(of("spark.sql.a = b c"), pair);
    }

    #[test]
    fn modules_are_copied_and_archives_named() {
        let folder = tempfile::tempdir().unwrap();
        let (module, archive) = (folder.path().join("m.py"), folder.path().join("a.zip"));
        std::fs::write(&module, "x = 1").unwrap();
        std::fs::write(&archive, "").unwrap();
        let (copies, paths) = import_from(&[module, archive.clone()]).unwrap();
        let copies = copies.unwrap();
        assert_eq!(
            paths,
            [archive.canonicalize().unwrap(), copies.path().to_owned()]
        );
        assert!(copies.path().join("m.py").exists());
        assert!(import_from(&[folder.path().join("absent.py")]).is_err());
    }
}
