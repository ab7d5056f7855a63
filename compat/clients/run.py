"""Every Kafka client reads what every other wrote.

Each client creates a topic for each compression it has, writes 10,000 keyed records with headers
into three partitions of it, and then every client that has the compression reads the topic by itself. All must see the
same keys, values, headers, timestamps and order. Then Kafka's own ClientCompatibilityTest has its
say of the features that are served. `--bootstrap HOST:PORT` runs against a broker
that is there already, Apache Kafka for instance.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# An hour ago, so that retention leaves the records alone; before the import that reads it.
os.environ.setdefault("COMPAT_TIMESTAMP_BASE", str(int(time.time() * 1000) - 3_600_000))

import records  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

HERE = Path(__file__).parent
PEERS = Path(os.environ["FLEUVE_PEERS"])
failures = 0


def report(name, error=None):
    global failures
    if error:
        failures += 1
        print(f"FAILED {name}: {error}", flush=True)
    else:
        print(f"ok {name}", flush=True)


class Client:
    """A client from outside, run as a program of its own for every step."""

    def __init__(self, name, command, codecs, environment=None):
        self.name, self.command, self.codecs = name, command, codecs
        self.environment = {**os.environ, **(environment or {})}

    def run(self, *arguments):
        done = subprocess.run([*self.command, *arguments], env=self.environment, cwd=HERE, text=True,
                              capture_output=True, timeout=60)
        if done.returncode:
            raise RuntimeError((done.stderr or done.stdout).strip()[-600:])
        return done.stdout

    def create(self, bootstrap, topic):
        self.run("create", bootstrap, topic)

    def produce(self, bootstrap, topic, codec):
        self.run("produce", bootstrap, topic, codec)

    def consume(self, bootstrap, topic):
        return json.loads(self.run("consume", bootstrap, topic).strip().splitlines()[-1])


class Kcat(Client):
    """kcat has no admin calls and sets no timestamps: topics appear when it asks for them."""

    def create(self, bootstrap, topic):
        raise NotImplementedError

    def produce(self, bootstrap, topic, codec):
        for partition in range(records.PARTITIONS):
            chosen = range(partition, records.RECORDS, records.PARTITIONS)
            lines = "".join(f"{records.key(i)}\t{records.value(i)}\n" for i in chosen)
            headers = [f"-H{name}={text}" for name, text in records.headers(0)]
            subprocess.run(["kcat", "-P", "-b", bootstrap, "-t", topic, "-p", str(partition), "-K\t", "-z", codec,
                            *headers], input=lines, text=True, check=True, capture_output=True, timeout=120)

    def consume(self, bootstrap, topic):
        digest = records.Digest()
        done = subprocess.run(["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-f",
                               "%p\t%T\t%h\t%k\t%s\n"], text=True, check=True, capture_output=True, timeout=120)
        for line in done.stdout.splitlines():
            partition, timestamp, headers, key, value = line.split("\t")
            pairs = [tuple(header.split("=")) for header in headers.split(",")]
            digest.add(int(partition), key, value, pairs, int(timestamp))
        return digest.result()


def clients():
    """The clients that can be had here; says by name which cannot."""
    all_codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    found = [Client(name, [sys.executable, f"client_{name}.py"], all_codecs)
             for name in ("confluent", "kafka_python", "aiokafka")]
    for name, build in (("java", java), ("kafkajs", kafkajs), ("kcat", kcat)):
        try:
            found.append(build(all_codecs))
        except Exception as error:
            print(f"SKIPPED clients.{name}: {str(error).strip()[-300:]}", flush=True)
    return found


def java(codecs):
    jars = PEERS / "kafka" / "libs"
    if not list(jars.glob("kafka-clients-*.jar")):
        raise RuntimeError("no kafka-clients jar among the peers")
    classes = Path(tempfile.mkdtemp(prefix="fleuve-java-"))
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, HERE / "JavaClient.java"], check=True,
                   capture_output=True, text=True)
    return Client("java", ["java", "-cp", f"{jars}/*:{classes}", "JavaClient"], codecs)


def kafkajs(_):
    folder = PEERS / "kafkajs"
    if not (folder / "node_modules" / "kafkajs").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder, "kafkajs@2.2.4"],
                       check=True, capture_output=True, text=True)
    return Client("kafkajs", ["node", "client_kafkajs.js"], ["none", "gzip"],
                  {"NODE_PATH": str(folder / "node_modules")})


def kcat(codecs):
    if not shutil.which("kcat"):
        raise RuntimeError("kcat is not installed (Debian package kcat)")
    return Kcat("kcat", ["kcat"], codecs)


# What ClientCompatibilityTest is to find, as it did with Apache Kafka from 0.11 on; access control
# lists are not served yet.
FEATURES = {"offsets-for-times-supported": "true", "cluster-id-supported": "true",
            "expect-record-too-large-exception": "false", "num-cluster-nodes": "1", "create-topics-supported": "true",
            "describe-acls-supported": "false", "describe-configs-supported": "true",
            "idempotent-producer-supported": "true"}


def check_compatibility(bootstrap):
    """Kafka's own test of what a client may expect of a broker, in Java."""
    name = "clients.java.ClientCompatibilityTest"
    jars = PEERS / "kafka" / "libs"
    if not list(jars.glob("kafka-tools-*.jar")) or not shutil.which("java"):
        return print(f"SKIPPED {name}: no kafka-tools jar among the peers, or no Java", flush=True)
    topic = f"compatibility-{os.getpid()}"
    try:
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
        command = ["java", "-cp", f"{jars}/*", "org.apache.kafka.tools.ClientCompatibilityTest",
                   "--bootstrap-server", bootstrap, "--topic", topic]
        for feature, is_there in FEATURES.items():
            command += [f"--{feature}", is_there]
        done = subprocess.run(command, text=True, capture_output=True, timeout=120)
        passed = done.returncode == 0 and done.stdout.strip().endswith("SUCCESS.")
        report(name, None if passed else (done.stdout + done.stderr).strip()[-600:])
    except Exception as error:
        report(name, error)


