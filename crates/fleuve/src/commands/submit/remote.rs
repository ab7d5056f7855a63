//! Which server a program is given: the one that it is told, the one that is there, or one of its own.
//!
//! Always true: a server that was asked for by name is never replaced by another.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Submission, say};
use crate::commands::embedded::Server;
use crate::commands::terminal::Problem;
use crate::logging;

/// Where PySpark looks for a server.
const VARIABLE: &str = "SPARK_REMOTE";
/// Where `fleuve server` opens Spark Connect.
const ADDRESS_DEFAULT: &str = "sc://localhost:15002";
const PORT_DEFAULT: u16 = 15002;
/// How long an address has to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// What the messages of a server of the program's own are in, in its data directory.
const MESSAGES: &str = "fleuve.log";

/// The server of a program.
pub(super) struct Remote {
    url: String,
    own: Option<Own>,
}

/// A server in this process.
struct Own {
    server: Server,
    /// Removed when it is dropped.
    folder: Option<TempDir>,
}

impl Remote {
    /// Finds the server, or starts one.
    pub(super) async fn choose(submission: &Submission) -> anyhow::Result<Remote> {
        if let Some((url, origin)) = named(submission) {
            let there = |url| Remote { url, own: None };
            return Ok(answering(&url, &origin).await.map(|()| there(url))?);
        }
        let default = Address::parse(ADDRESS_DEFAULT).context("the default is an address")?;
        if submission.data_directory.is_none() && default.answers().await.is_ok() {
            return Ok(Remote {
                url: ADDRESS_DEFAULT.to_owned(),
                own: None,
            });
        }
        Remote::start(submission.data_directory.as_deref()).await
    }

    /// Starts a server in this process.
    async fn start(data_directory: Option<&Path>) -> anyhow::Result<Remote> {
        let (path, folder) = folder(data_directory)?;
        let messages = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path.join(MESSAGES))
            .with_context(|| format!("{} cannot be written", path.join(MESSAGES).display()))?;
        logging::start_in(messages);
        crate::commands::server::raise_open_files_limit();
        let server = Server::start(&path.join("log")).await?;
        for notice in &server.notices {
            say(notice);
        }
        let until = match &folder {
            Some(_) => "removed at the end; --data-directory keeps it",
            None => "kept",
        };
        say(&format!(
            "started a server for this program: Spark Connect {}, Kafka {}, data in {} ({until})",
            server.remote(),
            server.bootstrap(),
            path.display(),
        ));
        Ok(Remote {
            url: server.remote(),
            own: Some(Own { server, folder }),
        })
    }

    /// What PySpark connects to.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Where the Kafka of a server of the program's own is.
    pub(super) fn bootstrap(&self) -> Option<String> {
        self.own.as_ref().map(|own| own.server.bootstrap())
    }

    /// Stops a server of the program's own, and removes its temporary folder.
    pub(super) async fn close(self) {
        let Some(own) = self.own else { return };
        own.server.stop().await;
        if let Some(Err(error)) = own.folder.map(TempDir::close) {
            say(&format!("the temporary folder cannot be removed: {error}"));
        }
    }
}

/// The server that was asked for, and by what.
fn named(submission: &Submission) -> Option<(String, String)> {
    let of_option = submission
        .remote
        .clone()
        .map(|url| (url, "--remote".to_owned()));
    of_option.or_else(|| {
        let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())?;
        Some((url, VARIABLE.to_owned()))
    })
}

/// Fails unless a Spark Connect server answers at `url`.
async fn answering(url: &str, origin: &str) -> Result<(), Problem> {
    let address = Address::parse(url).ok_or_else(|| {
        Problem::new(format!("{origin}: `{url}` is no address of Spark Connect"))
            .next("write sc://HOST:PORT, such as sc://localhost:15002")
    })?;
    address.answers().await.map_err(|why| {
        let problem = Problem::new(format!(
            "no Spark Connect server answers at {url} ({origin})"
        ))
        .because(why)
        .next("start one here: `fleuve server`");
        match origin {
            VARIABLE => problem.next("or unset SPARK_REMOTE: then one is started for the program"),
            _ => problem.next("or leave --remote away: then one is started for the program"),
        }
    })
}

/// The data directory, and what removes it if it is a temporary one.
fn folder(given: Option<&Path>) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let Some(path) = given else {
        let folder = tempfile::Builder::new().prefix("fleuve-submit-").tempdir();
        let folder = folder.context("a temporary folder cannot be made")?;
        return Ok((folder.path().to_owned(), Some(folder)));
    };
    let made = std::fs::create_dir_all(path).and_then(|()| path.canonicalize());
    let path = made.with_context(|| format!("{} cannot be used", path.display()))?;
    Ok((path, None))
}

/// `sc://HOST[:PORT][/;PARAMETERS]`.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    host: String,
    port: u16,
    has_tls: bool,
}

impl Address {
    fn parse(url: &str) -> Option<Address> {
        let rest = url.strip_prefix("sc://")?;
        let (authority, parameters) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, PORT_DEFAULT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Address {
            host: host.to_owned(),
            port,
            has_tls: parameters
                .split(';')
                .any(|parameter| parameter.eq_ignore_ascii_case("use_ssl=true")),
        })
    }

    /// Why nothing that can be Spark Connect answers, if so.
    async fn answers(&self) -> Result<(), String> {
        let asked = timeout(PATIENCE, self.ask()).await;
        match asked {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("whoever listens there does not speak gRPC".to_owned()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Err("nothing listens on this port".to_owned())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("nothing came back within {PATIENCE:?}")),
        }
    }

    /// Whether the answer to an opening of HTTP/2 is one; behind TLS nothing is asked.
    async fn ask(&self) -> io::Result<bool> {
        /// An HTTP/2 client's first bytes: the preface, and a frame of settings without any.
        const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        const FRAME_HEADER_BYTES: usize = 9;
        const TYPE_AT: usize = 3;
        const SETTINGS: u8 = 4;
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        if self.has_tls {
            return Ok(true);
        }
        stream.write_all(OPENING).await?;
        let mut header = [0; FRAME_HEADER_BYTES];
        match stream.read_exact(&mut header).await {
            Ok(_) => Ok(header[TYPE_AT] == SETTINGS),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16, has_tls: bool) -> Option<Address> {
        let host = host.to_owned();
        Some(Address {
            host,
            port,
            has_tls,
        })
    }

    #[test]
    fn addresses_are_read_as_pyspark_reads_them() {
        assert_eq!(Address::parse("sc://a"), address("a", 15002, false));
        assert_eq!(
            Address::parse("sc://a:1/;token=x;use_ssl=true"),
            address("a", 1, true)
        );
        assert_eq!(Address::parse("sc://[::1]:7"), address("::1", 7, false));
        assert_eq!(Address::parse("sc://[::1]"), address("::1", 15002, false));
        for wrong in [
            "local[*]",
            "sc://",
            "sc://:1",
            "sc://a:port",
            "localhost:15002",
        ] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_port_without_spark_connect_is_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        };
        let url = format!("sc://127.0.0.1:{port}");
        let address = Address::parse(&url).unwrap();
        let (answers, ()) = tokio::join!(address.answers(), web);
        assert!(answers.unwrap_err().contains("does not speak gRPC"));
        drop(listener);
        let problem = answering(&url, "--remote").await.unwrap_err().to_string();
        assert!(problem.contains("nothing listens"), "{problem}");
    }
}
