//! Kafka's own classes: every API in every version, and the records of internal topics.
//!
//! A Java program reads our bytes with Kafka's generated classes, writes them again and prints
//! Kafka's JSON form, which has to be ours: that finds fields that are swapped or misnamed,
//! which bytes alone do not.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use fleuve_protocol::internal_records::{consumer_group, consumer_protocol, metadata, offsets};
use fleuve_protocol::schema::{Struct, sample, to_json};
use fleuve_protocol::{ApiKey, Message};
use serde_json::Value;

use crate::{ROUNDS, hex, random};

/// One message to compare.
struct Case {
    class: String,
    version: i16,
    json: String,
    bytes: Vec<u8>,
    is_first: bool,
}

#[test]
fn every_message_has_the_same_bytes_and_the_same_json_in_java() {
    let Some(libs) = libs() else {
        println!(
            "SKIPPED every_message_has_the_same_bytes_and_the_same_json_in_java: \
             Apache Kafka is not installed beside (cargo xtask peers)"
        );
        return;
    };
    let mut cases = Vec::new();
    apis(&mut cases);
    records(&mut cases);
    let answers = ask_java(&libs, &cases);
    assert_eq!(answers.len(), cases.len(), "Java has answered every case");
    for (case, answer) in cases.iter().zip(&answers) {
        let context = format!("{} {}: {}", case.class, case.version, case.json);
        let (bytes, json) = answer
            .split_once('\t')
            .unwrap_or_else(|| panic!("{context}\n{answer}"));
        assert_eq!(hex(&case.bytes), bytes, "{context}");
        let ours: Value = serde_json::from_str(&case.json).expect("ours is JSON");
        let theirs: Value = serde_json::from_str(json).expect("Java's is JSON");
        assert_eq!(ours, theirs, "{} {}", case.class, case.version);
    }
    println!("{} messages are the same", cases.len());
    if std::env::var_os("FLEUVE_WRITE_GOLDENS").is_some() {
        write_goldens(&cases, &answers);
    }
}

fn apis(cases: &mut Vec<Case>) {
    for key in ApiKey::ALL.iter().copied() {
        let (request, response) = key.schemas();
        for (schema, suffix) in [(request, "RequestData"), (response, "ResponseData")] {
            let class = format!("org.apache.kafka.common.message.{key}{suffix}");
            for version in key.versions().iter() {
                push(cases, &class, schema, version, key.is_flexible(version));
            }
        }
    }
}

/// Declares where Kafka has the classes of records.
macro_rules! records {
    ($cases:ident, $package:literal, $($module:ident::$name:ident),* $(,)?) => {$(
        let class = concat!($package, ".", stringify!($name));
        for version in $module::$name::VERSIONS.iter() {
            let is_flexible = $module::$name::is_flexible(version);
            push($cases, class, $module::$name::schema(), version, is_flexible);
        }
    )*};
}

