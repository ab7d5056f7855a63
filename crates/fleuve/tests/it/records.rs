use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::server::{Server, command};

#[test]
fn lines_come_back_as_they_were_written() {
    let server = Server::start();
    server.output(&["topic", "create", "lines"]);
    let written = server.run_with(&["produce", "lines"], "one\r\ntwo\nthree");
    assert_eq!(
        written.output,
        "Wrote 3 records to lines, partition 0, offsets 0 to 2.\n"
    );
    assert_eq!(server.output(&["consume", "lines"]), "one\ntwo\nthree\n");
    assert_eq!(
        server.output(&["consume", "lines", "--from", "1", "-n", "1"]),
        "two\n"
    );
    assert_eq!(
        server.output(&["consume", "lines", "--from", "-1"]),
        "three\n"
    );
    assert_eq!(
        server.output(&["consume", "lines", "--from", "1h"]),
        "one\ntwo\nthree\n"
    );
    assert_eq!(
        server.output(&["consume", "lines", "--from", "@99999999999999"]),
        ""
    );
}

#[test]
fn what_is_printed_as_json_can_be_written_again() {
    let server = Server::start();
    server.output(&["topic", "create", "from", "to", "-p", "2"]);
    let words = ["produce", "from", "-s", ":", "-H", "source=test", "-p", "1"];
    server.run_with(&words, "k:{\"b\": 1, \"a\": 2}\nl:plain\n");
    let printed = server.output(&["consume", "from", "--output", "json"]);
    let written = server.run_with(&["produce", "to", "--json"], &printed);
    assert!(written.status.success(), "{written:?}");
    let parts = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        ["partition", "key", "value", "headers", "timestamp"].map(|part| record[part].clone())
    };
    let copied = server.output(&["consume", "to", "--output", "json"]);
    let all = |text: &str| text.lines().map(parts).collect::<Vec<_>>();
    assert_eq!(all(&printed), all(&copied));
    assert_eq!(
        all(&printed)[0][3],
        json!([{ "key": "source", "value": "test" }])
    );
    let embedded = server.output(&["consume", "to", "--json-values", "-n", "1"]);
    assert!(
        embedded.contains("\"value\":{\"b\": 1, \"a\": 2}}"),
        "{embedded}"
    );
}

#[test]
fn a_format_has_places_for_the_parts_of_a_record() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let words = ["produce", "t", "--key", "k", "--value", "vv", "-H", "h=1"];
    server.output(&words);
    let printed = server.output(&["consume", "t", "--format", "%t/%p/%o %k=%v [%h] %K %V %%"]);
    assert_eq!(printed, "t/0/0 k=vv [h=1] 1 2 %\n");
}

#[test]
fn a_line_that_is_no_record_is_told_by_its_number() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let done = server.run_with(&["produce", "t", "-s", ":"], "a:1\nno key\n");
    assert_eq!(done.status.code(), Some(1));
    assert!(
        done.errors.starts_with("error: line 2 is no record\n"),
        "{done:?}"
    );
    assert!(
        done.errors
            .contains("next: go on behind what is written: 1 record\n"),
        "{done:?}"
    );
    let done = server.run_with(&["produce", "t", "--json"], "{\"valeu\": 1}\n");
    assert!(
        done.errors
            .contains("a field \"valeu\", which means nothing"),
        "{done:?}"
    );
}

#[test]
fn a_record_that_the_broker_refuses_is_told_by_its_line() {
    let server = Server::start();
    server.output(&["topic", "create", "small", "-c", "max.message.bytes=200"]);
    let input = format!("short\n{}\n", "x".repeat(1000));
    let words = [
        "produce",
        "small",
        "-X",
        "linger.ms=0",
        "-X",
        "batch.size=1",
    ];
    let done = server.run_with(&words, &input);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.errors.contains("error: line 2: "), "{done:?}");
    assert!(done.errors.contains("max.message.bytes=BYTES"), "{done:?}");
    assert_eq!(server.output(&["consume", "small"]), "short\n");
}

#[test]
fn silence_has_a_reason() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let consumed = server.run(&["consume", "t"]);
    assert!(consumed.status.success());
    assert!(
        consumed.errors.contains("There are no records in t yet."),
        "{consumed:?}"
    );
    let produced = server.run(&["produce", "t"]);
    assert_eq!(produced.output, "No records: the input was empty.\n");
}

#[test]
fn a_topic_is_made_first_if_that_is_wanted() {
    let server = Server::start();
    let refused = server.run_with(&["produce", "new"], "x\n");
    assert!(refused.errors.contains("or add --create"), "{refused:?}");
    server.output(&["produce", "new", "--create", "--value", "x"]);
    assert_eq!(server.output(&["consume", "new"]), "x\n");
    let wrong = server.run(&["produce", "new", "--value", "x", "--partition", "7"]);
    assert!(
        wrong.errors.contains("topic new has no partition 7"),
        "{wrong:?}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let server = Server::start();
    server.output(&["topic", "create", "many"]);
    let lines: String = (0..50_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    server.produce("many", &lines);
    let mut child = command(&server.address, &["consume", "many"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    drop(output);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(first, "line 0\n");
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}

#[test]
fn following_waits_for_records_until_it_is_interrupted() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    server.produce("t", "before\n");
    let words = ["consume", "t", "--follow", "--from", "beginning"];
    let mut child = command(&server.address, &words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    output.read_line(&mut lines).unwrap();
    server.produce("t", "after\n");
    output.read_line(&mut lines).unwrap();
    assert_eq!(lines, "before\nafter\n");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn input_that_comes_slowly_is_written_as_it_comes() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let mut producer = command(&server.address, &["produce", "t"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = producer.stdin.take().unwrap();
    input.write_all(b"first\n").unwrap();
    let followed = server.output(&["consume", "t", "--follow", "--from", "beginning", "-n", "1"]);
    assert_eq!(followed, "first\n");
    drop(input);
    assert!(producer.wait().unwrap().success());
}

#[test]
fn settings_of_a_producer_are_for_the_producer_alone() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let done = server.run(&["produce", "t", "--value", "x", "-X", "linger.ms=1"]);
    assert_eq!((done.status.code(), done.errors.as_str()), (Some(0), ""));
    let done = server.run(&["consume", "t", "-X", "fetch.min.bytes=1"]);
    assert_eq!((done.output.as_str(), done.errors.as_str()), ("x\n", ""));
    let done = server.run(&["consume", "t", "-X", "linger.ms=1"]);
    assert!(
        done.errors
            .contains("linger.ms means nothing to the consumer"),
        "{done:?}"
    );
}
