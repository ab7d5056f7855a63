//! Outside programs that the tests talk to, installed from the public package registries.
//!
//! Everything goes into `<user cache>/fleuve/peers`, nothing into the system. What cannot be
//! installed is an error of the one who asked for it; the tests then skip by name.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo;

/// Apache Kafka as a peer: the broker, its tools, and its Java client.
const KAFKA_VERSION: &str = "4.3.0";
/// Apache Spark's Kafka connector.
const CONNECTOR_VERSION: &str = "4.2.0";

/// Where peers are installed: `$XDG_CACHE_HOME/fleuve/peers`, by default under `~/.cache`.
pub fn directory() -> Result<PathBuf> {
    if let Some(set) = env::var_os("FLEUVE_PEERS") {
        return Ok(PathBuf::from(set));
    }
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(set) => PathBuf::from(set),
        None => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("fleuve").join("peers"))
}

/// Environments of `compat/peers` that suites share: Apache Spark, and clients of other versions.
const SPARK_ENVIRONMENTS: [&str; 3] = ["spark", "spark-client-4.0", "spark-client-3.5"];

/// Installs every peer that has no suite of its own; says aloud which could not be.
pub fn install_all() -> Result<()> {
    say("Apache Kafka's jars", kafka());
    say("the jars of Spark's Kafka connector", spark_connector());
    let lists = cargo::workspace_root().join("compat").join("peers");
    for name in SPARK_ENVIRONMENTS {
        let list = lists.join(format!("{name}.txt"));
        say(name, environment(name, &list));
    }
    Ok(())
}

fn say(peer: &str, installed: Result<PathBuf>) {
    match installed {
        Ok(place) => println!("peer: {peer} in {}", place.display()),
        Err(error) => println!("peer: {peer} cannot be installed: {error:#}"),
    }
}

/// Installs Apache Kafka's jars by Maven and returns their folder.
pub fn kafka() -> Result<PathBuf> {
    let dependencies = [
        dependency("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
        dependency("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
        dependency("org.slf4j", "slf4j-nop", "1.7.36"),
    ];
    jars("kafka", KAFKA_VERSION, &dependencies.concat())
}

/// Installs what Apache Spark needs to read and write topics. The connector is published up to a
/// version before Spark's own, its tokens' jar up to an earlier one.
fn spark_connector() -> Result<PathBuf> {
    let dependencies = [
        alone(
            "org.apache.spark",
            "spark-sql-kafka-0-10_2.13",
            CONNECTOR_VERSION,
        ),
        alone(
            "org.apache.spark",
            "spark-token-provider-kafka-0-10_2.13",
            "4.0.0",
        ),
        dependency("org.apache.kafka", "kafka-clients", "3.9.1"),
        dependency("org.apache.commons", "commons-pool2", "2.12.1"),
    ];
    jars("spark-jars", CONNECTOR_VERSION, &dependencies.concat())
}

/// Brings the jars of `dependencies` into the folder `libs` of a peer, once a version.
fn jars(peer: &str, version: &str, dependencies: &str) -> Result<PathBuf> {
    let folder = directory()?.join(peer);
    let jars = folder.join("libs");
    let stamp = folder.join(format!("installed-{version}"));
    if stamp.exists() {
        return Ok(jars);
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("pom.xml"), pom(dependencies))?;
    let status = Command::new("mvn")
        .args([
            "-q",
            "-B",
            "dependency:copy-dependencies",
            "-DoutputDirectory=libs",
        ])
        .current_dir(&folder)
        .status()
        .context("cannot start mvn")?;
    ensure!(status.success(), "mvn ended with {status}");
    fs::write(stamp, "")?;
    Ok(jars)
}

fn pom(dependencies: &str) -> String {
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>fleuve</groupId><artifactId>peers</artifactId><version>1</version>\
         <packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>"
    )
}

fn dependency(group: &str, artifact: &str, version: &str) -> String {
    with_details(group, artifact, version, "")
}

/// A jar without those it depends on.
fn alone(group: &str, artifact: &str, version: &str) -> String {
    let nothing_else = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>";
    with_details(group, artifact, version, nothing_else)
}

fn with_details(group: &str, artifact: &str, version: &str, details: &str) -> String {
    format!(
        "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
         <version>{version}</version>{details}</dependency>"
    )
}

/// The virtual environment of a suite with what `requirements` lists; returns its Python.
pub fn python(suite: &str, requirements: &Path) -> Result<PathBuf> {
    environment(&format!("python-{suite}"), requirements)
}

/// A virtual environment in the folder `name`, made anew when the list changes.
fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = directory()?.join(name);
    let python = folder.join("bin").join("python");
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let stamp = folder.join("installed-requirements");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    fs::create_dir_all(&folder)?;
    succeed(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    if wanted
        .lines()
        .any(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        succeed(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "-r"])
                .arg(requirements),
        )?;
    }
    fs::write(stamp, wanted)?;
    Ok(python)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
