//! Our client against librdkafka: the same broker, the same records, in turns.
//!
//! librdkafka is the library inside of confluent-kafka's wheel, driven by a small program in C, so
//! that no Python is measured. Both programs have the same settings, look at every record's
//! outcome, and say their own wall clock and CPU time between first record and last. `FLEUVE_BIN`
//! names a broker that is built already.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::{cargo, peers};

/// A broker that does not start in this time does not start.
const START_LIMIT: Duration = Duration::from_secs(30);

const PARTITIONS: &str = "4";

/// What both are measured with; the names are Kafka's, which both know.
struct Scenario {
    name: &'static str,
    record_bytes: usize,
    records: usize,
    produce: &'static [&'static str],
    /// As librdkafka calls the same.
    produce_librdkafka: &'static [&'static str],
}

/// Large batches, as far as a request of 1 MB goes.
const LARGE: &[&str] = &[
    "acks=all",
    "enable.idempotence=true",
    "linger.ms=5",
    "batch.size=1000000",
    "buffer.memory=134217728",
];
const LARGE_LIBRDKAFKA: &[&str] = &[
    "acks=all",
    "enable.idempotence=true",
    "linger.ms=5",
    "batch.size=1000000",
    "batch.num.messages=10000",
    "queue.buffering.max.messages=1000000",
    "queue.buffering.max.kbytes=131072",
];

/// Each one's own defaults.
const DEFAULTS: &[&str] = &["acks=all"];

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "100 B, large batches",
        record_bytes: 100,
        records: 5_000_000,
        produce: LARGE,
        produce_librdkafka: LARGE_LIBRDKAFKA,
    },
    Scenario {
        name: "1 KB, large batches",
        record_bytes: 1_000,
        records: 1_000_000,
        produce: LARGE,
        produce_librdkafka: LARGE_LIBRDKAFKA,
    },
    Scenario {
        name: "100 B, each one's defaults",
        record_bytes: 100,
        records: 2_000_000,
        produce: DEFAULTS,
        produce_librdkafka: DEFAULTS,
    },
    Scenario {
        name: "1 KB, each one's defaults",
        record_bytes: 1_000,
        records: 500_000,
        produce: DEFAULTS,
        produce_librdkafka: DEFAULTS,
    },
];

/// Java's default; librdkafka's is not to look.
const CONSUME: &[&str] = &["check.crcs=true"];

/// What a program says of one turn.
#[derive(Clone, Debug, Deserialize)]
struct Turn {
    client: String,
    wall_seconds: f64,
    cpu_seconds: f64,
}

/// The two programs, and the broker's.
struct Clients {
    broker: PathBuf,
    ours: PathBuf,
    librdkafka: PathBuf,
}

/// Measures `parts` of the scenarios, by a piece of their names; all if there are none.
pub fn run(parts: &[String], quick: bool) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("fleuve-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(parts, quick, &folder);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(parts: &[String], quick: bool, folder: &Path) -> Result<()> {
    let clients = Clients::build(folder)?;
    let (turns, share) = if quick { (3, 10) } else { (7, 1) };
    let is_wanted =
        |s: &&Scenario| parts.is_empty() || parts.iter().any(|part| s.name.contains(part.as_str()));
    println!("Medians of {turns} turns each, one after the other; broker on the same machine.");
    for scenario in SCENARIOS.iter().filter(is_wanted) {
        // A broker of its own, so that nothing is left over from the scenario before.
        let broker = Broker::start(&clients.broker, folder)?;
        clients.compare(scenario, scenario.records / share, turns, &broker.bootstrap)?;
    }
    Ok(())
}

impl Clients {
    fn build(folder: &Path) -> Result<Clients> {
        let built = cargo::target_directory()?.join("release");
        let broker = match std::env::var_os("FLEUVE_BIN") {
            Some(named) => PathBuf::from(named),
            None => {
                let package = ["--package", "fleuve", "--no-default-features"];
                cargo::run(&[&["build", "--release"], &package[..]].concat())?;
                built.join("fleuve")
            }
        };
        let package = ["--package", "fleuve-client", "--example", "perf"];
        cargo::run(&[&["build", "--release"], &package[..]].concat())?;
        Ok(Clients {
            broker,
            ours: built.join("examples/perf"),
            librdkafka: librdkafka_program(folder)?,
        })
    }

    fn compare(
        &self,
        scenario: &Scenario,
        records: usize,
        turns: usize,
        bootstrap: &str,
    ) -> Result<()> {
        println!("\n{} ({records} records)", scenario.name);
        let settings = [scenario.produce, scenario.produce_librdkafka];
        self.in_turns(
            "produce",
            settings,
            scenario.record_bytes,
            records,
            turns,
            bootstrap,
        )?;
        let settings = [CONSUME, CONSUME];
        self.in_turns(
            "consume",
            settings,
            scenario.record_bytes,
            records,
            turns,
            bootstrap,
        )
    }

