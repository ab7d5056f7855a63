//! Outside programs that the tests talk to, installed from the public package registries.
//!
//! Everything goes into `<user cache>/fleuve/peers`, nothing into the system. What cannot be
//! installed is an error of the one who asked for it; the tests then skip by name.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Apache Kafka as a peer: the broker, its tools, and its Java client.
const KAFKA_VERSION: &str = "4.3.0";

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

/// Installs every peer that tests written in Rust use; says aloud which could not be.
pub fn install_all() -> Result<()> {
    match kafka() {
        Ok(jars) => println!("peer: Apache Kafka {KAFKA_VERSION} in {}", jars.display()),
        Err(error) => println!("peer: Apache Kafka cannot be installed: {error:#}"),
    }
    Ok(())
}

/// Installs Apache Kafka's jars by Maven and returns their folder.
pub fn kafka() -> Result<PathBuf> {
    let folder = directory()?.join("kafka");
    let jars = folder.join("libs");
    let stamp = folder.join(format!("installed-{KAFKA_VERSION}"));
    if stamp.exists() {
        return Ok(jars);
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("pom.xml"), kafka_pom())?;
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

fn kafka_pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>"
        )
    };
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>fleuve</groupId><artifactId>peers</artifactId><version>1</version>\
         <packaging>pom</packaging><dependencies>{}{}{}</dependencies></project>",
        dependency("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
        dependency("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
        dependency("org.slf4j", "slf4j-nop", "1.7.36"),
    )
}

/// A virtual environment named `name` with what `requirements` lists; returns its Python.
///
/// The environment is made anew when the list changes.
pub fn python(name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = directory()?.join(format!("python-{name}"));
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
