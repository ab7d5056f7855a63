//! A test for each trap that the doctor claims to find.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use serde_json::Value;

use crate::server::{Done, FLEUVE, Server, done, run_at};

/// What the doctor says of an address.
fn examined(address: &str) -> Done {
    run_at(address, &["doctor", "--output", "json"], "")
}

/// The first finding of a check that is not well.
fn finding(done: &Done, check: &str) -> Value {
    let findings: Vec<Value> = serde_json::from_str(&done.output).unwrap();
    let found = findings
        .iter()
        .find(|finding| finding["check"] == check && finding["state"] != "ok");
    found
        .unwrap_or_else(|| panic!("{check} is well: {findings:#?}"))
        .clone()
}

/// Asserts that a check is a problem, that it says `what`, and that there is a remedy.
fn assert_problem(done: &Done, check: &str, what: &str) {
    let finding = finding(done, check);
    assert_eq!(finding["state"], "problem", "{finding}");
    assert!(
        finding["what"].as_str().unwrap().contains(what),
        "{finding}"
    );
    assert!(finding["remedy"].is_string(), "{finding}");
    assert_eq!(done.status.code(), Some(1));
}

/// What a listener that was given the bytes of a request waits for.
#[derive(PartialEq, Eq)]
enum Wants {
    More,
    TheNext,
}

/// Answers every connection by `answer` of what came first, until the test ends.
fn listener(answer: fn(&mut TcpStream, &[u8]) -> Wants) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let (mut bytes, mut request) = ([0; 1024], Vec::new());
                while let Ok(read @ 1..) = stream.read(&mut bytes) {
                    request.extend_from_slice(&bytes[..read]);
                    if answer(&mut stream, &request) == Wants::TheNext {
                        request.clear();
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_server_that_is_well_has_no_findings() {
    let server = Server::start();
    let done = server.run(&["doctor", "--free-disk", "1MiB"]);
    assert!(done.status.success(), "{done:?}");
    assert!(
        done.output.contains("✓ advertised  broker 0 is reached"),
        "{done:?}"
    );
    assert!(!done.output.contains('✗'), "{done:?}");
}

#[test]
fn trap_nothing_listens_on_the_port() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let done = examined(&socket.local_addr().unwrap().to_string());
    assert_problem(&done, "address", "nothing listens on this port");
}

#[test]
fn trap_a_name_that_cannot_be_resolved() {
    let done = examined("broker.invalid:9092");
    assert_problem(&done, "address", "the name cannot be resolved");
}

#[test]
fn trap_somebody_who_listens_and_never_answers() {
    let address = listener(|_, _| Wants::More);
    assert_problem(
        &examined(&address),
        "protocol",
        "does not speak Kafka's protocol",
    );
}

#[test]
fn trap_a_web_server_on_the_port() {
    let address = listener(|stream, request| {
        // As real ones, it waits for the end of a line.
        if !request.ends_with(b"\n") {
            return Wants::More;
        }
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        let _ = stream.shutdown(std::net::Shutdown::Both);
        Wants::TheNext
    });
    assert_problem(
        &examined(&address),
        "protocol",
        "a web server answers there",
    );
}

#[test]
fn trap_a_listener_that_wants_tls() {
    let address = listener(|stream, _| {
        let _ = stream.write_all(&[0x15, 0x03, 0x03, 0, 2, 2, 10]);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        Wants::TheNext
    });
    assert_problem(&examined(&address), "protocol", "the listener wants TLS");
}

#[test]
fn trap_a_grpc_server_on_the_port() {
    let address = listener(|stream, _| {
        let _ = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        Wants::TheNext
    });
    assert_problem(
        &examined(&address),
        "protocol",
        "a gRPC server answers there",
    );
}

#[test]
fn trap_an_advertised_name_that_only_the_broker_knows() {
    let server = Server::start_with("advertised.listeners=PLAINTEXT://kafka.invalid:9092");
    let done = examined(&server.address);
    assert_problem(
        &done,
        "advertised",
        "kafka.invalid:9092: the name cannot be resolved",
    );
    let remedy = finding(&done, "advertised")["remedy"].clone();
    let expected = format!("PLAINTEXT://{}", server.address);
    assert!(remedy.as_str().unwrap().contains(&expected), "{remedy}");
    assert_eq!(finding(&done, "versions")["state"], "skipped");
}

#[test]
fn trap_an_advertised_port_on_which_nothing_listens() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let advertised = format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}");
    let done = examined(&Server::start_with(&advertised).address);
    assert_problem(&done, "advertised", "nothing listens on this port");
}

