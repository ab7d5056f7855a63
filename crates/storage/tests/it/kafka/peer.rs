//! Kafka's jars and the programs run on them.
#![allow(
    clippy::disallowed_methods,
    reason = "finding a program outside needs the environment"
)]

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Apache Kafka on this machine.
pub(super) struct Kafka {
    class_path: String,
}

impl Kafka {
    /// Finds it, or says aloud that `test` is skipped.
    pub(super) fn or_skip(test: &str) -> Option<Kafka> {
        match Kafka::find() {
            Ok(kafka) => Some(kafka),
            Err(missing) => {
                println!("SKIPPED {test}: {missing}; `cargo xtask peers` installs it");
                None
            }
        }
    }

    fn find() -> Result<Kafka, String> {
        let libs = peers()
            .ok_or("no folder for peers is known")?
            .join("kafka")
            .join("libs");
        if !libs.join("kafka-storage-4.3.0.jar").is_file() {
            return Err(format!("there is no Kafka in {}", libs.display()));
        }
        let java = Command::new("java").arg("-version").output();
        if !java.is_ok_and(|output| output.status.success()) {
            return Err("there is no Java".to_owned());
        }
        Ok(Kafka {
            class_path: format!("{}/*", libs.display()),
        })
    }

    /// Lets Kafka write a log of every kind of batch; `end` is `clean` or `halt`. Returns its
    /// description.
    pub(super) fn write(&self, partition_folder: &Path, end: &str) -> Vec<String> {
        self.log(["write".as_ref(), partition_folder.as_os_str(), end.as_ref()])
    }

    /// Lets Kafka load a log, `clean` or `unclean`. Returns its description.
    pub(super) fn read(&self, partition_folder: &Path, stop: &str) -> Vec<String> {
        self.log(["read".as_ref(), partition_folder.as_os_str(), stop.as_ref()])
    }

    fn log(&self, arguments: [&OsStr; 3]) -> Vec<String> {
        let program = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../compat/java/KafkaLog.java"
        );
        let arguments = [OsStr::new(program)].into_iter().chain(arguments);
        let output = self.java(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "Kafka ended with {}: {errors}",
            output.status
        );
        lines(&output.stdout)
    }

    /// What `kafka-dump-log` prints of `files`, standard output and errors.
    pub(super) fn dump(&self, arguments: &[&str], files: &[PathBuf]) -> (Vec<String>, Vec<String>) {
        let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        let files = files.join(",");
        let tool = ["org.apache.kafka.tools.DumpLogSegments"];
        let arguments = tool.iter().chain(arguments).chain(&["--files"]);
        let output = self.java(arguments.map(OsStr::new).chain([OsStr::new(&files)]));
        assert!(
            output.status.success(),
            "kafka-dump-log ended with {}",
            output.status
        );
        (lines(&output.stdout), lines(&output.stderr))
    }

    fn java<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> Output {
        let mut java = Command::new("java");
        java.args(["-cp", &self.class_path]).args(arguments);
        java.output().expect("java was there a moment ago")
    }
}

fn peers() -> Option<PathBuf> {
    if let Some(set) = env::var_os("FLEUVE_PEERS") {
        return Some(PathBuf::from(set));
    }
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(set) => PathBuf::from(set),
        None => PathBuf::from(env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("fleuve").join("peers"))
}

fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .lines()
        .map(str::to_owned)
        .collect()
}
