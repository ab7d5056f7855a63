//! `kafka-storage`: ids, and which cluster a broker's directories belong to.
//!
//! A broker of ours formats its directories itself when it first starts; formatting before that
//! only decides the cluster's id. Start at [`run`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fleuve_broker::config::{BrokerConfig, properties_of_environment};
use fleuve_model::{BrokerId, TopicId};
use fleuve_storage::{LogDirectory, MetaProperties};
use uuid::Uuid;

use super::grammar::{Given, Grammar, switch, text};
use super::script::{Console, Failure, Running, Script};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-storage",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "The Kafka storage tool. Commands: info (Get information about the log directories \
              on this node), format (Format the log directories on this node), random-uuid (Print \
              a random UUID).",
    options: &[
        text(
            "config",
            "file",
            "REQUIRED but for random-uuid: The server.properties; also -c.",
        ),
        text(
            "cluster-id",
            "id",
            "REQUIRED to format: The cluster's id; also -t.",
        ),
        switch(
            "ignore-formatted",
            "Pass over directories that are formatted; also -g.",
        ),
        switch(
            "standalone",
            "A cluster of this node alone, as it always is here; also -s.",
        ),
        text("add-scram", "credential", "Not supported."),
        text("feature", "feature=level", "Not supported."),
        text("initial-controllers", "controllers", "Not supported."),
        switch("no-initial-controllers", "Not supported."),
        text(
            "release-version",
            "version",
            "Only that of this program, 4.3-IV0; also -r.",
        ),
    ],
};

/// The short names of options.
const SHORT: &[(&str, &str)] = &[
    ("-c", "--config"),
    ("-t", "--cluster-id"),
    ("-g", "--ignore-formatted"),
    ("-s", "--standalone"),
    ("-S", "--add-scram"),
    ("-f", "--feature"),
    ("-I", "--initial-controllers"),
    ("-N", "--no-initial-controllers"),
    ("-r", "--release-version"),
    ("-h", "--help"),
];

/// What cannot be asked for, and why.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("add-scram", "SCRAM users are not there yet"),
    ("feature", "features have the levels of Kafka 4.3"),
    (
        "initial-controllers",
        "a cluster has one broker, which is its own controller",
    ),
    (
        "no-initial-controllers",
        "a cluster has one broker, which is its own controller",
    ),
];

/// The metadata version of Kafka whose features the broker has.
const METADATA_VERSION: &str = "4.3-IV0";

const META_PROPERTIES: &str = "meta.properties";

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(async move { run(&GRAMMAR.parse(&with_long_names(given.words()))?, console) })
}

fn with_long_names(words: &[String]) -> Vec<String> {
    let long = |word: &String| {
        let found = SHORT.iter().find(|(short, _)| short == word);
        found.map_or_else(|| word.clone(), |(_, long)| (*long).to_owned())
    };
    words.iter().map(long).collect()
}

fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    if given.has("help") {
        return Err(Failure::Usage(GRAMMAR.purpose.to_owned()));
    }
    let [command] = given.positional() else {
        return Err(Failure::Usage(
            "kafka-storage: one command is required".to_owned(),
        ));
    };
    match command.as_str() {
        "random-uuid" => Ok(writeln!(console.output, "{}", random_id())?),
        "info" => info(configuration(given)?.log_directories, console),
        "format" => format(given, console),
        "version-mapping" | "feature-dependencies" => Err(Failure::Errors(format!(
            "{command} is not supported: the features' levels are those of Kafka 4.3"
        ))),
        other => Err(Failure::Usage(format!(
            "kafka-storage: invalid choice: '{other}'"
        ))),
    }
}

/// Never one that begins with a dash, which would look like an option.
fn random_id() -> String {
    loop {
        let id = TopicId::new(Uuid::new_v4()).map(|id| id.to_string());
        if let Some(id) = id.filter(|id| !id.starts_with('-')) {
            return id;
        }
    }
}

/// The same that a server with this file and in this environment would have.
fn configuration(given: &Given) -> Result<BrokerConfig, Failure> {
    let path = required(given, "config")?;
    let mut properties = super::connect::properties_of(path)?;
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    properties.overlay(properties_of_environment(environment));
    BrokerConfig::of_properties(&properties).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Errors(lines.join("\n"))
    })
}

fn required<'a>(given: &'a Given, option: &str) -> Result<&'a str, Failure> {
    given.value(option).ok_or_else(|| {
        Failure::Usage(format!(
            "kafka-storage: error: argument --{option} is required"
        ))
    })
}