fn records(cases: &mut Vec<Case>) {
    records!(
        cases,
        "org.apache.kafka.common.message",
        consumer_protocol::ConsumerProtocolSubscription,
        consumer_protocol::ConsumerProtocolAssignment,
    );
    records!(
        cases,
        "org.apache.kafka.coordinator.group.generated",
        offsets::OffsetCommitKey,
        offsets::OffsetCommitValue,
        offsets::GroupMetadataKey,
        offsets::GroupMetadataValue,
        consumer_group::ConsumerGroupMetadataKey,
        consumer_group::ConsumerGroupMetadataValue,
        consumer_group::ConsumerGroupPartitionMetadataKey,
        consumer_group::ConsumerGroupPartitionMetadataValue,
        consumer_group::ConsumerGroupMemberMetadataKey,
        consumer_group::ConsumerGroupMemberMetadataValue,
        consumer_group::ConsumerGroupTargetAssignmentMetadataKey,
        consumer_group::ConsumerGroupTargetAssignmentMetadataValue,
        consumer_group::ConsumerGroupTargetAssignmentMemberKey,
        consumer_group::ConsumerGroupTargetAssignmentMemberValue,
        consumer_group::ConsumerGroupCurrentMemberAssignmentKey,
        consumer_group::ConsumerGroupCurrentMemberAssignmentValue,
        consumer_group::ConsumerGroupRegularExpressionKey,
        consumer_group::ConsumerGroupRegularExpressionValue,
    );
    records!(
        cases,
        "org.apache.kafka.common.metadata",
        metadata::RegisterBrokerRecord,
        metadata::UnregisterBrokerRecord,
        metadata::TopicRecord,
        metadata::PartitionRecord,
        metadata::ConfigRecord,
        metadata::PartitionChangeRecord,
        metadata::FenceBrokerRecord,
        metadata::UnfenceBrokerRecord,
        metadata::RemoveTopicRecord,
        metadata::DelegationTokenRecord,
        metadata::UserScramCredentialRecord,
        metadata::FeatureLevelRecord,
        metadata::ClientQuotaRecord,
        metadata::ProducerIdsRecord,
        metadata::BrokerRegistrationChangeRecord,
        metadata::AccessControlEntryRecord,
        metadata::RemoveAccessControlEntryRecord,
        metadata::NoOpRecord,
        metadata::ZkMigrationStateRecord,
        metadata::RemoveUserScramCredentialRecord,
        metadata::BeginTransactionRecord,
        metadata::EndTransactionRecord,
        metadata::AbortTransactionRecord,
        metadata::RemoveDelegationTokenRecord,
        metadata::RegisterControllerRecord,
        metadata::ClearElrRecord,
    );
}

fn push(
    cases: &mut Vec<Case>,
    class: &str,
    schema: &'static Struct,
    version: i16,
    is_flexible: bool,
) {
    for seed in 0..ROUNDS {
        let bytes = sample(schema, version, is_flexible, &mut random(seed));
        let json = to_json(schema, version, is_flexible, Bytes::from(bytes.clone()))
            .unwrap_or_else(|error| panic!("{class} {version}, seed {seed}: {error}"));
        let class = class.to_owned();
        cases.push(Case {
            class,
            version,
            json,
            bytes,
            is_first: seed == 0,
        });
    }
}

fn libs() -> Option<PathBuf> {
    let libs = PathBuf::from(std::env::var("FLEUVE_PEERS").ok()?)
        .join("kafka")
        .join("libs");
    let has_java = Command::new("java")
        .arg("-version")
        .stderr(Stdio::null())
        .status()
        .is_ok();
    (libs.is_dir() && has_java).then_some(libs)
}

fn ask_java(libs: &Path, cases: &[Case]) -> Vec<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../java/MessageConverter.java");
    let mut java = Command::new("java")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("java starts");
    let mut input = java.stdin.take().expect("it is piped");
    let lines: String = cases
        .iter()
        .map(|case| format!("{} {} {}\n", case.class, case.version, hex(&case.bytes)))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = java.wait_with_output().expect("java runs");
    writer
        .join()
        .expect("writing does not panic")
        .expect("java reads its input");
    assert!(output.status.success(), "java ended with {}", output.status);
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Writes a request and a response of each version as Java has them, for the protocol crate's
/// own test.
fn write_goldens(cases: &[Case], answers: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../crates/protocol/tests/golden/messages.txt");
    let mut text = String::from(
        "# Messages as Apache Kafka 4.3.0 writes them: class, version, bytes. Written by the\n\
         # codec differential when FLEUVE_WRITE_GOLDENS is set.\n",
    );
    for (case, answer) in cases
        .iter()
        .zip(answers)
        .filter(|(case, _)| case.is_first && case.class.ends_with("Data"))
    {
        let (bytes, _) = answer.split_once('\t').expect("it was compared");
        let class = case
            .class
            .rsplit('.')
            .next()
            .expect("a name has a last part");
        text.push_str(&format!("{class} {} {bytes}\n", case.version));
    }
    std::fs::write(path, text).expect("the goldens can be written");
}
