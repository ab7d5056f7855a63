//! What is only for terminals. `script` (util-linux) gives commands one.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::server::{FLEUVE, Server, has_program};

/// A command on a terminal of its own, its output on a pipe.
fn on_a_terminal(line: &str) -> Command {
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", line, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

#[test]
fn a_server_on_a_terminal_shows_one_screen() {
    if !has_program("script") {
        println!("SKIPPED a_server_on_a_terminal_shows_one_screen: there is no script program");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{FLEUVE} server --override listeners=PLAINTEXT://127.0.0.1:0 --override log.dirs={} \
         --override fleuve.spark.connect.enabled=false",
        folder.path().display()
    );
    let mut server = on_a_terminal(&line).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(server.stdout.take().unwrap());
    let mut screen = String::new();
    for line in output.lines() {
        screen += &line.unwrap();
        screen.push('\n');
        if screen.contains("Ctrl-C stops it") {
            break;
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    for part in [
        env!("CARGO_PKG_VERSION"),
        "127.0.0.1:",
        "fsync",
        "fleuve consume trips",
    ] {
        assert!(screen.contains(part), "{part} is not in {screen}");
    }
    assert!(!screen.contains("INFO"), "{screen}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    if !has_program("script") {
        println!("SKIPPED colour_is_for_terminals_that_want_it: there is no script program");
        return;
    }
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let line = format!("{FLEUVE} topic list -b {}", server.address);
    let printed = |command: &mut Command| {
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(printed(&mut on_a_terminal(&line)).contains("\u{1b}[36mt\u{1b}[0m"));
    let plain = printed(on_a_terminal(&line).env("NO_COLOR", "1"));
    assert!(
        plain.contains("NAME") && !plain.contains('\u{1b}'),
        "{plain:?}"
    );
    assert!(!server.output(&["topic", "list"]).contains('\u{1b}'));
}