/// What a directory says of itself; `None` if it has not been formatted.
fn meta_properties(directory: &Path) -> Result<Option<MetaProperties>, String> {
    let path = directory.join(META_PROPERTIES);
    let failed = |error: String| format!("Error loading {}: {error}", path.display());
    match std::fs::read(&path) {
        Ok(content) => match MetaProperties::decode(&content) {
            Ok(properties) => Ok(Some(properties)),
            Err(error) => Err(failed(error.to_string())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn info(mut directories: Vec<PathBuf>, console: &mut Console<'_>) -> Result<(), Failure> {
    directories.sort();
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut first: Option<MetaProperties> = None;
    for directory in &directories {
        let path = directory.display();
        if !directory.is_dir() {
            let exists = directory.exists();
            let what = if exists {
                "is not a directory"
            } else {
                "does not exist"
            };
            problems.push(format!("{path} {what}"));
            continue;
        }
        found.push(path.to_string());
        match (meta_properties(directory), &first) {
            (Err(problem), _) => problems.push(problem),
            (Ok(None), _) => problems.push(format!("{path} is not formatted.")),
            (Ok(Some(properties)), None) => first = Some(properties),
            (Ok(Some(properties)), Some(first)) => problems.extend(mismatch(first, &properties)),
        }
    }
    section(
        "Found log directory:",
        "Found log directories:",
        &found,
        console,
    )?;
    if let Some(first) = first {
        writeln!(console.output, "Found metadata: {}\n", shown(&first))?;
    }
    section("Found problem:", "Found problems:", &problems, console)?;
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::Code(1)),
    }
}

fn mismatch(first: &MetaProperties, other: &MetaProperties) -> Option<String> {
    let what = match () {
        () if first.cluster_id != other.cluster_id => "cluster",
        () if first.node_id != other.node_id => "node",
        () => return None,
    };
    Some(format!(
        "Mismatched {what} IDs between storage directories."
    ))
}

fn section(
    one: &str,
    several: &str,
    lines: &[String],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(
        console.output,
        "{}",
        if lines.len() == 1 { one } else { several }
    )?;
    for line in lines {
        writeln!(console.output, "  {line}")?;
    }
    Ok(writeln!(console.output)?)
}

/// `{cluster.id=..., directory.id=..., node.id=1, version=1}`, as Kafka's tool has it.
fn shown(properties: &MetaProperties) -> String {
    let text = properties.encode();
    let pairs: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn format(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    for (option, why) in UNSUPPORTED {
        if given.has(option) {
            return Err(Failure::Errors(format!(
                "--{option} is not supported: {why}"
            )));
        }
    }
    if let Some(version) = given
        .value("release-version")
        .filter(|it| *it != METADATA_VERSION)
    {
        let message =
            format!("--release-version {version} is not supported, only {METADATA_VERSION}");
        return Err(Failure::Errors(message));
    }
    let cluster_id = required(given, "cluster-id")?;
    let config = configuration(given)?;
    let unformatted = unformatted(&config, cluster_id, given.has("ignore-formatted"))?;
    if unformatted.is_empty() {
        writeln!(
            console.output,
            "All of the log directories are already formatted."
        )?;
    }
    for directory in unformatted {
        let kind = kind(&config, directory, given.has("standalone"));
        let path = directory.display();
        writeln!(
            console.output,
            "Formatting {kind} {path} with metadata.version {METADATA_VERSION}."
        )?;
        write_meta_properties(&config, directory, cluster_id)
            .map_err(|error| Failure::Errors(format!("{path}: {error}")))?;
    }
    Ok(())
}

/// The directories to format, if those that are formatted belong to the same node and cluster.
fn unformatted<'a>(
    config: &'a BrokerConfig,
    cluster_id: &str,
    ignore_formatted: bool,
) -> Result<Vec<&'a PathBuf>, Failure> {
    let (mut unformatted, mut formatted) = (Vec::new(), None);
    let mut directories: Vec<&PathBuf> = config.log_directories.iter().collect();
    directories.sort();
    for directory in directories {
        match meta_properties(directory).map_err(Failure::Errors)? {
            None => unformatted.push(directory),
            Some(properties) => {
                check_owner(directory, &properties, cluster_id, config.broker_id)?;
                formatted.get_or_insert(directory);
            }
        }
    }
    match formatted {
        Some(first) if !ignore_formatted => Err(Failure::Errors(format!(
            "Log directory {} is already formatted. Use --ignore-formatted to ignore this \
             directory and format the others.",
            first.display()
        ))),
        _ => Ok(unformatted),
    }
}

fn check_owner(
    directory: &Path,
    found: &MetaProperties,
    cluster_id: &str,
    node_id: BrokerId,
) -> Result<(), Failure> {
    let file = directory.join(META_PROPERTIES);
    let invalid = |key: &str, expected: &str, read: &str| {
        let file = file.display();
        let message = format!("Invalid {key} in: {file}. Expected {expected}, but read {read}");
        Err(Failure::Errors(message))
    };
    if found.cluster_id != cluster_id {
        return invalid("cluster.id", cluster_id, &found.cluster_id);
    }
    if found.node_id != node_id {
        return invalid("node.id", &node_id.to_string(), &found.node_id.to_string());
    }
    Ok(())
}

fn kind(config: &BrokerConfig, directory: &Path, standalone: bool) -> &'static str {
    let of_metadata = config.log_directories.first().map(PathBuf::as_path);
    match (of_metadata == Some(directory), standalone) {
        (true, true) => "dynamic metadata voter directory",
        (true, false) => "metadata directory",
        (false, _) => "data directory",
    }
}

