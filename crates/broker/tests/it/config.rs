use std::path::Path;

use fleuve_broker::config::{
    BrokerConfig, BrokerSettings, ConfigSource, ConfigWarning, Origin, Properties, TopicSettings,
    broker_table, group_table, local_properties, properties_of_environment, topic_table,
    unknown_synonyms,
};

fn parse(text: &str) -> Properties {
    Properties::parse(Path::new("server.properties"), text).expect("well formed")
}

fn value(properties: &Properties, key: &str) -> String {
    properties
        .get(key)
        .map(|property| property.value.clone())
        .unwrap_or_default()
}

#[test]
fn properties_are_read_as_java_reads_them() {
    let properties = parse(
        "# comment\n! comment\n\na=1\n b : 2 \nc 3\nd=x\\\n   y\ne\\=f=\\u0041\\t\nempty=\npath=C\\:\\\\x\n",
    );
    let keys: Vec<&str> = properties.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b", "c", "d", "e=f", "empty", "path"]);
    assert_eq!(value(&properties, "b"), "2 ");
    assert_eq!(value(&properties, "c"), "3");
    assert_eq!(value(&properties, "d"), "xy");
    assert_eq!(value(&properties, "e=f"), "A\t");
    assert_eq!(value(&properties, "path"), "C:\\x");
}

#[test]
fn a_property_knows_its_line() {
    let properties = parse("# first\na=1\\\n2\nb=3\n");
    let line = |key: &str| match &properties.get(key).expect("there").origin {
        Origin::File { line, .. } => *line,
        other => panic!("{other}"),
    };
    assert_eq!((line("a"), line("b")), (2, 4));
}

#[test]
fn every_default_of_the_tables_is_within_its_limits() {
    for table in [broker_table(), topic_table(), group_table()] {
        for definition in table.iter() {
            if let Some(default) = &definition.default {
                definition
                    .check(default)
                    .unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
    assert_eq!(unknown_synonyms(), Vec::<String>::new());
}

#[test]
fn every_config_that_is_acted_on_is_documented() {
    use fleuve_broker::config::definition::Effect;
    for table in [broker_table(), topic_table(), group_table()] {
        for definition in table.iter().filter(|it| it.effect == Effect::Acts) {
            assert!(!definition.documentation.is_empty(), "{}", definition.name);
        }
    }
}

fn refusal(name: &str, value: &str) -> String {
    let definition = topic_table().get(name).expect("known");
    definition.check(value).expect_err("refused").to_string()
}

#[test]
fn bad_values_are_refused_in_kafkas_words() {
    assert_eq!(
        refusal("retention.ms", "abc"),
        "Invalid value abc for configuration retention.ms: Not a number of type LONG"
    );
    assert_eq!(
        refusal("retention.ms", "-5"),
        "Invalid value -5 for configuration retention.ms: Value must be at least -1"
    );
    assert_eq!(
        refusal("cleanup.policy", "foo"),
        "Invalid value foo for configuration cleanup.policy: String must be one of: compact, \
         delete"
    );
    assert_eq!(
        refusal("compression.gzip.level", "12"),
        "Invalid value 12 for configuration compression.gzip.level: Value must be between 1 and \
         9 or equal to -1"
    );
    assert_eq!(
        refusal("min.cleanable.dirty.ratio", "2"),
        "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more \
         than 1"
    );
    assert_eq!(
        refusal("preallocate", "maybe"),
        "Invalid value maybe for configuration preallocate: Expected value to be either true or \
         false"
    );
    assert_eq!(
        refusal("leader.replication.throttled.replicas", "zz"),
        "Invalid value [zz] for configuration leader.replication.throttled.replicas: \
         leader.replication.throttled.replicas must be the literal '*' or a list of replicas in \
         the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
    );
}

#[test]
fn a_bad_value_in_a_file_is_reported_with_file_and_line() {
    let errors = BrokerConfig::of_properties(&parse("log.dirs=/x\n\nnum.partitions=three\n"))
        .expect_err("refused");
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "server.properties:3: Invalid value three for configuration num.partitions: Not a \
          number of type INT"
        ]
    );
}

#[test]
fn an_unknown_key_is_warned_of_with_what_was_meant() {
    let (_, warnings) = BrokerSettings::check(&parse("num.partitons=3\n")).expect("valid");
    let [
        ConfigWarning::UnknownKey {
            key, did_you_mean, ..
        },
    ] = &warnings[..]
    else {
        panic!("{warnings:?}")
    };
    assert_eq!(
        (key.as_str(), did_you_mean.as_deref()),
        ("num.partitons", Some("num.partitions"))
    );
}

#[test]
fn kafkas_environment_becomes_properties() {
    let variables = [
        ("KAFKA_LOG_RETENTION_MS", "5"),
        ("KAFKA_SOME__KEY___NAME", "x"),
        ("KAFKA_HEAP_OPTS", "-Xmx1g"),
        ("KAFKA_LOG4J_OPTS", "x"),
        ("HOME", "/root"),
    ];
    let properties = properties_of_environment(
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let keys: Vec<&str> = properties.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["log.retention.ms", "some_key-name"]);
}

#[test]
fn a_topics_defaults_come_from_the_broker_in_the_topics_unit() {
    let (settings, _) =
        BrokerSettings::check(&parse("log.retention.hours=2\nlog.roll.ms=1000\n")).expect("valid");
    let none = std::collections::BTreeMap::new();
    let topic = TopicSettings::new(&none, &settings);
    let of = |name: &str| topic.value_and_source(topic_table().get(name).expect("known"));
    assert_eq!(
        of("retention.ms"),
        ("7200000".to_owned(), ConfigSource::Default)
    );
    assert_eq!(
        of("segment.ms"),
        ("1000".to_owned(), ConfigSource::StaticBroker)
    );
    assert_eq!(
        of("segment.bytes"),
        ("1073741824".to_owned(), ConfigSource::Default)
    );
}

#[test]
fn kafkas_stock_kraft_file_starts_one_broker_and_its_controller_listener_is_not_bound() {
    let config = BrokerConfig::of_properties(&parse(
        "process.roles=broker,controller\nnode.id=1\n\
         controller.quorum.bootstrap.servers=localhost:9093\n\
         listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n\
         advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\n\
         num.network.threads=3\nlog.dirs=/tmp/kraft-combined-logs\n",
    ))
    .expect("valid");
    let names: Vec<&str> = config.listeners.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["PLAINTEXT"]);
    assert_eq!(config.broker_id.value(), 1);
}

