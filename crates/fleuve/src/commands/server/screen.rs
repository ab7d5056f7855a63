//! What the server says on a terminal: one screen with where everything is and what to try.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use fleuve_broker::config::Durability;

use crate::commands::terminal::{Paint, Style};

/// The port that commands take when they are told none.
const PORT_DEFAULT: u16 = 9092;
/// The port on which programs look for a server.
const SPARK_CONNECT_PORT_DEFAULT: u16 = 15002;

/// What there is to say of a running server.
pub(super) struct Screen {
    pub cluster_id: String,
    /// Kafka's listeners by their names.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Where commands of this machine reach it.
    pub address: SocketAddr,
    pub spark_connect: Option<SocketAddr>,
    pub directories: Vec<PathBuf>,
    pub durability: Durability,
}

impl Screen {
    /// The whole screen, ending with a line's end.
    pub(super) fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let title = format!("Fleuve {}", env!("CARGO_PKG_VERSION"));
        let cluster = paint.style(Style::Dim, &format!("cluster {}", self.cluster_id));
        let _ = writeln!(text, "\n{}  {cluster}\n", paint.style(Style::Bold, &title));
        for (name, value) in self.facts() {
            let name = paint.style(Style::Dim, &format!("{name:<14}"));
            let _ = writeln!(text, "  {name} {value}");
        }
        let _ = writeln!(text, "\n  Try, in another terminal:");
        for command in self.commands() {
            let _ = writeln!(text, "    {}", paint.style(Style::Name, &command));
        }
        let _ = writeln!(
            text,
            "\n  Ctrl-C stops it. FLEUVE_LOG=info shows what it does; here only warnings follow."
        );
        text
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        for (listener, address) in &self.listeners {
            facts.push(("Kafka", format!("{address}  ({listener})")));
        }
        facts.push(match self.spark_connect {
            Some(address) => ("Spark Connect", format!("sc://{address}")),
            None => ("Spark Connect", "closed".to_owned()),
        });
        for directory in &self.directories {
            facts.push(("Data", directory.display().to_string()));
        }
        let durability = match self.durability {
            Durability::Fsync => "fsync: what is acknowledged is on the disk",
            Durability::PageCache => {
                "page-cache: what is acknowledged is with the operating system, as in Kafka"
            }
        };
        facts.push(("Durability", durability.to_owned()));
        facts
    }

    fn commands(&self) -> Vec<String> {
        let server = match (self.address.ip().is_loopback(), self.address.port()) {
            (true, PORT_DEFAULT) => String::new(),
            (true, port) => format!(" -b localhost:{port}"),
            (false, _) => format!(" -b {}", self.address),
        };
        let mut commands = vec![
            format!("fleuve topic create trips --partitions 4{server}"),
            format!("echo hello | fleuve produce trips{server}"),
            format!("fleuve consume trips{server}"),
        ];
        commands.extend(self.spark_connect.map(|address| match address.port() {
            SPARK_CONNECT_PORT_DEFAULT => "fleuve submit app.py".to_owned(),
            _ => format!("fleuve submit --remote sc://{address} app.py"),
        }));
        commands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(address: &str) -> String {
        screen_with(address, None)
    }

    fn screen_with(address: &str, spark_connect: Option<&str>) -> String {
        let address: SocketAddr = address.parse().unwrap();
        let screen = Screen {
            cluster_id: "abc".to_owned(),
            listeners: vec![("PLAINTEXT".to_owned(), address)],
            address,
            spark_connect: spark_connect.map(|address| address.parse().unwrap()),
            directories: vec![PathBuf::from("/data")],
            durability: Durability::Fsync,
        };
        screen.text(Paint::new(false))
    }

    #[test]
    fn a_program_is_submitted_to_where_spark_connect_is() {
        let submits = |address| screen_with("127.0.0.1:9092", address);
        assert!(!submits(None).contains("fleuve submit"));
        assert!(submits(Some("127.0.0.1:15002")).contains("fleuve submit app.py\n"));
        let elsewhere = "fleuve submit --remote sc://127.0.0.1:15003 app.py\n";
        assert!(submits(Some("127.0.0.1:15003")).contains(elsewhere));
    }

    #[test]
    fn the_screen_says_where_everything_is_and_what_to_try() {
        let text = screen("127.0.0.1:9092");
        for part in [
            env!("CARGO_PKG_VERSION"),
            "127.0.0.1:9092  (PLAINTEXT)",
            "/data",
            "fsync",
            "fleuve consume trips\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(text.lines().count() <= 24, "more than a screen: {text}");
    }

    #[test]
    fn commands_name_the_port_if_it_is_another() {
        assert!(screen("127.0.0.1:19092").contains("fleuve consume trips -b localhost:19092\n"));
        assert!(screen("10.0.0.1:9092").contains("fleuve consume trips -b 10.0.0.1:9092\n"));
    }
}
