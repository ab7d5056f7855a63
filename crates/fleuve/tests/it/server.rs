//! A server in a process of its own, and commands that talk to it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const FLEUVE: &str = env!("CARGO_BIN_EXE_fleuve");

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub address: String,
    pub folder: TempDir,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub output: String,
    pub errors: String,
    pub status: ExitStatus,
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::start_with("")
    }

    /// A server with further lines in its configuration.
    pub(crate) fn start_with(properties: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let (ready, config) = (folder.path().join("ready"), folder.path().join("config"));
        let data = folder.path().join("data");
        let text = format!(
            "listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\ngroup.initial.rebalance.delay.ms=0\n{properties}\n",
            data.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(FLEUVE)
            .args(["server", "--override", "fleuve.spark.connect.enabled=false"])
            .arg("--ready-file")
            .arg(&ready)
            .arg(&config)
            .env_remove("FLEUVE_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until_it_runs(&mut child);
        let ready: Value = serde_json::from_slice(&std::fs::read(ready).unwrap()).unwrap();
        Server {
            child,
            address: ready["kafka"].as_str().unwrap().to_owned(),
            folder,
        }
    }

    /// Runs a command against this server, with nothing on its standard input.
    pub(crate) fn run(&self, words: &[&str]) -> Done {
        self.run_with(words, "")
    }

    pub(crate) fn run_with(&self, words: &[&str], input: &str) -> Done {
        run_at(&self.address, words, input)
    }

    /// What a command that ends well prints.
    pub(crate) fn output(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert!(done.status.success(), "{words:?}: {done:?}");
        done.output
    }

    /// The same as JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["--output", "json"]].concat();
        serde_json::from_str(&self.output(&words)).unwrap()
    }

    /// The values of records, each on a line of its own, go to a topic.
    pub(crate) fn produce(&self, topic: &str, lines: &str) {
        let done = self.run_with(&["produce", topic], lines);
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the server's log to the line that Kafka's tools wait for, and has the rest read away.
fn wait_until_it_runs(child: &mut Child) {
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Transitioning from RECOVERY to RUNNING") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
}

/// Runs a command against an address.
pub(crate) fn run_at(address: &str, words: &[&str], input: &str) -> Done {
    let mut child = command(address, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that has no use for its input may end before it has read all of it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    done(child.wait_with_output().unwrap())
}

pub(crate) fn command(address: &str, words: &[&str]) -> Command {
    let mut command = Command::new(FLEUVE);
    command
        .args(words)
        .env("FLEUVE_BOOTSTRAP_SERVER", address)
        .env_remove("NO_COLOR");
    command
}

pub(crate) fn done(output: Output) -> Done {
    Done {
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
        status: output.status,
    }
}

/// Whether a program is there to be run.
pub(crate) fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file())
}

/// It ended before it served, and said why.
#[test]
fn a_server_whose_metadata_is_damaged_ends_and_says_what_to_do() {
    let server = Server::start();
    let data = server.folder.path().join("data");
    server.output(&["topic", "create", "t"]);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("data");
    let log = copy.join("__fleuve_metadata-0");
    std::fs::create_dir_all(&log).unwrap();
    for file in [
        "meta.properties",
        "__fleuve_metadata-0/00000000000000000000.log",
    ] {
        std::fs::copy(data.join(file), copy.join(file)).unwrap();
    }
    // As after a clean stop: what is below this is not the end of the log.
    let name = "recovery-point-offset-checkpoint";
    std::fs::write(copy.join(name), "0\n1\n__fleuve_metadata 0 3\n").unwrap();
    let path = log.join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[80] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let directory = format!("log.dirs={}", copy.display());
    let words = [
        "server",
        "--override",
        "listeners=PLAINTEXT://127.0.0.1:0",
        "--override",
        &directory,
    ];
    let done = run_at("", &words, "");
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.errors.contains("the metadata in"), "{done:?}");
    assert!(done.errors.contains("put a copy of"), "{done:?}");
}
