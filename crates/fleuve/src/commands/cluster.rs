//! Which cluster a command talks to.
//!
//! Before the first request somebody must answer at one of the addresses; a wrong address is told
//! at once and not after a minute of retries. Start at [`ClusterOptions::admin`].

use std::future::Future;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fleuve_broker::config::{Properties, ReadPropertiesError};
use fleuve_client::{Admin, Config};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::terminal::{Format, Paint, Problem, Terminal};

/// How long one address has to answer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long a broker has for one request, and for all attempts at one, unless the settings say
/// otherwise: somebody sits and waits.
const REQUEST_PATIENCE_MS: &str = "8000";
const CALL_PATIENCE_MS: &str = "15000";

const PORT_DEFAULT: u16 = 9092;

/// The threads that a command's clients run on.
const CLIENT_THREADS: usize = 1;

/// How the settings begin that every kind of client has.
const CONNECTION_KEYS: [&str; 13] = [
    "bootstrap.",
    "client.",
    "default.api.timeout.ms",
    "metadata.max.age.ms",
    "receive.buffer.bytes",
    "reconnect.",
    "request.timeout.ms",
    "retry.backoff.",
    "sasl.",
    "security.",
    "send.buffer.bytes",
    "socket.",
    "ssl.",
];

/// How a command finds the cluster.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterOptions {
    /// The broker to ask first; several are separated by commas.
    #[arg(
        long,
        short = 'b',
        global = true,
        env = "FLEUVE_BOOTSTRAP_SERVER",
        hide_env_values = true,
        default_value = "localhost:9092",
        value_name = "HOST:PORT"
    )]
    bootstrap_server: String,
    /// A properties file with settings of the client.
    #[arg(long, global = true, value_name = "FILE")]
    command_config: Option<PathBuf>,
    /// A setting of the client by Kafka's name, such as request.timeout.ms=5000; may be repeated.
    #[arg(
        long = "command-property",
        short = 'X',
        global = true,
        value_name = "KEY=VALUE"
    )]
    command_properties: Vec<String>,
}

impl ClusterOptions {
    /// The addresses to begin with, each with a port.
    pub(crate) fn servers(&self) -> Vec<String> {
        let servers = self.bootstrap_server.split(',').map(str::trim);
        servers
            .filter(|server| !server.is_empty())
            .map(|server| match server.contains(':') {
                true => server.to_owned(),
                false => format!("{server}:{PORT_DEFAULT}"),
            })
            .collect()
    }

    /// The client's settings.
    pub(crate) fn config(&self) -> Result<Config, Problem> {
        let mut config = match &self.command_config {
            Some(path) => properties_file(path)?,
            None => Config::new(),
        };
        for property in &self.command_properties {
            let (key, value) = property.split_once('=').ok_or_else(|| {
                Problem::new(format!("--command-property {property} has no value"))
                    .next("write KEY=VALUE, such as request.timeout.ms=5000")
            })?;
            config = config.set(key.trim(), value.trim());
        }
        Ok(config
            .set("bootstrap.servers", self.servers().join(","))
            .set_default("client.id", "fleuve"))
    }

    /// An admin client of a cluster of which somebody answers.
    pub(crate) async fn admin(&self) -> Result<Admin, Problem> {
        let config = self.config()?;
        self.reach().await?;
        impatient(config)
    }

    /// The same for a command whose settings are those of a producer or consumer: an admin client
    /// takes of them what is about connections.
    pub(crate) async fn admin_beside(&self) -> Result<Admin, Problem> {
        let config = self.config()?;
        let is_common = |key: &str| CONNECTION_KEYS.iter().any(|prefix| key.starts_with(prefix));
        let common = config.iter().filter(|(key, _)| is_common(key)).collect();
        self.reach().await?;
        impatient(common)
    }

    /// Nobody was named.
    pub(crate) fn no_address() -> Problem {
        Problem::new("--bootstrap-server is empty").next("write HOST:PORT, such as localhost:9092")
    }

    /// Makes sure that somebody answers at one of the addresses.
    pub(crate) async fn reach(&self) -> Result<(), Problem> {
        let servers = self.servers();
        let mut reason = String::new();
        if servers.is_empty() {
            return Err(Self::no_address());
        }
        for server in &servers {
            let address = server.rsplit("://").next().unwrap_or(server);
            let parts = address.rsplit_once(':');
            if !parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
                return Err(Problem::new(format!("{server} is no address of a broker"))
                    .next("write HOST:PORT, such as localhost:9092"));
            }
            match timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => reason = plain(&error),
                Err(_) => reason = format!("nothing came back within {CONNECT_PATIENCE:?}"),
            }
        }
        Err(Problem::unreachable(&servers.join(","), &reason))
    }
}

fn impatient(config: Config) -> Result<Admin, Problem> {
    let config = config
        .set_default("request.timeout.ms", REQUEST_PATIENCE_MS)
        .set_default("default.api.timeout.ms", CALL_PATIENCE_MS);
    Ok(Admin::new(&config)?)
}

/// What the system said, without its number.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .map_or_else(
            || text.to_owned(),
            |rest| format!("the name cannot be resolved ({rest})"),
        );
    text.to_lowercase()
}

fn properties_file(path: &Path) -> Result<Config, Problem> {
    let properties = Properties::read(path).map_err(|error| match error {
        ReadPropertiesError::Unreadable { reason, .. } => {
            Problem::new(format!("{} cannot be read", path.display())).because(plain(&reason))
        }
        malformed => Problem::new(malformed.to_string()),
    })?;
    Ok(properties
        .iter()
        .map(|(key, property)| (key, property.value.as_str()))
        .collect())
}

/// `--output`, for commands that have it.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputOptions {
    /// The form of what is printed.
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORM"
    )]
    pub output: Format,
}

/// Runs a command to its end, on a runtime of its own.
pub(crate) fn run<F>(format: Format, action: impl FnOnce(Terminal) -> F) -> anyhow::Result<ExitCode>
where
    F: Future<Output = Result<ExitCode, Problem>>,
{
    // What the clients warn of, such as a setting that means nothing, is for the person.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(Paint::for_stream(std::io::stderr().is_terminal()).is_on())
        .with_target(false)
        .without_time()
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CLIENT_THREADS)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(action(Terminal::of_process(format)));
    // A read of standard input may still wait for a line that nobody will type.
    runtime.shutdown_background();
    Ok(ended?)
}
