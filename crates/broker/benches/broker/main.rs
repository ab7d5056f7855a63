//! What a broker costs beside a program that only checks, appends and answers.
//!
//! Run by `cargo xtask bench broker`; prints Markdown, as `docs/benchmarks.md` keeps it. Floor and
//! broker are measured in turns, since other work on the machine moves both: trust the ratios, and
//! the CPU time, which waits for nobody. With `--bootstrap-server HOST:PORT` the same load goes to
//! any broker, such as Apache Kafka, and its speeds stand alone.

mod batch;
mod connection;
mod floor;
mod load;
mod machine;
mod server;

use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::Duration;

use batch::{Batch, batch};
use connection::Connection;
use load::{Passed, Target, Window};
use server::Server;

const BATCH_BYTES: [usize; 2] = [16 << 10, 1 << 20];
const CONNECTIONS: [usize; 2] = [1, 8];
const POLICIES: [&str; 2] = ["fsync", "page-cache"];
const TURNS: usize = 9;
const WINDOW: Window = Window {
    bytes: 128 << 20,
    time: Duration::from_millis(600),
};
/// What each partition holds that is fetched.
const FETCHED_BYTES: usize = 64 << 20;
const STARTS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, folder, policy] = &arguments[..]
        && role == "floor-server"
    {
        let served = floor::serve(Path::new(folder), policy == "fsync");
        return served.expect("a port is free");
    }
    let quick = arguments.iter().any(|it| it == "--quick");
    let turns = if quick { 2 } else { TURNS };
    let is_wanted = |part: &str| {
        let named = ["produce", "fetch", "start"];
        let given = |it: &&str| arguments.iter().any(|argument| argument == *it);
        !named.iter().any(&given) || given(&part)
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder to write in");
    machine::describe(folder.path());
    if let Some(server) = value_of(&arguments, "--bootstrap-server") {
        other_broker(&server, turns);
        return;
    }
    if is_wanted("produce") {
        produce(folder.path(), turns);
    }
    if is_wanted("fetch") {
        fetch(folder.path(), turns);
    }
    if is_wanted("start") {
        start(folder.path(), if quick { 3 } else { STARTS });
    }
    machine::describe_load();
}

fn value_of(arguments: &[String], name: &str) -> Option<String> {
    let place = arguments.iter().position(|it| it == name)?;
    arguments.get(place + 1).cloned()
}

/// Both servers' windows of one case.
#[derive(Default)]
struct Compared {
    floor: Vec<Passed>,
    fleuve: Vec<Passed>,
    floor_cpu: Duration,
    fleuve_cpu: Duration,
}

impl Compared {
    fn measure(&mut self, turns: usize, servers: [&Server; 2], window: impl Fn(&Server) -> Passed) {
        let [floor, fleuve] = servers;
        let timed = |server: &Server| {
            let before = server.cpu_time();
            let passed = window(server);
            (passed, server.cpu_time() - before)
        };
        // What is done once, such as making files, is no part of it.
        timed(floor);
        timed(fleuve);
        for _ in 0..turns {
            let (passed, cpu) = timed(floor);
            self.floor.push(passed);
            self.floor_cpu += cpu;
            let (passed, cpu) = timed(fleuve);
            self.fleuve.push(passed);
            self.fleuve_cpu += cpu;
        }
    }

