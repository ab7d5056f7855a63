"""Untyped Scala over Spark Connect: a program compiled and run with Spark's own Scala client from Maven.

The jars are installed once, into the folder of peers; without Maven, Java or a registry the check is skipped aloud.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

CLIENT_VERSION, SCALA_VERSION = "4.2.0", "2.13.18"
SECONDS = 300
# What Arrow asks of a Java virtual machine since modules exist.
OPENED = ["java.base/java.nio", "java.base/java.lang", "java.base/java.util", "java.base/sun.nio.ch"]


def dependency(group, artifact, version):
    return (f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency>")


def jars():
    """The folder of the client's jars, or why there is none."""
    if not shutil.which("java"):
        return None, "no java"
    folder = Path(os.environ.get("FLEUVE_PEERS", Path.home() / ".cache/fleuve/peers")) / "scala-connect"
    stamp = folder / f"installed-{CLIENT_VERSION}-{SCALA_VERSION}"
    if stamp.exists():
        return folder / "libs", None
    if not shutil.which("mvn"):
        return None, "no Maven to install Spark's Scala client with"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>fleuve</groupId>'
        "<artifactId>peers</artifactId><version>1</version><packaging>pom</packaging><dependencies>"
        + dependency("org.apache.spark", "spark-connect-client-jvm_2.13", CLIENT_VERSION)
        + dependency("org.scala-lang", "scala-compiler", SCALA_VERSION) + "</dependencies></project>")
    done = subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"], cwd=folder,
                          capture_output=True, text=True, timeout=600)
    if done.returncode:
        return None, "Maven could not install Spark's Scala client: " + " ".join(done.stdout.split())[:200]
    stamp.touch()
    return folder / "libs", None


def java(libraries, *arguments, cwd):
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    command = ["java", *opened, "-Dio.netty.tryReflectionSetAccessible=true", "-cp", f"{libraries}/*:{cwd}", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise AssertionError((done.stdout + done.stderr)[-1500:])
    return done.stdout


def check(folder, remote, bootstrap, create_topics, trips):
    libraries, why = jars()
    if why:
        return "SKIPPED", why
    import json
    rows = list(trips())
    (folder / "trips.jsonl").write_text("".join(json.dumps(trip) + "\n" for trip in rows))
    create_topics(bootstrap, ["trips-scala"])
    source = Path(__file__).resolve().parents[2] / "examples/Trips.scala"
    java(libraries, "scala.tools.nsc.Main", "-usejavacp", "-d", str(folder), str(source), cwd=folder)
    printed = java(libraries, "Trips", remote, bootstrap, "trips-scala", str(folder), cwd=folder)
    expected = f"trips={len(rows)} most={max(row['total_amount'] for row in rows)} same=true"
    if not re.search(re.escape(expected), printed):
        return "FAILED", f"{printed[-300:]!r} instead of {expected!r}"
    return "ok", expected
