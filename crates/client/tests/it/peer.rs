//! Brokers to test against: Fleuve, and Apache Kafka if it is installed beside.
//!
//! Fleuve is the binary that `FLEUVE_BIN` names, or the one that was built last. Apache Kafka is
//! where `FLEUVE_PEERS` says, which `cargo xtask peers` fills. What is not there is named and
//! left out. `FLEUVE_TEST_BOOTSTRAP` names a broker that runs already, to be tested alone.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use fleuve_client::{Admin, Config};
use tempfile::TempDir;

/// A broker that lives as long as the test process.
struct Peer {
    bootstrap: String,
    process: Option<(Child, TempDir)>,
}

static KAFKA: OnceLock<Option<Peer>> = OnceLock::new();
static FLEUVE: OnceLock<Option<Peer>> = OnceLock::new();

/// The configuration of a client of each broker that can be tested against.
pub(crate) async fn brokers() -> Vec<Config> {
    let mut brokers = Vec::new();
    if let Ok(bootstrap) = std::env::var("FLEUVE_TEST_BOOTSTRAP") {
        return vec![Config::bootstrap(bootstrap)];
    }
    for (peer, lacking) in [
        (
            FLEUVE.get_or_init(start_fleuve),
            "Fleuve is not built (cargo build -p fleuve)",
        ),
        (
            KAFKA.get_or_init(start_kafka),
            "Apache Kafka is not installed (cargo xtask peers)",
        ),
    ] {
        let Some(peer) = peer else {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            println!("SKIPPED {test}: {lacking}");
            continue;
        };
        let config = Config::bootstrap(&peer.bootstrap);
        let patient = config.clone().set("default.api.timeout.ms", "120000");
        let admin = Admin::new(&patient).expect("the configuration is right");
        admin
            .describe_cluster()
            .await
            .expect("a broker starts within two minutes");
        brokers.push(config);
    }
    brokers
}

/// A name that no other test and no earlier run has used.
pub(crate) fn fresh(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4().simple())
}

fn start_fleuve() -> Option<Peer> {
    let binary = match std::env::var_os("FLEUVE_BIN") {
        Some(binary) => PathBuf::from(binary),
        // The test is in `deps`, beside which the binary lies.
        None => std::env::current_exe()
            .ok()?
            .parent()?
            .parent()?
            .join("fleuve"),
    };
    if !binary.is_file() {
        return None;
    }
    let folder = TempDir::new().expect("a temporary folder can be made");
    let [port] = free_ports();
    let properties = folder.path().join("server.properties");
    let text = format!(
        "listeners=PLAINTEXT://127.0.0.1:{port}\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=5\n\
         group.initial.rebalance.delay.ms=0\n",
        folder.path().join("data").display()
    );
    std::fs::write(&properties, text).expect("the folder can be written to");
    let log = std::fs::File::create(folder.path().join("log")).expect("likewise");
    let child = Command::new(binary)
        .arg("server")
        .arg(&properties)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("fleuve starts");
    stop_with_the_tests(&child);
    let bootstrap = format!("127.0.0.1:{port}");
    Some(Peer {
        bootstrap,
        process: Some((child, folder)),
    })
}

fn start_kafka() -> Option<Peer> {
    let libs = PathBuf::from(std::env::var("FLEUVE_PEERS").ok()?)
        .join("kafka")
        .join("libs");
    if !libs.is_dir() {
        return None;
    }
    let folder = TempDir::new().expect("a temporary folder can be made");
    let [broker, controller] = free_ports();
    let properties = folder.path().join("server.properties");
    let data = folder.path().join("data");
    std::fs::write(&properties, server_properties(broker, controller, &data))
        .expect("the folder can be written to");
    let log = std::fs::File::create(folder.path().join("log")).expect("likewise");
    let format = ["format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c"];
    let formatted = java(&libs, "kafka.tools.StorageTool")
        .args(format)
        .arg(&properties)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        formatted.is_ok_and(|status| status.success()),
        "Apache Kafka formats its folder"
    );
    let child = java(&libs, "kafka.Kafka")
        .arg(&properties)
        .stdout(log)
        .stderr(Stdio::null())
        .spawn()
        .expect("java starts");
    stop_with_the_tests(&child);
    let bootstrap = format!("127.0.0.1:{broker}");
    Some(Peer {
        bootstrap,
        process: Some((child, folder)),
    })
}

fn java(libs: &Path, class: &str) -> Command {
    let mut command = Command::new("java");
    command
        .arg("-Xmx300m")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(class);
    command
}

/// Statics are not dropped: a shell whose input ends with this process ends the broker's.
fn stop_with_the_tests(child: &Child) {
    let shell = Command::new("bash")
        .arg("-c")
        .arg(format!("read -r; kill -9 {}", child.id()))
        .stdin(Stdio::piped())
        .spawn();
    if let Ok(shell) = shell {
        // Held open until the system closes it, whatever this process ends by.
        std::mem::forget(shell.stdin);
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}

fn server_properties(broker: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{broker}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=5\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n",
        data.display()
    )
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.process {
            let _ = child.kill();
        }
    }
}
