"""A producer and a consumer of one's own, in Java and in Rust, and one language against the other.

Run with the server's address and the folder of the scripts. Each pair has its own topic, which 32 records are in already, and
group `test` stands behind them: the consumer prints `offset = 32, key = 0, value = 0` and so on.
A language whose tools are not here is skipped by name.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import rust_examples  # noqa: E402

SCRIPTS = Path(sys.argv[2])
TIMEOUT = 60
EARLIER = 32
EXPECTED = [f"offset = {EARLIER + number}, key = {number}, value = {number}" for number in range(10)]


def run(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT, **more)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: exit code {done.returncode}: {done.stdout[-300:]} {done.stderr[-600:]}")
    return done.stdout


def java(folder):
    """The two programs in Java: how to call each. An error of this is a reason to skip."""
    if not shutil.which("javac") or not shutil.which("java"):
        raise LookupError("no Java here")
    jars = Path(os.environ.get("FLEUVE_PEERS", "")) / "kafka" / "libs"
    if not list(jars.glob("kafka-clients-*.jar")):
        raise LookupError("Apache Kafka's jars are not among the peers")
    run(["javac", "-cp", f"{jars}/*", "-d", folder, *sorted((HERE / "w4").glob("*.java"))])
    call = ["java", "-cp", f"{jars}/*:{folder}"]
    return [*call, "SimpleProducer"], [*call, "SimpleConsumer"]


def rust(_folder):
    """The examples of our client crate."""
    built = rust_examples.build("producer", "consumer")
    return [built["producer"]], [built["consumer"]]


def prepare(topic, bootstrap):
    """A topic with earlier records, which group `test` has behind it."""
    server = ["--bootstrap-server", bootstrap]
    run([SCRIPTS / "kafka-topics.sh", "--create", "--topic", topic, *server])
    earlier = "".join(f"earlier {number}\n" for number in range(EARLIER))
    run([SCRIPTS / "kafka-console-producer.sh", "--topic", topic, *server], input=earlier)
    run([SCRIPTS / "kafka-consumer-groups.sh", "--reset-offsets", "--to-latest", "--group", "test", "--topic", topic,
         "--execute", *server])


def check(topic, bootstrap, producer, consumer):
    prepare(topic, bootstrap)
    reading = subprocess.Popen([*consumer, topic, bootstrap, "10"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = run([*producer, topic, bootstrap]).splitlines()
        output, errors = reading.communicate(timeout=TIMEOUT)
    finally:
        reading.kill()
    if said != ["Message sent successfully"]:
        raise RuntimeError(f"the producer printed {said}")
    if output.splitlines() != [f"Subscribed to topic {topic}", *EXPECTED]:
        raise RuntimeError(f"the consumer printed {output.splitlines()}; {errors[-300:]}")
    check_committed(topic, bootstrap)


def check_committed(topic, bootstrap):
    """Leaving the group has committed what was read."""
    lines = run([SCRIPTS / "kafka-consumer-groups.sh", "--describe", "--offsets", "--group", "test",
                 "--bootstrap-server", bootstrap]).splitlines()
    offsets = [line.split()[3] for line in lines if topic in line.split()]
    if offsets != [str(EARLIER + 10)]:
        raise RuntimeError(f"group test has committed {offsets} of {topic}")


def main():
    bootstrap, folder, failures = sys.argv[1], tempfile.mkdtemp(prefix="fleuve-w4-"), 0
    programs = {}
    try:
        for language, make in (("java", java), ("rust", rust)):
            try:
                programs[language] = make(folder)
            except LookupError as reason:
                print(f"SKIPPED walkthroughs.w4-programs {language}: {reason}", flush=True)
            except Exception as error:
                failures += 1
                print(f"FAILED walkthroughs.w4-programs {language}: {error}", flush=True)
        for writer in programs:
            for reader in programs:
                name = f"walkthroughs.w4-programs {writer} to {reader}"
                try:
                    check(f"w4-{writer}-{reader}", bootstrap, programs[writer][0], programs[reader][1])
                    print(f"ok {name}", flush=True)
                except Exception as error:
                    failures += 1
                    print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
