"""Kafka's own scripts and ours, side by side against one broker.

`invocations.txt` has the command lines. Each is run twice in the same state, once by Apache
Kafka's Java tool and once by ours; standard output, standard error and exit code must be equal
after masking what differs by nature (ids, times). `{side}` in a command line is `java` or `ours`,
so that commands that change something have something of their own to change. What differs on
purpose is marked there, with the reason. `--bootstrap HOST:PORT` takes a broker that is there.
"""

import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PEERS = Path(os.environ["FLEUVE_PEERS"])

TOOLS = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-storage": "kafka.tools.StorageTool",
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
    "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
}

MASKS = [
    (r"TopicId: [A-Za-z0-9_-]{22}", "TopicId: <id>"),
    (r"\b(java|ours)\b", "<side>"),
    (r"CreateTime:\d{13}", "CreateTime:<time>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[:,]\d{3}", "<time>"),
    (r"\d+\.\d+", "<number>"),
]


class Invocation:
    def __init__(self, name):
        self.name, self.setup, self.command, self.input = name, [], None, ""
        self.only, self.differs, self.masks = {"stdout", "stderr", "code"}, None, []


def invocations():
    """Reads the list: a `== name` line, then `setup:`, `input:`, `compare:`, `mask:`, `differs:` and the command."""
    found = []
    for line in (HERE / "invocations.txt").read_text().splitlines():
        if line.startswith("== "):
            found.append(Invocation(line[3:]))
        elif not line.strip() or line.startswith("#"):
            continue
        elif line.startswith("setup: "):
            found[-1].setup.append(line[7:])
        elif line.startswith("input: "):
            found[-1].input += json.loads(line[7:])
        elif line.startswith("compare: "):
            found[-1].only = set(line[9:].split())
        elif line.startswith("mask: "):
            found[-1].masks.append((line[6:], "<masked>"))
        elif line.startswith("differs: "):
            found[-1].differs = line[9:]
        else:
            found[-1].command = line
    return found


class Java:
    """Apache Kafka's tools, in one JVM."""

    side = "java"

    def __init__(self, folder):
        jars = PEERS / "kafka" / "libs"
        if not list(jars.glob("kafka-tools-*.jar")):
            raise RuntimeError("no kafka-tools jar among the peers")
        classes = folder / "classes"
        subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, HERE / "ToolRunner.java"], check=True,
                       capture_output=True, text=True)
        self.input = folder / "java.input"
        self.process = subprocess.Popen(["java", "-cp", f"{jars}/*:{classes}", "ToolRunner"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self, words, text):
        self.input.write_text(text)
        if words[0] == "kafka-run-class":
            tool, words = words[1], words[2:]
        else:
            tool, words = TOOLS[words[0]], words[1:]
        request = "\x1f".join([tool, str(self.input), *words])
        self.process.stdin.write((request + "\n").encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the JVM ended with {self.process.wait()}")
        code, output, errors = map(int, answer.split())
        return code, self.process.stdout.read(output).decode(), self.process.stdout.read(errors).decode()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


class Ours:
    side = "ours"

    def run(self, words, text):
        done = subprocess.run([words[0] + ".sh", *words[1:]], executable=os.environ["FLEUVE_BIN"], input=text,
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr


def expand(line, side, bootstrap, folder):
    text = line.replace("{side}", side).replace("{bootstrap}", bootstrap).replace("{folder}", str(folder))
    return shlex.split(text)


def masked(text, extra):
    for pattern, replacement in [*extra, *MASKS]:
        text = re.sub(pattern, replacement, text)
    # A Java exception's stack is Java's alone; its first line is the message that a user reads.
    # So is the advertisement that its consumer logs.
    lines = [line for line in text.splitlines() if not re.match(r"The consumer rebalance protocol|"r"\s+at [\w.$]+[(/]|\s+\.\.\. \d+ more|Caused by: ", line)]
    return "\n".join(lines)


def compare(invocation, java, ours, bootstrap, folder):
    answers = {}
    for tool in (java, ours):
        for line in invocation.setup:
            code, output, errors = java.run(expand(line, tool.side, bootstrap, folder), "")
            if code:
                return f"setup failed: {line}: {output}{errors}"
        answers[tool.side] = tool.run(expand(invocation.command, tool.side, bootstrap, folder), invocation.input)
    kinds = [kind for kind in ("code", "stdout", "stderr") if kind in invocation.only]
    for kind in kinds:
        index = ("code", "stdout", "stderr").index(kind)
        theirs, mine = answers["java"][index], answers["ours"][index]
        if kind != "code":
            theirs, mine = masked(theirs, invocation.masks), masked(mine, invocation.masks)
        if theirs != mine:
            lines = difflib.unified_diff(str(theirs).splitlines(), str(mine).splitlines(), "java", "ours", "", "", 0, "")
            return f"{kind} differs: " + " | ".join(list(lines)[:8])
    return None


def start_server(folder):
    ready = folder / "ready.json"
    config = folder / "server.properties"
    config.write_text(f"listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={folder}/data\noffsets.topic.replication.factor=1\n")
    command = [os.environ["FLEUVE_BIN"], "server", str(config), "--override", "fleuve.spark.connect.enabled=false",
               "--ready-file", str(ready)]
    server = subprocess.Popen(command, stdout=open(folder / "server.log", "w"), stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 30
    while not ready.exists() or not ready.read_text().strip():
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("the server did not start: " + (folder / "server.log").read_text()[-2000:])
        time.sleep(0.02)
    return server, json.loads(ready.read_text())["kafka"]


def write_storage_properties(folder):
    """For each side a broker's configuration. One directory: Kafka's tool takes several in a hash map's order."""
    for side in ("java", "ours"):
        (folder / f"storage-{side}.properties").write_text(
            "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
            "listeners=PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093\n"
            "controller.quorum.voters=1@127.0.0.1:19093\n"
            f"log.dirs={folder}/storage-{side}/a\n")


def write_offsets(folder):
    """For each side the offsets that a reset takes from a file."""
    for side in ("java", "ours"):
        (folder / f"offsets-{side}.csv").write_text(f'"resets-{side}",0,3\n')


def main():
    folder = Path(tempfile.mkdtemp(prefix="fleuve-scripts-"))
    server, failures = None, 0
    try:
        try:
            java = Java(folder)
        except Exception as error:
            print(f"SKIPPED scripts: Apache Kafka's tools cannot be run: {error}", flush=True)
            return 0
        if len(sys.argv) == 3 and sys.argv[1] == "--bootstrap":
            bootstrap = sys.argv[2]
        else:
            server, bootstrap = start_server(folder)
        write_storage_properties(folder)
        write_offsets(folder)
        wanted = os.environ.get("COMPAT_ONLY", "")
        for invocation in invocations():
            if wanted not in invocation.name:
                continue
            name = f"scripts.{invocation.name}"
            try:
                error = compare(invocation, java, Ours(), bootstrap, folder)
            except Exception as problem:
                error = f"{type(problem).__name__}: {problem}"
            if error and invocation.differs:
                print(f"ok {name} (differs on purpose: {invocation.differs})", flush=True)
            elif error:
                failures += 1
                print(f"FAILED {name}: {error}", flush=True)
            else:
                print(f"ok {name}", flush=True)
        java.stop()
    finally:
        if server:
            server.terminate()
            server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
