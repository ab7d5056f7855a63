use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::server::{Server, command};

/// A server with a topic of three records that group `g` has read.
fn read_by_a_group() -> Server {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    server.produce("t", "a\nb\nc\n");
    assert_eq!(
        server.output(&["consume", "t", "--group", "g"]),
        "a\nb\nc\n"
    );
    server
}

#[test]
fn a_group_goes_on_where_it_stopped() {
    let server = read_by_a_group();
    server.produce("t", "d\ne\n");
    assert_eq!(
        server.output(&["consume", "t", "--group", "g", "-n", "1"]),
        "d\n"
    );
    assert_eq!(server.output(&["consume", "t", "--group", "g"]), "e\n");
    let again = server.run(&["consume", "t", "--group", "g"]);
    assert!(
        again.errors.contains("Group g has read all of t."),
        "{again:?}"
    );
}

#[test]
fn lag_is_what_is_still_to_be_read() {
    let server = read_by_a_group();
    server.produce("t", "d\n");
    let lag = server.json(&["group", "lag"]);
    assert_eq!(
        lag,
        json!([{ "group": "g", "topic": "t", "partitions": 1, "lag": 1 }])
    );
    let described = server.json(&["group", "describe", "g"]);
    assert_eq!(described[0]["state"], "Empty");
    assert_eq!(described[0]["partitions"][0]["committed_offset"], 3);
    assert_eq!(server.json(&["group", "list"])[0]["name"], "g");
}

#[test]
fn a_reset_is_shown_first_and_done_when_it_is_wanted() {
    let server = read_by_a_group();
    let shown = server.run(&["group", "reset", "g", "--to", "beginning"]);
    assert!(shown.output.contains("WOULD BE"), "{shown:?}");
    assert!(shown.errors.contains("add --execute to do it"), "{shown:?}");
    assert_eq!(server.output(&["consume", "t", "--group", "g"]), "");
    server.output(&["group", "reset", "g", "--shift-by", "-1", "--execute"]);
    assert_eq!(server.output(&["consume", "t", "--group", "g"]), "c\n");
    let beyond = server.output(&["group", "reset", "g", "--to", "99", "-t", "t:0"]);
    assert!(
        beyond.contains("t-0 has no offset 99: 3 is the nearest it has."),
        "{beyond}"
    );
    let file = server.folder.path().join("offsets.csv");
    std::fs::write(&file, "t,0,1\n").unwrap();
    let file = file.to_str().unwrap();
    server.output(&["group", "reset", "g", "--from-file", file, "--execute"]);
    assert_eq!(server.output(&["consume", "t", "--group", "g"]), "b\nc\n");
}

#[test]
fn a_group_with_members_is_neither_reset_nor_deleted() {
    let server = read_by_a_group();
    server.produce("t", "d\n");
    let mut member = command(&server.address, &["consume", "t", "-g", "g", "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(member.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let reset = server.run(&["group", "reset", "g", "--to", "end", "--execute"]);
    assert!(
        reset.errors.starts_with("error: group g has members\n"),
        "{reset:?}"
    );
    let deleted = server.run(&["group", "delete", "g"]);
    assert!(deleted.errors.contains("has members"), "{deleted:?}");
    let described = server.output(&["group", "describe", "g"]);
    assert!(described.contains("members      1"), "{described}");
    member.kill().unwrap();
    member.wait().unwrap();
}

#[test]
fn a_group_and_its_offsets_can_be_forgotten() {
    let server = read_by_a_group();
    let forgotten = server.output(&["group", "delete", "g", "--topic", "t"]);
    assert_eq!(forgotten, "Group g has forgotten its offsets of t.\n");
    assert_eq!(
        server.output(&["consume", "t", "--group", "g"]),
        "a\nb\nc\n"
    );
    assert_eq!(
        server.output(&["group", "delete", "g"]),
        "Deleted group g.\n"
    );
    let gone = server.run(&["group", "describe", "g"]);
    assert!(
        gone.errors.contains("error: group g does not exist"),
        "{gone:?}"
    );
}

#[test]
fn where_a_group_begins_is_not_where_it_goes_on() {
    let server = read_by_a_group();
    let done = server.run(&["consume", "t", "--group", "g", "--from", "1"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        done.errors
            .contains("`fleuve group reset g --to WHERE --execute`"),
        "{done:?}"
    );
}
