use serde_json::json;

use crate::server::{Server, run_at};

#[test]
fn a_topic_lives_from_create_to_delete() {
    let server = Server::start();
    let created = server.output(&["topic", "create", "trips", "-p", "3"]);
    assert_eq!(
        created,
        "Created topic trips with 3 partitions and 1 replica.\n"
    );
    let listed = server.output(&["topic", "list"]);
    assert_eq!(
        listed,
        "NAME   PARTITIONS  REPLICAS\ntrips           3         1\n"
    );
    server.produce("trips", "a\nb\n");
    let described = server.json(&["topic", "describe", "trips"]);
    assert_eq!(described[0]["records"], 2);
    assert_eq!(described[0]["partitions"].as_array().unwrap().len(), 3);
    assert_eq!(
        server.output(&["topic", "delete", "trips"]),
        "Deleted topic trips.\n"
    );
    let listed = server.output(&["topic", "list"]);
    assert!(listed.starts_with("There are no topics yet."), "{listed}");
}

#[test]
fn the_same_values_come_as_json_and_as_yaml() {
    let server = Server::start();
    server.output(&["topic", "create", "trips", "-p", "2"]);
    let json = server.json(&["topic", "list", "--long"]);
    assert_eq!(json[0]["name"], "trips");
    assert_eq!(json[0]["records"], 0);
    let yaml = server.output(&["topic", "list", "--output", "yaml"]);
    assert!(
        yaml.contains("name: trips\n") && yaml.contains("partitions: 2\n"),
        "{yaml}"
    );
}

#[test]
fn a_misspelt_topic_is_told_with_the_one_that_is_there() {
    let server = Server::start();
    server.output(&["topic", "create", "trips"]);
    for words in [
        &["topic", "describe", "trps"][..],
        &["topic", "delete", "trps"],
        &["topic", "alter", "trps", "-p", "2"],
        &["produce", "trps"],
        &["consume", "trps"],
        &["config", "list", "topic", "trps"],
    ] {
        let done = server.run(words);
        assert_eq!(done.status.code(), Some(1), "{words:?}");
        assert!(
            done.errors.contains("error: topic trps does not exist\n"),
            "{done:?}"
        );
        assert!(
            done.errors.contains("next: did you mean trips?\n"),
            "{done:?}"
        );
        assert_eq!(done.output, "", "{words:?}");
    }
}

#[test]
fn partitions_are_added_by_number_and_to_a_total() {
    let server = Server::start();
    server.output(&["topic", "create", "trips"]);
    let added = server.json(&["topic", "add-partitions", "trips", "--number", "2"]);
    assert_eq!(
        added,
        json!({ "name": "trips", "partitions": 3, "partitions_before": 1 })
    );
    server.output(&["topic", "add-partitions", "trips", "--to", "5"]);
    server.output(&[
        "topic",
        "alter",
        "trips",
        "--partitions",
        "6",
        "-c",
        "retention.ms=5000",
    ]);
    let described = server.json(&["topic", "describe", "trips"]);
    assert_eq!(described[0]["partitions"].as_array().unwrap().len(), 6);
    assert_eq!(described[0]["configs"], json!({ "retention.ms": "5000" }));
    let fewer = server.run(&["topic", "alter", "trips", "--partitions", "2"]);
    assert!(
        fewer.errors.contains("added and never taken away"),
        "{fewer:?}"
    );
}

#[test]
fn a_topic_that_exists_is_refused_unless_that_is_allowed() {
    let server = Server::start();
    server.output(&["topic", "create", "trips"]);
    let again = server.run(&["topic", "create", "trips"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        again
            .errors
            .starts_with("error: topic trips exists already\n"),
        "{again:?}"
    );
    let allowed = server.output(&["topic", "create", "trips", "--if-not-exists"]);
    assert_eq!(allowed, "Topic trips exists already.\n");
    let dry = server.output(&["topic", "create", "other", "--dry-run"]);
    assert!(dry.starts_with("Would create topic other"), "{dry}");
    assert!(!server.output(&["topic", "list"]).contains("other"));
    server.output(&["topic", "delete", "nowhere", "--if-exists"]);
}

#[test]
fn no_server_is_told_at_once_with_what_to_do() {
    // Nobody listens on the port of a socket that is bound and does not listen.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let done = run_at(&address, &["topic", "list"], "");
    assert_eq!(done.status.code(), Some(1));
    let what = format!("error: no broker answers at {address}\n");
    assert!(done.errors.starts_with(&what), "{done:?}");
    assert!(done.errors.contains("why:  connection refused"), "{done:?}");
    assert!(
        done.errors
            .contains("next: start one here: `fleuve server`"),
        "{done:?}"
    );
}
