//! `fleuve doctor`: the usual traps between a client and its broker, looked for from the client's
//! side.
//!
//! Each check gives findings; what is wrong comes with its remedy. A check that another one's
//! failure makes pointless is skipped and says so. It ends with 1 if anything is wrong. Start at
//! [`examine`].

mod address;
mod advertised;
mod clock;
mod disk;
mod files;
mod groups;
mod versions;

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use fleuve_client::Admin;
use serde_json::{Value, json};

use super::cluster::{self, ClusterOptions, OutputOptions};
use super::terminal::{Block, Paint, Problem, Report, Style};

/// How long a broker has for one answer, and for all attempts at one.
const ANSWER_PATIENCE_MS: &str = "3000";
const PATIENCE_MS: &str = "5000";

#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArguments {
    /// How much disk a broker should have free at the least, such as 500MiB or 10GiB.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = disk::parse_size)]
    free_disk: u64,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Good,
    /// Something before it failed.
    Skipped,
    Warning,
    Bad,
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    check: &'static str,
    state: State,
    what: String,
    remedy: Option<String>,
}

pub(crate) fn run(arguments: DoctorArguments) -> anyhow::Result<ExitCode> {
    cluster::run(arguments.output.output, async |mut terminal| {
        let findings = examine(&arguments).await?;
        terminal.show(&report(&findings, terminal.paint))?;
        let is_bad = findings.iter().any(|finding| finding.state == State::Bad);
        Ok(if is_bad {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    })
}

async fn examine(arguments: &DoctorArguments) -> Result<Vec<Finding>, Problem> {
    let config = arguments.cluster.config()?;
    let mut findings = Vec::new();
    let servers = arguments.cluster.servers();
    if servers.is_empty() {
        return Err(ClusterOptions::no_address());
    }
    let mut answering = Vec::new();
    for server in &servers {
        let finding = address::check(server).await;
        if finding.state == State::Good {
            answering.push(server.as_str());
        }
        findings.push(finding);
    }
    findings.push(clock::check_own(SystemTime::now()));
    if answering.is_empty() {
        findings.push(skipped("protocol", "nobody answers"));
        return Ok(findings);
    }
    let config = config
        .set("bootstrap.servers", answering.join(","))
        .set("request.timeout.ms", ANSWER_PATIENCE_MS)
        .set("default.api.timeout.ms", PATIENCE_MS);
    let admin = Admin::new(&config)?;
    let cluster = match admin.describe_cluster().await {
        Ok(cluster) => cluster,
        Err(error) => {
            findings.push(address::not_kafka(answering[0], error).await);
            return Ok(findings);
        }
    };
    let id = cluster.cluster_id.as_deref().unwrap_or("unknown");
    let count = cluster.brokers.len();
    findings.push(good("protocol", format!("cluster {id}, brokers: {count}")));
    let mut are_reachable = true;
    for broker in &cluster.brokers {
        let finding = advertised::check(broker, &cluster, &servers).await;
        are_reachable &= finding.state != State::Bad;
        findings.push(finding);
    }
    if !are_reachable {
        let why = "a broker is not reached at the address it advertises";
        findings.extend(["versions", "groups", "disk", "files"].map(|check| skipped(check, why)));
        return Ok(findings);
    }
    findings.extend(versions::check(&admin).await);
    findings.push(groups::check(&admin, cluster.brokers.len()).await);
    findings.extend(disk::check(&admin, arguments.free_disk).await);
    findings.push(files::check(&admin, &servers).await);
    findings.push(clock::check_records(&admin, SystemTime::now()).await);
    admin.close();
    Ok(findings)
}

fn good(check: &'static str, what: impl Into<String>) -> Finding {
    Finding {
        check,
        state: State::Good,
        what: what.into(),
        remedy: None,
    }
}

fn skipped(check: &'static str, why: &str) -> Finding {
    Finding {
        check,
        state: State::Skipped,
        what: format!("not looked at: {why}"),
        remedy: None,
    }
}

fn warning(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        check,
        state: State::Warning,
        what: what.into(),
        remedy: Some(remedy.into()),
    }
}

fn bad(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        state: State::Bad,
        ..warning(check, what, remedy)
    }
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Skipped => "skipped",
            State::Warning => "warning",
            State::Bad => "problem",
        }
    }

    const fn mark(self) -> (&'static str, Style) {
        match self {
            State::Good => ("✓", Style::Good),
            State::Skipped => ("-", Style::Dim),
            State::Warning => ("!", Style::Warning),
            State::Bad => ("✗", Style::Bad),
        }
    }
}

fn report(findings: &[Finding], paint: Paint) -> Report {
    let width = findings.iter().map(|f| f.check.len()).max().unwrap_or(0);
    let mut blocks = Vec::new();
    for finding in findings {
        let (mark, style) = finding.state.mark();
        let mark = paint.style(style, mark);
        let (check, what) = (finding.check, &finding.what);
        blocks.push(Block::Line(format!("{mark} {check:<width$}  {what}")));
        if let Some(remedy) = &finding.remedy {
            let arrow = paint.style(Style::Name, "→");
            let margin = " ".repeat(width + 4);
            blocks.push(Block::Line(format!("{margin}{arrow} {remedy}")));
        }
    }
    blocks.push(Block::Line(closing(findings)));
    let value = |finding: &Finding| {
        json!({
            "check": finding.check,
            "state": finding.state.name(),
            "what": finding.what,
            "remedy": finding.remedy,
        })
    };
    Report {
        value: findings.iter().map(value).collect::<Value>(),
        blocks,
    }
}

fn closing(findings: &[Finding]) -> String {
    let count = |state| findings.iter().filter(|f| f.state == state).count();
    let noun = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    match (count(State::Bad), count(State::Warning)) {
        (0, 0) => "Nothing is wrong.".to_owned(),
        (bad, warnings) => format!("{}, {}.", noun(bad, "problem"), noun(warnings, "warning")),
    }
}