fn write_meta_properties(
    config: &BrokerConfig,
    directory: &Path,
    cluster_id: &str,
) -> Result<(), anyhow::Error> {
    std::fs::create_dir_all(directory)?;
    let mut directory = LogDirectory::open(config.disks.0.clone(), directory)?;
    directory.format(MetaProperties {
        cluster_id: cluster_id.to_owned(),
        node_id: config.broker_id,
        directory_id: Some(Uuid::new_v4()),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> (bool, String, String) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let mut console = Console {
            output: &mut output,
            errors: &mut errors,
            interactive: false,
        };
        let given = GRAMMAR.parse(&with_long_names(&words)).unwrap();
        let ended = run(&given, &mut console);
        let failure = ended.as_ref().err().map(|failure| format!("{failure:?}"));
        let output = String::from_utf8(output).unwrap();
        (ended.is_ok(), output, failure.unwrap_or_default())
    }

    fn configured(folder: &Path) -> String {
        let file = folder.join("server.properties");
        let logs = [folder.join("a"), folder.join("b")];
        let [a, b] = logs.map(|path| path.display().to_string());
        std::fs::write(&file, format!("node.id=4\nlog.dirs={b},{a}\n")).unwrap();
        file.display().to_string()
    }

    #[test]
    fn a_formatted_directory_tells_its_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let file = configured(folder.path());
        let (done, output, failure) = call(&format!("format -t some-cluster -c {file}"));
        assert!(done, "{failure}");
        let a = folder.path().join("a");
        let first = format!("Formatting data directory {} with", a.display());
        assert!(
            output.starts_with(&first) && output.lines().count() == 2,
            "{output}"
        );
        let (done, output, _) = call(&format!("info --config {file}"));
        assert!(
            done && output.contains("{cluster.id=some-cluster, directory.id="),
            "{output}"
        );
        assert!(output.contains(", node.id=4, version=1}"), "{output}");
    }

    #[test]
    fn a_directory_is_formatted_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = configured(folder.path());
        assert!(call(&format!("format -t one -c {file}")).0);
        let (done, _, failure) = call(&format!("format -t one -c {file}"));
        assert!(
            !done && failure.contains("is already formatted"),
            "{failure}"
        );
        let (done, output, _) = call(&format!("format -g -t one -c {file}"));
        assert!(
            done && output.starts_with("All of the log directories"),
            "{output}"
        );
        let (done, _, failure) = call(&format!("format -g -t two -c {file}"));
        assert!(
            !done && failure.contains("Expected two, but read one"),
            "{failure}"
        );
    }

    #[test]
    fn info_names_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = configured(folder.path());
        std::fs::create_dir(folder.path().join("a")).unwrap();
        let (done, output, _) = call(&format!("info -c {file}"));
        assert!(!done && output.contains("/a is not formatted."), "{output}");
        assert!(output.contains("/b does not exist"), "{output}");
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        let (done, _, failure) = call("format -t a -c none -S SCRAM-SHA-256=[name=a]");
        assert!(
            !done && failure.contains("--add-scram is not supported"),
            "{failure}"
        );
    }

    #[test]
    fn a_random_id_is_one() {
        let (done, output, _) = call("random-uuid");
        assert!(done && TopicId::parse(output.trim()).is_some(), "{output}");
    }
}
