//! `fleuve server`: runs a broker until it is told to stop.

mod screen;
pub(super) mod spark;
pub(crate) mod start_script;
pub(crate) mod stop_script;

use std::collections::BTreeMap;
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use fleuve_broker::config::{
    BrokerConfig, ConfigError, Properties, local_properties, properties_of_environment,
};
use fleuve_broker::{Broker, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::terminal::{Paint, Problem};
use crate::logging;
use screen::Screen;

/// The port of a server that is told none.
const PORT_DEFAULT: u16 = 9092;
/// What a shell gives a program that SIGTERM ended.
const TERMINATED: u8 = 143;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServerArguments {
    /// Kafka's `server.properties`; without it the broker listens on the loopback addresses only
    /// and keeps its data in the user's data directory.
    file: Option<PathBuf>,
    /// Sets one key, over what the file and the environment (KAFKA_*) say.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Where the bound address is written once the broker serves, as
    /// `{"kafka":"127.0.0.1:9092","spark_connect":"127.0.0.1:15002"}`.
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Whether Kafka's script was called, which shows the log and nothing else.
    #[arg(skip)]
    is_script: bool,
}

pub(crate) fn run(arguments: ServerArguments) -> anyhow::Result<ExitCode> {
    let (broker_properties, spark_properties) = spark::split(&properties(&arguments)?);
    let config = match config(&broker_properties) {
        Ok(config) => config,
        Err(errors) => {
            for error in errors {
                eprintln!("error: {error}");
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let shows_screen = std::io::stdout().is_terminal() && !arguments.is_script;
    if shows_screen {
        logging::start_below_screen();
    } else {
        logging::start();
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    raise_open_files_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(config, &spark_properties, &arguments, shows_screen))
}

async fn serve(
    config: BrokerConfig,
    spark_properties: &BTreeMap<String, String>,
    arguments: &ServerArguments,
    shows_screen: bool,
) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let directories = config.log_directories.clone();
    let durability = config.durability;
    let starting = end_at_signals(
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let broker = Broker::start(config).await.map_err(of_start)?;
    starting.abort();
    for (listener, address) in broker.addresses() {
        tracing::info!("listening on {listener}://{address}");
    }
    for directory in &directories {
        tracing::info!("data in {}", directory.display());
    }
    let door = spark::open(spark_properties, &broker).await?;
    if let Some(path) = &arguments.ready_file {
        write_ready_file(path, &broker, door.as_ref())?;
    }
    // Tools that start brokers wait for this line of Kafka's.
    tracing::info!(
        cluster = broker.cluster_id(),
        "Transitioning from RECOVERY to RUNNING"
    );
    if shows_screen {
        let screen = Screen {
            cluster_id: broker.cluster_id(),
            listeners: broker.addresses().to_vec(),
            address: broker.address(),
            spark_connect: door.as_ref().and_then(spark::Door::address),
            directories,
            durability,
        };
        print!("{}", screen.text(Paint::for_stream(true)));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    if let Some(door) = door {
        door.close().await;
    }
    broker.stop().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// A taken port is what goes wrong most often, and there are two ways on.
fn of_start(error: StartError) -> anyhow::Error {
    let problem = Problem::new(error.to_string());
    let elsewhere = "listen elsewhere: --override listeners=PLAINTEXT://localhost:9093";
    match error {
        StartError::Bind(bind) if bind.reason.kind() == ErrorKind::AddrInUse => problem
            .next("stop what holds the port, if it is an older server: `kill PROCESS`")
            .next(format!("or {elsewhere}"))
            .into(),
        StartError::Bind(_) => problem
            .next("name in `listeners` a host and a port that this machine has")
            .next(format!("or {elsewhere}"))
            .into(),
        StartError::MetadataDamaged { folder, .. } => problem
            .because(
                "it says which topics there are, and the disk has not kept it as it was written",
            )
            .next(format!(
                "put a copy of {} in its place; nothing was changed",
                folder.display()
            ))
            .next("or start over in another directory: --override log.dirs=FOLDER")
            .into(),
        StartError::MetadataMissing { .. } => problem
            .because("it says which topics there are: a new one would hide them all")
            .next("mend what is said above of that directory, and start again; nothing was changed")
            .next("or take it out of `log.dirs`, to go on for good without what it holds")
            .into(),
        other => other.into(),
    }
}

/// Ends the process at a signal while it starts, for the logs of a broker may take long to
/// recover, and one that has lost its disk may hang: as safe as a crash.
fn end_at_signals(mut terminate: Signal, mut interrupt: Signal) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let code = tokio::select! {
            _ = terminate.recv() => TERMINATED,
            _ = interrupt.recv() => super::INTERRUPTED,
        };
        tracing::warn!("told to stop before it served");
        std::process::exit(i32::from(code));
    })
}

/// A segment is an open file, and systems start processes with few: all that may be asked for
/// is asked for.
pub(super) fn raise_open_files_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => tracing::debug!("at most {:?} open files", limit.current),
        Err(error) => tracing::warn!("the limit of open files stays as it is: {error}"),
    }
}

/// Written beside and renamed, so that nobody reads half of it.
fn write_ready_file(
    path: &Path,
    broker: &Broker,
    door: Option<&spark::Door>,
) -> anyhow::Result<()> {
    let mut content = serde_json::json!({ "kafka": broker.address().to_string() });
    if let Some(address) = door.and_then(spark::Door::address) {
        content["spark_connect"] = address.to_string().into();
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let written = std::fs::write(&beside, format!("{content}\n"))
        .and_then(|()| std::fs::rename(&beside, path));
    written.with_context(|| format!("the ready file {} cannot be written", path.display()))
}

fn properties(arguments: &ServerArguments) -> anyhow::Result<Properties> {
    let mut properties = match &arguments.file {
        Some(path) => Properties::read(path)?,
        None => local_properties(&data_directory()?, PORT_DEFAULT),
    };
    properties.overlay(properties_of_environment(environment()));
    for written in &arguments.overrides {
        let (key, value) = written
            .split_once('=')
            .with_context(|| format!("--override {written} is not of the form key=value"))?;
        properties.set_override(key.trim(), value.trim());
    }
    Ok(properties)
}

fn config(properties: &Properties) -> Result<BrokerConfig, Vec<ConfigError>> {
    BrokerConfig::of_properties(properties).map(|mut config| {
        config.cluster_id = std::env::var("CLUSTER_ID").ok().filter(|id| !id.is_empty());
        config
    })
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// `$XDG_DATA_HOME/fleuve`, or what stands for it.
fn data_directory() -> anyhow::Result<PathBuf> {
    let of = |name: &str| {
        std::env::var_os(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    let base = of("XDG_DATA_HOME").or_else(|| Some(of("HOME")?.join(".local/share")));
    let base = base.context(
        "there is no home directory to keep data in: set HOME or XDG_DATA_HOME, or start with a \
         server.properties that has log.dirs",
    )?;
    Ok(base.join("fleuve"))
}
