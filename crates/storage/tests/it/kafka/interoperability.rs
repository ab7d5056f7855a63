use std::path::{Path, PathBuf};

use super::describe::describe;
use super::peer::Kafka;
use super::writer;

/// The partition that Kafka writes, and we.
const FOLDER: &str = "interop-0";

#[test]
fn a_log_that_kafka_stopped_cleanly_loads_equal() {
    check_kafkas_log("a_log_that_kafka_stopped_cleanly_loads_equal", "clean");
}

#[test]
fn a_log_that_kafka_was_killed_over_recovers_equal() {
    check_kafkas_log("a_log_that_kafka_was_killed_over_recovers_equal", "halt");
}

fn check_kafkas_log(test: &str, end: &str) {
    let Some(kafka) = Kafka::or_skip(test) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let theirs = kafka.write(&folder.path().join(FOLDER), end);
    let opened = writer::open(folder.path());
    assert_same(&theirs, &describe(&opened.log));
    let verified = opened.report.verified_bytes;
    assert_eq!(
        verified == 0,
        end == "clean",
        "{verified} bytes were verified"
    );
    assert_eq!(opened.report.cut_off, None);
}

#[test]
fn a_log_of_ours_loads_equal_in_kafka() {
    let Some(kafka) = Kafka::or_skip("a_log_of_ours_loads_equal_in_kafka") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let ours = writer::write_every_kind(folder.path());
    for stop in ["clean", "unclean"] {
        assert_same(&kafka.read(&folder.path().join(FOLDER), stop), &ours);
    }
}

#[test]
fn a_log_goes_to_kafka_and_back_and_is_written_by_both() {
    let test = "a_log_goes_to_kafka_and_back_and_is_written_by_both";
    let Some(kafka) = Kafka::or_skip(test) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    kafka.write(&folder.path().join(FOLDER), "clean");
    let ours = writer::write_more(folder.path());
    assert_same(&kafka.read(&folder.path().join(FOLDER), "clean"), &ours);
    assert_same(&describe(&writer::open(folder.path()).log), &ours);
}

#[test]
fn tables_made_anew_are_kafkas_byte_for_byte() {
    let Some(kafka) = Kafka::or_skip("tables_made_anew_are_kafkas_byte_for_byte") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    kafka.write(&folder.path().join(FOLDER), "clean");
    std::fs::remove_file(folder.path().join(".kafka_cleanshutdown")).expect("Kafka left it");
    std::fs::remove_file(folder.path().join("recovery-point-offset-checkpoint"))
        .expect("Kafka left it");
    let tables = files(
        &folder.path().join(FOLDER),
        &[".index", ".timeindex", ".txnindex"],
    );
    assert!(tables.len() > 10, "{tables:?}");
    let theirs: Vec<_> = tables.iter().map(|file| take(file)).collect();
    writer::stop(writer::open(folder.path()));
    for (file, theirs) in tables.iter().zip(theirs) {
        assert_eq!(take(file), theirs, "{}", file.display());
    }
}

/// Reads a file and removes it.
fn take(file: &Path) -> Vec<u8> {
    let content = std::fs::read(file).expect("the file is there");
    std::fs::remove_file(file).expect("the file is there");
    content
}

#[test]
fn kafkas_dump_tool_finds_our_files_sound() {
    let Some(kafka) = Kafka::or_skip("kafkas_dump_tool_finds_our_files_sound") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let ours = writer::write_every_kind(folder.path());
    let batches = ours.iter().filter(|line| line.starts_with("batch")).count();
    let files = |suffixes: &[&str]| files(&folder.path().join(FOLDER), suffixes);

    let logs = files(&[".log"]);
    assert!(logs.len() > 2, "the log has several segments");
    let dumped = dump(&kafka, &["--deep-iteration", "--print-data-log"], &logs);
    assert_eq!(count(&dumped, "baseOffset:", "isvalid: true"), batches);
    assert_eq!(count(&dumped, "baseOffset:", ""), batches);

    let tables = files(&[".index", ".timeindex"]);
    assert_eq!(tables.len(), 2 * logs.len());
    let sane = dump(&kafka, &["--index-sanity-check"], &tables);
    assert_eq!(count(&sane, "", "passed sanity check."), tables.len());
    dump(&kafka, &["--verify-index-only"], &tables);

    let aborted = ours
        .iter()
        .filter(|line| line.starts_with("aborted"))
        .count();
    let dumped = dump(&kafka, &[], &files(&[".txnindex"]));
    assert_eq!(count(&dumped, "version:", "producerId:"), aborted);

    let snapshots = files(&[".snapshot"]);
    let dumped = dump(&kafka, &[], &snapshots[snapshots.len() - 1..]);
    let producers = ours
        .iter()
        .filter(|line| line.starts_with("producer"))
        .count();
    assert_eq!(count(&dumped, "producerId:", "lastSequence:"), producers);
}

/// What the tool prints of files in which it finds nothing wrong.
fn dump(kafka: &Kafka, arguments: &[&str], files: &[PathBuf]) -> Vec<String> {
    let (lines, errors) = kafka.dump(arguments, files);
    let complaints: Vec<_> = errors
        .iter()
        .filter(|line| !is_said_of_every_log(line))
        .collect();
    assert!(complaints.is_empty(), "{files:?}: {complaints:?}");
    lines
}

fn count(lines: &[String], beginning: &str, part: &str) -> usize {
    let wanted = |line: &&String| line.starts_with(beginning) && line.contains(part);
    lines.iter().filter(wanted).count()
}

/// With `--deep-iteration` the tool takes every log to begin at offset 0, Kafka's own too.
fn is_said_of_every_log(line: &str) -> bool {
    line.starts_with("SLF4J")
        || line.starts_with("Non-consecutive offsets in")
        || line.starts_with("  -1 is followed by")
}

fn files(folder: &Path, suffixes: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder exists");
    let paths = entries.map(|entry| entry.expect("it is readable").path());
    let is_wanted = |path: &PathBuf| {
        let path = path.to_string_lossy();
        suffixes.iter().any(|suffix| path.ends_with(suffix))
    };
    let mut files: Vec<_> = paths.filter(is_wanted).collect();
    files.sort();
    files
}

/// Compares line by line, so that a difference shows as one.
fn assert_same(theirs: &[String], ours: &[String]) {
    for (number, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
        assert_eq!(theirs, ours, "line {number}: Kafka's, ours");
    }
    assert_eq!(theirs.len(), ours.len(), "lines");
    assert!(ours.len() > 500, "the log holds every kind of batch");
}
