use std::process::Command;

use crate::server::{Done, Server, done, run_at};

/// Runs a command that needs no server.
fn run(words: &[&str]) -> Done {
    run_at("127.0.0.1:1", words, "")
}

#[test]
fn a_misspelt_command_or_option_is_told_with_the_one_that_is_meant() {
    let done = run(&["topics", "list"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(
        done.errors.contains("similar subcommand exists: 'topic'"),
        "{done:?}"
    );
    let done = run(&["serve"]);
    let tip = "similar subcommand exists: 'server'";
    assert!(done.errors.contains(tip), "{done:?}");
    let done = run(&["topic", "create", "t", "--partition", "3"]);
    assert!(
        done.errors
            .contains("similar argument exists: '--partitions'"),
        "{done:?}"
    );
    let done = run(&["config", "list", "topc", "t"]);
    assert!(
        done.errors.contains("similar value exists: 'topic'"),
        "{done:?}"
    );
}

#[test]
fn every_command_has_help_that_says_what_it_is_for() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    assert!(help.output.contains("First steps:"), "{help:?}");
    for words in [
        &["server"][..],
        #[cfg(feature = "spark")]
        &["quickstart"],
        #[cfg(feature = "spark")]
        &["submit"],
        &["topic"],
        &["topic", "create"],
        &["produce"],
        &["consume"],
        &["group", "reset"],
        &["config", "set"],
        &["doctor"],
        &["install-scripts"],
        &["completions"],
        &["man"],
    ] {
        let help = run(&[words, &["--help"]].concat());
        assert!(help.status.success(), "{words:?}");
        assert!(help.output.contains("Usage: fleuve"), "{words:?}");
        assert!(!help.output.starts_with("Usage"), "no purpose: {words:?}");
    }
}

#[test]
fn shells_complete_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let done = run(&["completions", shell]);
        assert!(done.output.contains("add-partitions"), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("man");
    let done = run(&["man", directory.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    for page in ["fleuve.1", "fleuve-topic-create.1", "fleuve-doctor.1"] {
        let text = std::fs::read_to_string(directory.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn installed_scripts_are_kafkas_scripts() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap();
    // A second time over the first.
    for _ in 0..2 {
        let done = run(&["install-scripts", directory]);
        assert!(done.status.success(), "{done:?}");
    }
    let script = |name: &str, words: &[&str]| {
        let mut command = Command::new(folder.path().join(name));
        done(command.args(words).output().unwrap())
    };
    let servers = ["--bootstrap-server", &server.address];
    let created = script(
        "kafka-topics.sh",
        &[&servers[..], &["--create", "--topic", "t"]].concat(),
    );
    assert_eq!(created.output, "Created topic t.\n");
    for name in [
        "kafka-server-start.sh",
        "kafka-run-class.sh",
        "zookeeper-server-start.sh",
    ] {
        assert!(folder.path().join(name).is_symlink(), "{name}");
    }
    #[cfg(feature = "spark")]
    {
        let refused = script("spark-submit", &["--foo", "app.py"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = "Error: Unrecognized option: --foo\n\nUsage: spark-submit";
        assert!(refused.errors.starts_with(said), "{refused:?}");
    }
    let busy = folder.path().join("kafka-topics.sh");
    std::fs::remove_file(&busy).unwrap();
    std::fs::write(&busy, "somebody's own").unwrap();
    let refused = run(&["install-scripts", directory]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&busy).unwrap(), "somebody's own");
}

#[test]
fn a_setting_that_means_nothing_is_told() {
    let server = Server::start();
    let done = server.run(&["topic", "list", "-X", "request.timeout.m=5"]);
    assert!(
        done.errors.contains("did you mean request.timeout.ms?"),
        "{done:?}"
    );
    let done = server.run(&["topic", "list", "-X", "nonsense"]);
    assert_eq!(done.status.code(), Some(1));
}

#[test]
fn a_script_can_be_called_by_its_name_as_a_word() {
    let server = Server::start();
    let words = [
        "--bootstrap-server",
        &server.address,
        "--create",
        "--topic",
        "t",
    ];
    for name in ["kafka-topics", "kafka-topics.sh"] {
        let done = run(&[&[name][..], &words, &["--if-not-exists"]].concat());
        assert!(done.status.success(), "{done:?}");
    }
    let refused = run(&["kafka-run-class", "no.such.Class"]);
    assert!(refused.errors.contains("no.such.Class"), "{refused:?}");
}

#[test]
fn a_taken_port_is_told_with_the_ways_on() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let done = run(&[
        "server",
        "--override",
        &format!("listeners=PLAINTEXT://{}", server.address),
        "--override",
        &format!("log.dirs={}", folder.path().display()),
    ]);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.errors.contains("cannot be listened on"), "{done:?}");
    assert!(
        done.errors
            .contains("next: or listen elsewhere: --override"),
        "{done:?}"
    );
}

#[test]
fn an_address_that_is_none_is_told() {
    for address in [":", "host:port", ":9092", ""] {
        let done = run_at("127.0.0.1:1", &["topic", "list", "-b", address], "");
        assert_eq!(done.status.code(), Some(1), "{done:?}");
        assert!(done.errors.contains("next: write HOST:PORT"), "{done:?}");
    }
}

#[test]
fn a_wrong_value_is_told_as_such() {
    let told = |words: &[&str], text: &str| {
        let done = run(words);
        assert_eq!(done.status.code(), Some(2), "{words:?}: {done:?}");
        assert!(done.errors.contains(text), "{words:?}: {done:?}");
    };
    told(&["topic", "create", "t", "-p", "-1"], "-1 is not in 1..");
    told(&["consume", "t", "-n", "-1"], "invalid value '-1'");
    told(
        &["consume", "t", "-g", ""],
        "value is required for '--group",
    );
    told(&["produce", "t", "-H", "x"], "such as source=test");
    told(&["group", "reset", "g", "--to", "-5"], "--shift-by");
}

/// A refused connection is tried again for as long as the settings say: 60 s unless told otherwise.
#[test]
fn kafkas_scripts_say_whom_they_do_not_reach() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap();
    assert!(run(&["install-scripts", directory]).status.success());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let settings = folder.path().join("settings");
    std::fs::write(
        &settings,
        "default.api.timeout.ms=500\nrequest.timeout.ms=500\n",
    )
    .unwrap();
    let output = Command::new(folder.path().join("kafka-topics.sh"))
        .args(["--list", "--bootstrap-server", &address, "--command-config"])
        .arg(&settings)
        .output()
        .unwrap();
    let done = done(output);
    assert!(!done.status.success(), "{done:?}");
    let told = format!("WARN {address} cannot be reached: Connection refused");
    assert!(done.errors.contains(&told), "{done:?}");
}