#[test]
fn what_needs_several_nodes_or_security_is_refused_by_name() {
    let refused = |text: &str| {
        let errors = BrokerConfig::of_properties(&parse(text)).expect_err("refused");
        errors[0].to_string()
    };
    assert!(refused("process.roles=controller\n").contains("process.roles=controller alone"));
    assert!(refused("controller.quorum.voters=1@a:1,2@b:1,3@c:1\n").contains("names 3 nodes"),);
    assert!(refused("listeners=SSL://:9093\n").contains("SSL, which is not supported yet"));
    assert!(refused("authorizer.class.name=x.Y\n").contains("authorizer.class.name is set"));
}

#[test]
fn a_server_without_a_file_keeps_its_data_where_either_key_says() {
    for key in ["log.dir", "log.dirs"] {
        let mut properties = local_properties(Path::new("/home/data"), 0);
        properties.set_override(key, "/elsewhere");
        let config = BrokerConfig::of_properties(&properties).expect("valid");
        assert_eq!(config.log_directories, [Path::new("/elsewhere")], "{key}");
    }
}

#[test]
fn a_file_is_read_in_utf_8_and_in_the_latin_1_of_java() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server.properties");
    for bytes in [
        &b"# caf\xe9\na=\xe9t\xe9\n"[..],
        "# caf\u{e9}\na=\u{e9}t\u{e9}\n".as_bytes(),
    ] {
        std::fs::write(&path, bytes).expect("written");
        let properties = Properties::read(&path).expect("read");
        assert_eq!(value(&properties, "a"), "\u{e9}t\u{e9}");
    }
    let error = Properties::read(folder.path())
        .expect_err("a folder")
        .to_string();
    assert!(error.contains("cannot be read: Is a directory"), "{error}");
}
