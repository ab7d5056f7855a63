//! Script names that are commands of ours: `kafka-server-start.sh FILE` is `fleuve server FILE`.

use std::ffi::OsString;
use std::path::Path;

use crate::scripts;

/// The hidden commands that scripts are. Nobody mistypes a command into one of these, so none is ever suggested.
pub(crate) const KAFKA_SERVER_START: &str = "__kafka-start";
pub(crate) const KAFKA_SERVER_STOP: &str = "__kafka-stop";
#[cfg(feature = "spark")]
pub(crate) const SPARK_SUBMIT: &str = "__spark";

/// Each script's name, without `.sh`, and the command that it is.
const SCRIPTS: &[(&str, &str)] = &[
    ("kafka-server-start", KAFKA_SERVER_START),
    ("kafka-server-stop", KAFKA_SERVER_STOP),
    #[cfg(feature = "spark")]
    (SPARKS_SCRIPT, SPARK_SUBMIT),
];

/// Spark's script, whose name has no `.sh` anywhere.
const SPARKS_SCRIPT: &str = "spark-submit";

/// `fleuve kafka-topics.sh ...` as if it had been called by that name, for where there are no links.
pub(crate) fn called_by_word(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.get(1).and_then(|word| word.to_str());
    let name = name.map(|word| word.strip_suffix(".sh").unwrap_or(word));
    let is_script = |name: &str| scripts::names().chain(names()).any(|known| known == name);
    if name.is_some_and(is_script) {
        arguments.remove(0);
    }
    arguments
}

/// The scripts' names, without `.sh`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(name, _)| *name)
}

/// What a script's file is called: with `.sh`, as Kafka's are, or without.
pub(crate) fn file_name(name: &str, has_suffix: bool) -> String {
    match has_suffix && name != SPARKS_SCRIPT {
        true => format!("{name}.sh"),
        false => name.to_owned(),
    }
}

/// `arguments` with the command in front that the program's name stands for, if it is a script's.
pub(crate) fn arguments_as_called(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_else(|| OsString::from("fleuve"));
    let name = Path::new(&program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let script = name.strip_suffix(".sh").unwrap_or(name);
    let command = SCRIPTS
        .iter()
        .find(|(known, _)| *known == script)
        .map(|(_, command)| *command);
    let command = command.map(OsString::from);
    std::iter::once(program)
        .chain(command)
        .chain(arguments)
        .collect()
}
