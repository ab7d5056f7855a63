//! `kafka-run-class`: Kafka's programs by the names of their Java classes.
//!
//! There is no Java here. A class that one of our scripts stands for is that script, under today's
//! class name and under those of older releases; any other class is refused with what to do
//! instead. Start at [`resolved`].

use std::ffi::OsString;
use std::path::Path;

pub(crate) const NAME: &str = "kafka-run-class";

/// Classes and the scripts that they are.
const CLASSES: &[(&str, &str)] = &[
    ("kafka.Kafka", "kafka-server-start"),
    (
        "kafka.admin.BrokerApiVersionsCommand",
        "kafka-broker-api-versions",
    ),
    ("kafka.admin.ConfigCommand", "kafka-configs"),
    ("kafka.admin.ConsumerGroupCommand", "kafka-consumer-groups"),
    ("kafka.admin.DeleteRecordsCommand", "kafka-delete-records"),
    ("kafka.admin.LogDirsCommand", "kafka-log-dirs"),
    ("kafka.admin.TopicCommand", "kafka-topics"),
    ("kafka.tools.ClusterTool", "kafka-cluster"),
    ("kafka.tools.ConsoleConsumer", "kafka-console-consumer"),
    ("kafka.tools.ConsoleProducer", "kafka-console-producer"),
    ("kafka.tools.DumpLogSegments", "kafka-dump-log"),
    ("kafka.tools.GetOffsetShell", "kafka-get-offsets"),
    ("kafka.tools.StorageTool", "kafka-storage"),
    (
        "org.apache.kafka.tools.BrokerApiVersionsCommand",
        "kafka-broker-api-versions",
    ),
    ("org.apache.kafka.tools.ClusterTool", "kafka-cluster"),
    (
        "org.apache.kafka.tools.ConsoleProducer",
        "kafka-console-producer",
    ),
    (
        "org.apache.kafka.tools.DeleteRecordsCommand",
        "kafka-delete-records",
    ),
    ("org.apache.kafka.tools.DumpLogSegments", "kafka-dump-log"),
    ("org.apache.kafka.tools.GetOffsetShell", "kafka-get-offsets"),
    ("org.apache.kafka.tools.GroupsCommand", "kafka-groups"),
    ("org.apache.kafka.tools.LogDirsCommand", "kafka-log-dirs"),
    ("org.apache.kafka.tools.TopicCommand", "kafka-topics"),
    (
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "kafka-console-consumer",
    ),
    (
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        "kafka-consumer-groups",
    ),
    (
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        "zookeeper-server-start",
    ),
];

/// Why a class is not run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunClassError {
    /// No class was named.
    #[error("USAGE: {NAME}.sh [-daemon] classname [opts]")]
    NoClass,
    /// An option of the JVM, or of the shell script around it.
    #[error("{NAME}: {0} is for a Java virtual machine, and there is none here: leave it away")]
    JavaOption(String),
    /// Only the broker goes into the background.
    #[error("{NAME}: -daemon is for kafka.Kafka only, not for {0}")]
    NoDaemon(String),
    /// None of our scripts stands for the class.
    #[error(
        "{NAME}: Fleuve has no program in the place of the Java class {0}. With Java and Apache \
         Kafka's jars, `java -cp 'LIBS/*' {0} ...` runs it against this broker as against any other"
    )]
    Unknown(String),
}

/// `arguments` as they are, or, where they call `kafka-run-class`, as if the class's script had
/// been called.
pub(crate) fn resolved(arguments: Vec<OsString>) -> Result<Vec<OsString>, RunClassError> {
    let is_run_class = arguments
        .first()
        .and_then(|program| Path::new(program).file_name()?.to_str())
        .is_some_and(|file| file.strip_suffix(".sh").unwrap_or(file) == NAME);
    if !is_run_class {
        return Ok(arguments);
    }
    let mut words = arguments.into_iter().skip(1).peekable();
    let daemon = words.next_if(|word| word == "-daemon");
    let class = words.next().ok_or(RunClassError::NoClass)?;
    let class = class.to_string_lossy().into_owned();
    if class.starts_with('-') {
        return Err(RunClassError::JavaOption(class));
    }
    let known = CLASSES.iter().find(|(name, _)| *name == class);
    let Some((_, script)) = known else {
        return Err(RunClassError::Unknown(class));
    };
    if daemon.is_some() && class != "kafka.Kafka" {
        return Err(RunClassError::NoDaemon(class));
    }
    let script = OsString::from(script);
    Ok(std::iter::once(script).chain(daemon).chain(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(line: &str) -> Result<String, RunClassError> {
        let words = resolved(line.split(' ').map(OsString::from).collect())?;
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        Ok(words.join(" "))
    }

    #[test]
    fn every_class_is_a_script_that_there_is() {
        for (class, script) in CLASSES {
            let is_there = super::super::find(script).is_some() || *script == "kafka-server-start";
            assert!(is_there, "{class} is said to be {script}");
        }
    }

    #[test]
    fn a_class_takes_the_words_behind_it() {
        let line = "bin/kafka-run-class.sh kafka.tools.GetOffsetShell --topic a --time -1";
        let script = "kafka-get-offsets --topic a --time -1";
        assert_eq!(resolve(line).as_deref(), Ok(script));
        let broker = resolve("kafka-run-class -daemon kafka.Kafka server.properties");
        assert_eq!(
            broker.as_deref(),
            Ok("kafka-server-start -daemon server.properties")
        );
    }

    #[test]
    fn other_scripts_are_left_alone() {
        let line = "bin/kafka-topics.sh kafka.tools.GetOffsetShell";
        assert_eq!(resolve(line).as_deref(), Ok(line));
    }

    #[test]
    fn what_cannot_be_run_is_refused_by_name() {
        let unknown = RunClassError::Unknown("a.B".to_owned());
        assert_eq!(resolve("kafka-run-class a.B -x"), Err(unknown));
        assert_eq!(resolve("kafka-run-class"), Err(RunClassError::NoClass));
        let option = RunClassError::JavaOption("-loggc".to_owned());
        assert_eq!(resolve("kafka-run-class -loggc kafka.Kafka"), Err(option));
        let class = "kafka.admin.TopicCommand";
        let daemon = RunClassError::NoDaemon(class.to_owned());
        assert_eq!(
            resolve(&format!("kafka-run-class -daemon {class}")),
            Err(daemon)
        );
    }
}
