//! The processes under load, and what the system says of them.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::batch::batch;
use crate::connection::{Connection, produce_frame};

/// A server that is killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Server {
    /// The floor, as a process of its own.
    pub(crate) fn floor(folder: &Path, policy: &str) -> Server {
        std::fs::create_dir_all(folder).expect("a folder");
        let this = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(this)
            .args(["floor-server", &folder.display().to_string(), policy])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let output = process.stdout.take().expect("it is piped");
        let mut port = String::new();
        let read = BufReader::new(output).read_line(&mut port);
        read.expect("the floor says its port");
        let port: u16 = port.trim().parse().expect("a port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Server { process, address }
    }

    /// `fleuve server`, which serves when this returns.
    pub(crate) fn fleuve(folder: &Path, policy: &str) -> Server {
        let server = Server::spawn(folder, policy, free_port());
        while Connection::open(server.address).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        server
    }

    fn spawn(folder: &Path, policy: &str, port: u16) -> Server {
        std::fs::create_dir_all(folder).expect("a folder");
        let file = folder.join("server.properties");
        let properties = format!(
            "listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\nfleuve.durability={policy}\n",
            folder.join("data").display()
        );
        std::fs::write(&file, properties).expect("the folder can be written");
        let process = Command::new(binary())
            .args(["server", &file.display().to_string()])
            .args(["--override", "fleuve.spark.connect.enabled=false"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("FLEUVE_BIN names a program");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Server { process, address }
    }

    /// User and system time that the process has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = self.proc("stat");
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let words: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |place: usize| words.get(place).and_then(|it| it.parse::<u64>().ok());
        // The 14th and 15th of all words; ticks are hundredths of a second everywhere.
        let ticks = ticks(11).unwrap_or(0) + ticks(12).unwrap_or(0);
        Duration::from_millis(ticks * 10)
    }

    /// A line of `/proc/<pid>/status` that is in KiB, in MiB.
    pub(crate) fn memory_mib(&self, line: &str) -> f64 {
        let status = self.proc("status");
        let found = status.lines().find_map(|it| it.strip_prefix(line));
        let kib = found.and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.process.id());
        std::fs::read_to_string(path).unwrap_or_default()
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        let told = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        told.expect("it runs");
        self.process.wait().expect("it is our child");
    }
}

/// From the start of the process to the acknowledgement of a record, on a folder that has its
/// topic and was stopped cleanly.
pub(crate) fn starts(folder: &Path, count: usize) -> Vec<Duration> {
    let server = Server::fleuve(folder, "fsync");
    let mut connection = Connection::open(server.address).expect("it serves");
    connection.create_topic("start", 1);
    server.stop();
    let frame = produce_frame("start", 0, &batch(300).bytes);
    let mut times = Vec::new();
    for _ in 0..count {
        let port = free_port();
        let begun = Instant::now();
        let server = Server::spawn(folder, "fsync", port);
        let mut connection = loop {
            match Connection::open(server.address) {
                Ok(connection) => break connection,
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        };
        connection.send(&frame);
        connection.receive_acknowledgement();
        times.push(begun.elapsed());
        drop(connection);
        server.stop();
    }
    times
}

fn binary() -> PathBuf {
    let named = std::env::var_os("FLEUVE_BIN");
    PathBuf::from(named.expect("FLEUVE_BIN names the program to measure"))
}

fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    bound.local_addr().expect("it is bound").port()
}