    fn in_turns(
        &self,
        what: &str,
        settings: [&[&str]; 2],
        record_bytes: usize,
        records: usize,
        turns: usize,
        bootstrap: &str,
    ) -> Result<()> {
        let mut measured = [Vec::new(), Vec::new()];
        for turn in 0..turns {
            for (which, program) in [&self.ours, &self.librdkafka].into_iter().enumerate() {
                // Whatever is read was written by our own client's turn of the same number.
                let topic = match (what, which) {
                    ("produce", 1) => format!("librdkafka-{turn}"),
                    _ => format!("ours-{turn}"),
                };
                let mut command = Command::new(program);
                command.args([what, bootstrap, &topic, PARTITIONS]);
                command.args([records.to_string(), record_bytes.to_string()]);
                command.args(settings[which]);
                measured[which].push(one_turn(&mut command)?);
            }
        }
        let [ours, librdkafka] = &measured;
        print_comparison(what, records, ours, librdkafka);
        Ok(())
    }
}

fn one_turn(command: &mut Command) -> Result<Turn> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} printed no JSON"))
}

fn print_comparison(what: &str, records: usize, ours: &[Turn], librdkafka: &[Turn]) {
    let records = records as f64;
    let rate = |turns: &[Turn]| median(turns.iter().map(|turn| records / turn.wall_seconds));
    let cpu = |turns: &[Turn]| median(turns.iter().map(|turn| turn.cpu_seconds * 1e6 / records));
    for turns in [ours, librdkafka] {
        println!(
            "  {what} {:<20} {:>10.0} records/s  {:.3} CPU µs a record",
            turns[0].client,
            rate(turns),
            cpu(turns)
        );
    }
    println!(
        "  {what} ours / librdkafka    {:>9.2} x records/s  {:.2} x CPU a record",
        rate(ours) / rate(librdkafka),
        cpu(ours) / cpu(librdkafka)
    );
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Compiles the program in C against the library in the wheel.
fn librdkafka_program(folder: &Path) -> Result<PathBuf> {
    let requirements = cargo::workspace_root().join("compat/clients/requirements.txt");
    let python = peers::python("clients", &requirements)?;
    let library = wheel_library(&python)?;
    let program = folder.join("librdkafka_perf");
    let source = cargo::workspace_root().join("xtask/src/bench/librdkafka_perf.c");
    let status = Command::new("cc")
        .args(["-O2", "-o"])
        .args([&program, &source, &library])
        .arg(format!(
            "-Wl,-rpath,{}",
            library
                .parent()
                .context("a library lies in a folder")?
                .display()
        ))
        .status()
        .context("cannot start cc")?;
    ensure!(status.success(), "cc ended with {status}");
    Ok(program)
}

fn wheel_library(python: &Path) -> Result<PathBuf> {
    let script = "import pathlib, confluent_kafka as c; \
                  print(*pathlib.Path(c.__file__).parents[1].glob('confluent_kafka.libs/librdkafka*.so*'))";
    let output = Command::new(python).args(["-c", script]).output()?;
    let path = String::from_utf8(output.stdout)?.trim().to_owned();
    ensure!(
        !path.is_empty(),
        "confluent-kafka's wheel holds no librdkafka"
    );
    Ok(PathBuf::from(path))
}

/// A broker that lives as long as this.
pub(super) struct Broker {
    process: Child,
    data: PathBuf,
    pub(super) bootstrap: String,
}

impl Broker {
    /// The clients are measured and not the disk: pages reach it when the kernel likes.
    pub(super) fn start(program: &Path, folder: &Path) -> Result<Broker> {
        let (data, ready) = (folder.join("data"), folder.join("ready.json"));
        let properties = folder.join("server.properties");
        let text = format!(
            "listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={}\nnum.partitions={PARTITIONS}\n\
             fleuve.durability=page-cache\n",
            data.display()
        );
        fs::write(&properties, text)?;
        let process = Command::new(program)
            .arg("server")
            .arg(&properties)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("server.log"))?)
            .spawn()
            .context("cannot start the broker")?;
        let mut broker = Broker {
            process,
            data,
            bootstrap: String::new(),
        };
        broker.bootstrap = address(&ready)?;
        fs::remove_file(&ready)?;
        Ok(broker)
    }
}

fn address(ready: &Path) -> Result<String> {
    let start = Instant::now();
    while start.elapsed() < START_LIMIT {
        let text = fs::read_to_string(ready).unwrap_or_default();
        if let Ok(ready) = serde_json::from_str::<serde_json::Value>(&text) {
            let kafka = ready["kafka"].as_str().context("no address of a broker")?;
            return Ok(kafka.to_owned());
        }
        thread::sleep(Duration::from_millis(10));
    }
    bail!("the broker did not start in {START_LIMIT:?}")
}

impl Drop for Broker {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        let removed = fs::remove_dir_all(&self.data);
        if let Err(error) = ended.map(drop).and(removed) {
            eprintln!("the broker leaves something behind: {error}");
        }
    }
}