    fn row(&self, case: &str) {
        let shares = self.fleuve.iter().zip(&self.floor);
        let shares = shares.map(|(fleuve, floor)| fleuve.mib_per_second() / floor.mib_per_second());
        let speed = |windows: &[Passed]| median(windows.iter().map(|it| it.mib_per_second()));
        let cpu = |windows: &[Passed], cpu: Duration| {
            let bytes: u64 = windows.iter().map(|it| it.bytes).sum();
            cpu.as_secs_f64() / bytes as f64 * 1e9
        };
        println!(
            "| {case} | {:.0} | {:.0} | {:.0} % | {:.2} | {:.2} |",
            speed(&self.floor),
            speed(&self.fleuve),
            100.0 * median(shares),
            cpu(&self.floor, self.floor_cpu),
            cpu(&self.fleuve, self.fleuve_cpu),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn heading(what: &str, first: &str) {
    println!("## {what}\n");
    println!("| {first} | floor MiB/s | Fleuve MiB/s | share | floor CPU s/GB | Fleuve CPU s/GB |");
    println!(
        "|{}---|---|---|---|---|",
        "---|".repeat(first.split('|').count())
    );
}

fn produce(folder: &Path, turns: usize) {
    heading("Produce, acks=all", "durability | batch | connections");
    let mut memory_lines = Vec::new();
    for policy in POLICIES {
        for batch_bytes in BATCH_BYTES {
            for connections in CONNECTIONS {
                let case = format!("{policy} | {} | {connections}", size(batch_bytes));
                // Servers and folders of its own: all cases together would fill a disk.
                let folder = folder.join(format!("{policy}-{batch_bytes}-{connections}"));
                let floor = Server::floor(&folder.join("floor"), policy);
                let fleuve = Server::fleuve(&folder.join("fleuve"), policy);
                create(&fleuve, "produced", connections);
                let batch = batch(batch_bytes);
                let mut compared = Compared::default();
                compared.measure(turns, [&floor, &fleuve], |server| {
                    target(server, "produced", connections).produce(&batch, WINDOW)
                });
                compared.row(&case);
                memory_lines.push(memory(&format!("after producing, {case}"), &fleuve));
                drop((floor, fleuve));
                std::fs::remove_dir_all(folder).expect("nobody writes in it any more");
            }
        }
    }
    println!("\n{}\n", memory_lines.join("\n"));
}

fn fetch(folder: &Path, turns: usize) {
    heading("Fetch, from the page cache", "batch | connections");
    let floor = Server::floor(&folder.join("floor-fetch"), "page-cache");
    let fleuve = Server::fleuve(&folder.join("fleuve-fetch"), "page-cache");
    for batch_bytes in BATCH_BYTES {
        let batch = batch(batch_bytes);
        for connections in CONNECTIONS {
            let topic = format!("fetch-{batch_bytes}-{connections}");
            create(&fleuve, &topic, connections);
            let servers = [&floor, &fleuve];
            let batches = fill(&servers, &topic, connections, &batch);
            let mut compared = Compared::default();
            compared.measure(turns, servers, |server| {
                let window = Window {
                    bytes: u64::MAX,
                    ..WINDOW
                };
                target(server, &topic, connections).fetch(&batch, batches, window)
            });
            compared.row(&format!("{} | {connections}", size(batch_bytes)));
        }
    }
    println!("\n{}\n", memory("after fetching", &fleuve));
}

/// Writes the same into all partitions, and returns how many batches each has at least.
fn fill(servers: &[&Server], topic: &str, connections: usize, batch: &Batch) -> usize {
    let batches = FETCHED_BYTES / connections / batch.bytes.len();
    for server in servers {
        for partition in 0..connections {
            let opened = Connection::open(server.address);
            let mut connection = opened.expect("it serves");
            let frame = connection::produce_frame(topic, partition, &batch.bytes);
            for _ in 0..batches {
                connection.send(&frame);
                connection.receive_acknowledgement();
            }
        }
    }
    batches
}

fn start(folder: &Path, count: usize) {
    println!("## Start\n");
    let folder = folder.join("start");
    let times = server::starts(&folder, count);
    let millis = times.iter().map(|it| it.as_secs_f64() * 1000.0);
    let least = millis.clone().fold(f64::INFINITY, f64::min);
    println!(
        "- from exec to the first acknowledged produce: median {:.1} ms of {count} starts, least {least:.1} ms",
        median(millis)
    );
    println!("{}\n", memory("idle", &Server::fleuve(&folder, "fsync")));
}

fn memory(when: &str, server: &Server) -> String {
    format!(
        "- resident memory {when}: {:.1} MiB, at most {:.1} MiB",
        server.memory_mib("VmRSS:"),
        server.memory_mib("VmHWM:")
    )
}

/// The same load for a broker that runs already.
fn other_broker(server: &str, turns: usize) {
    let mut addresses = server.to_socket_addrs().expect("host:port");
    let address = addresses.next().expect("an address");
    println!("| what | batch | connections | MiB/s |\n|---|---|---|---|");
    for batch_bytes in BATCH_BYTES {
        let batch = batch(batch_bytes);
        for connections in CONNECTIONS {
            let topic = format!("bench-{batch_bytes}-{connections}-{}", std::process::id());
            let opened = Connection::open(address);
            opened.expect("it serves").create_topic(&topic, connections);
            let target = Target {
                address,
                topic,
                connections,
            };
            let show = |what: &str, window: &dyn Fn() -> Passed| {
                window();
                let speeds = (0..turns).map(|_| window().mib_per_second());
                let (size, speed) = (size(batch_bytes), median(speeds));
                println!("| {what} | {size} | {connections} | {speed:.0} |");
            };
            show("produce", &|| target.produce(&batch, WINDOW));
            // As much as was surely written: the first window of the slowest partition.
            show("fetch", &|| target.fetch(&batch, 1, WINDOW));
        }
    }
}

fn create(server: &Server, topic: &str, partitions: usize) {
    let opened = Connection::open(server.address);
    opened.expect("it serves").create_topic(topic, partitions);
}

fn target(server: &Server, topic: &str, connections: usize) -> Target {
    Target {
        address: server.address,
        topic: topic.to_owned(),
        connections,
    }
}

fn size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}