#[test]
fn trap_an_advertised_address_at_which_another_cluster_is() {
    let other = Server::start();
    let advertised = format!("advertised.listeners=PLAINTEXT://{}", other.address);
    let server = Server::start_with(&advertised);
    assert_problem(
        &examined(&server.address),
        "advertised",
        "another cluster answers there",
    );
}

#[test]
fn trap_a_broker_whose_versions_are_of_another_age() {
    const UNSUPPORTED_VERSION: u8 = 35;
    // ApiVersions in version 0 and Metadata in version 99 alone.
    let address = listener(|stream, request| {
        // The frame's length comes alone if the system has it so; a correlation id is the third
        // field behind it.
        let (Some(version), Some(correlation)) = (request.get(7), request.get(8..12)) else {
            return Wants::More;
        };
        let error = if *version > 0 { UNSUPPORTED_VERSION } else { 0 };
        let mut body = correlation.to_vec();
        body.extend([0, error, 0, 0, 0, 2]);
        body.extend([0, 18, 0, 0, 0, 0]);
        body.extend([0, 3, 0, 99, 0, 99]);
        let _ = stream.write_all(&(body.len() as i32).to_be_bytes());
        let _ = stream.write_all(&body);
        Wants::TheNext
    });
    assert_problem(&examined(&address), "versions", "Metadata");
}

#[test]
fn trap_groups_whose_topic_cannot_be_made() {
    let server = Server::start_with("offsets.topic.replication.factor=3");
    let done = examined(&server.address);
    assert_problem(&done, "groups", "consumer groups have no coordinator");
    let remedy = finding(&done, "groups")["remedy"].clone();
    let expected = "offsets.topic.replication.factor=1";
    assert!(remedy.as_str().unwrap().contains(expected), "{remedy}");
}

#[test]
fn trap_a_disk_without_room() {
    let server = Server::start();
    let done = server.run(&["doctor", "--free-disk", "9999TiB", "--output", "json"]);
    assert_problem(&done, "disk", "free of");
}

#[test]
fn trap_too_few_files() {
    let server = Server::start();
    let doctor = format!(
        "ulimit -n 200 && exec {FLEUVE} doctor -b {} -o json",
        server.address
    );
    let output = Command::new("sh").args(["-c", &doctor]).output().unwrap();
    assert_problem(&done(output), "files", "may open 200 files");
}

#[test]
fn trap_a_clock_that_is_ahead() {
    let server = Server::start();
    server.output(&[
        "topic",
        "create",
        "t",
        "-c",
        "message.timestamp.after.max.ms=9223372036854775807",
    ]);
    let line = "{\"value\":\"x\",\"timestamp\":4102444800000}\n";
    let written = server.run_with(&["produce", "t", "--json"], line);
    assert!(written.status.success(), "{written:?}");
    let finding = finding(&examined(&server.address), "clock");
    assert_eq!(finding["state"], "warning");
    assert!(
        finding["what"].as_str().unwrap().contains("2100-01-01"),
        "{finding}"
    );
}

#[test]
fn an_empty_address_is_nothing_to_find_well() {
    let done = run_at("", &["doctor", "-b", ","], "");
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.errors.contains("--bootstrap-server is empty"),
        "{done:?}"
    );
}

/// Other commands say at once what the doctor would find.
#[test]
fn a_command_says_which_advertised_address_it_does_not_reach() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let advertised = socket.local_addr().unwrap();
    let server = Server::start_with(&format!("advertised.listeners=PLAINTEXT://{advertised}"));
    let patience = "default.api.timeout.ms=500";
    let done = server.run(&["topic", "create", "t", "-X", patience]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let told = format!("WARN {advertised} cannot be reached: Connection refused");
    assert!(done.errors.contains(&told), "{done:?}");
}