def start_server(folder):
    """Starts a broker of our own on a free port and returns its process and address."""
    ready = folder / "ready.json"
    config = folder / "server.properties"
    config.write_text(f"listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={folder}/data\nnum.partitions=3\noffsets.topic.replication.factor=1\n")
    command = [os.environ["FLEUVE_BIN"], "server", str(config), "--override", "fleuve.spark.connect.enabled=false",
               "--ready-file", str(ready)]
    server = subprocess.Popen(command, stdout=open(folder / "server.log", "w"), stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 30
    while not ready.exists() or not ready.read_text().strip():
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("the server did not start: " + (folder / "server.log").read_text()[-2000:])
        time.sleep(0.02)
    return server, json.loads(ready.read_text())["kafka"]


def check_all(bootstrap):
    found = clients()
    written = []
    for writer in found:
        for codec in writer.codecs:
            topic = f"{writer.name}-{codec}-{os.getpid()}"
            creator = found[0] if isinstance(writer, Kcat) else writer
            try:
                creator.create(bootstrap, topic)
                writer.produce(bootstrap, topic, codec)
                written.append((writer, codec, topic))
                report(f"clients.{writer.name}.writes.{codec}")
            except Exception as error:
                report(f"clients.{writer.name}.writes.{codec}", error)
    check_compatibility(bootstrap)
    expected = records.expected()
    for writer, codec, topic in written:
        readings = {}
        for reader in (reader for reader in found if codec in reader.codecs):
            name = f"clients.{reader.name}.reads.{writer.name}.{codec}"
            try:
                readings[reader.name] = reader.consume(bootstrap, topic)
                report(name, difference(readings, reader.name, expected, isinstance(writer, Kcat)))
            except Exception as error:
                report(name, error)


def difference(readings, reader, expected, own_timestamps):
    """What `reader` saw otherwise than it should have, if anything."""
    reading = readings[reader]
    for partition, known in expected.items():
        seen = reading[partition]
        if seen["count"] != known["count"]:
            return f"partition {partition}: {seen['count']} records instead of {known['count']}"
        if seen["content"] != known["content"]:
            return f"partition {partition}: keys, values, headers or their order differ"
        first = next(iter(readings.values()))[partition]["full"]
        if seen["full"] != (first if own_timestamps else known["full"]):
            return f"partition {partition}: timestamps differ"
    return None


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--bootstrap":
        check_all(sys.argv[2])
    else:
        folder = Path(tempfile.mkdtemp(prefix="fleuve-clients-"))
        server, bootstrap = start_server(folder)
        try:
            check_all(bootstrap)
        finally:
            server.terminate()
            server.wait(10)
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
