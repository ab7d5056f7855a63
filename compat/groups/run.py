"""Groups whose members are of different clients, and offsets that outlive the broker.

A member is a program that consumes a topic in a group and says, a line of JSON each, what it is
assigned whenever that changes and which records it got, before it commits them. Told to end by
SIGTERM it commits and leaves. Members join, leave, are killed and are paused for longer than their
session, while records are written all the time. In the end every record was got; by exactly one
member, unless one of two that got it was killed or paused before it could commit.

A crowd is many consumers of our own client in one process; `COMPAT_MEMBERS` sets how many (50).

`COMPAT_ONLY` runs one part: groups, crowds or offsets.
`--bootstrap HOST:PORT` runs the groups against a broker that is there already, which needs
group.initial.rebalance.delay.ms=0 and group.consumer.session.timeout.ms=6000 to be as fast.
"""

import collections
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import rust_examples  # noqa: E402

PEERS = Path(os.environ["FLEUVE_PEERS"])
PARTITIONS = 8
SETTLE_SECONDS = 40
ROUNDS = int(os.environ.get("COMPAT_ROUNDS", "10"))
CROWD_MEMBERS = int(os.environ.get("COMPAT_MEMBERS", "50"))
CROWD_SECONDS = 300
failures = 0


def report(name, error=None):
    global failures
    if error:
        failures += 1
        print(f"FAILED {name}: {error}", flush=True)
    else:
        print(f"ok {name}", flush=True)


class Member:
    """A member that runs, and what it has said."""

    def __init__(self, name, command, arguments):
        self.name, self.assigned, self.records, self.said = name, [], [], []
        self.process = subprocess.Popen([*command, *arguments], cwd=HERE, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "assigned" in said:
                self.assigned = said["assigned"]
            elif "partition" in said:
                self.records.append((time.monotonic(), said["partition"], said["offset"]))
            else:
                self.said.append(said)

    def signal(self, which):
        self.process.send_signal(which)

    def end(self):
        self.signal(signal.SIGTERM)
        self.process.wait(20)
        self.reader.join(5)


class Writer(threading.Thread):
    """Writes records to all partitions in turn until it is told to stop."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        self.bootstrap, self.topic, self.stopping, self.written = bootstrap, topic, False, 0

    def run(self):
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5, "log_level": 0})
        while not self.stopping:
            producer.produce(self.topic, str(self.written).encode(), partition=self.written % PARTITIONS)
            self.written += 1
            producer.poll(0)
            time.sleep(0.005)
        producer.flush()


class Group:
    """One group over one topic, with its writer."""

    def __init__(self, bootstrap, protocol, commands):
        self.bootstrap, self.protocol, self.commands = bootstrap, protocol, commands
        self.topic = f"{protocol}-{os.getpid()}"
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])[self.topic].result(30)
        self.writer = Writer(bootstrap, self.topic)
        self.writer.start()
        self.members, self.live, self.doubtful = {}, set(), set()

    def join(self, name, kind):
        arguments = [self.bootstrap, self.topic, f"group-{self.topic}", self.protocol, "-"]
        self.members[name] = Member(name, self.commands[kind], arguments)
        self.live.add(name)

    def settled(self):
        owned = [self.members[name].assigned for name in self.live]
        return all(owned) and sorted(sum(owned, [])) == list(range(PARTITIONS))

    def settle(self, name):
        """Waits until the live members have shared out all partitions, and go on getting records."""
        start = time.monotonic()
        while not self.settled():
            if time.monotonic() - start > SETTLE_SECONDS:
                shares = {name: self.members[name].assigned for name in self.live}
                report(f"groups.{self.protocol}.{name}", f"not settled after {SETTLE_SECONDS} s: {shares}")
                return
            time.sleep(0.05)
        report(f"groups.{self.protocol}.{name}")
        time.sleep(1)

    def all_got(self):
        got = {(partition, offset) for member in self.members.values() for _, partition, offset in member.records}
        expected = {(i % PARTITIONS, i // PARTITIONS) for i in range(self.writer.written)}
        return expected - got

    def finish(self):
        self.writer.stopping = True
        self.writer.join()
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.all_got() and time.monotonic() < deadline:
            time.sleep(0.1)
        for name in self.live:
            self.members[name].end()
        missing = self.all_got()
        report(f"groups.{self.protocol}.every_record_is_got",
               f"{len(missing)} of {self.writer.written} are missing" if missing else None)
        self.check_once()

    def check_once(self):
        seen = collections.defaultdict(list)
        for member in self.members.values():
            for when, partition, offset in member.records:
                seen[partition, offset].append((when, member.name))
        twice = {key: names for key, names in seen.items() if len(names) > 1}
        wrong = {key: names for key, names in twice.items() if not self.doubtful & {name for _, name in names}}
        report(f"groups.{self.protocol}.by_one_member_alone",
               f"{len(wrong)} records were got twice, such as {next(iter(wrong.items()))}" if wrong else None)

    def leave(self, name):
        self.members[name].end()
        self.live.remove(name)

    def strike(self, names, which):
        """Kills or pauses members; of what they got last nobody knows whether it is committed."""
        for name in names:
            self.doubtful.add(name)
            self.live.remove(name)
            self.members[name].signal(which)

    def go_on(self, names):
        for name in names:
            self.members[name].assigned = []
            self.members[name].signal(signal.SIGCONT)
            self.live.add(name)

    def run(self, kinds):
        first, second, third, fourth = kinds
        self.join("one", first)
        self.settle(f"the_first_member_{first}_gets_all")
        self.join("two", second)
        self.settle(f"a_second_member_{second}_joins")
        self.join("three", third)
        self.settle(f"a_third_member_{third}_joins")
        self.join("four", fourth)
        self.settle(f"a_fourth_member_{fourth}_joins")
        self.leave("two")
        self.settle(f"{second}_leaves")
        self.join("five", second)
        self.settle(f"{second}_comes_back")
        self.strike(["one", "four"], signal.SIGKILL)
        self.settle(f"{first}_and_{fourth}_are_killed")
        self.join("six", fourth)
        self.settle(f"{fourth}_comes_back")
        self.strike(["three", "six"], signal.SIGSTOP)
        self.settle(f"{third}_and_{fourth}_are_paused")
        self.go_on(["three", "six"])
        self.settle(f"{third}_and_{fourth}_go_on")
        self.leave("six")
        self.settle(f"{fourth}_leaves")
        self.finish()

    def kill(self):
        for member in self.members.values():
            if member.process.poll() is None:
                member.process.kill()


def commands():
    """How to run a member of each client; says by name which cannot be had."""
    found = {kind: [sys.executable, f"member_{kind}.py"] for kind in ("confluent", "kafka_python")}
    try:
        found["fleuve"] = [rust_examples.build("group_member")["group_member"]]
    except LookupError as reason:
        print(f"SKIPPED groups.fleuve: {reason}", flush=True)
    jars = PEERS / "kafka" / "libs"
    if not list(jars.glob("kafka-clients-*.jar")) or not shutil.which("javac"):
        print("SKIPPED groups.java: no kafka-clients jar among the peers, or no Java", flush=True)
        return found
    classes = tempfile.mkdtemp(prefix="fleuve-java-")
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, HERE / "GroupMember.java"], check=True,
                   capture_output=True, text=True)
    found["java"] = ["java", "-cp", f"{jars}/*:{classes}", "GroupMember"]
    return found


def check_groups(bootstrap):
    """A group by each protocol, both at once."""
    found = commands()
    java, ours = (kind if kind in found else "confluent" for kind in ("java", "fleuve"))
    kinds = {"classic": (java, "confluent", "kafka_python", ours), "consumer": (java, "confluent", java, ours)}
    runs = [threading.Thread(target=check_group, args=(bootstrap, protocol, kinds[protocol], found))
            for protocol in kinds]
    for run in runs:
        run.start()
    for run in runs:
        run.join()


def check_group(bootstrap, protocol, kinds, found):
    group = None
    try:
        group = Group(bootstrap, protocol, found)
        group.run(kinds)
    except Exception as error:
        report(f"groups.{protocol}", f"{type(error).__name__}: {error}")
    finally:
        if group:
            group.kill()


def check_crowds(bootstrap):
    """Many members of our own client on twice as many partitions, by each protocol."""
    try:
        crowd = rust_examples.build("group_crowd")["group_crowd"]
    except LookupError as reason:
        return print(f"SKIPPED groups.crowd: {reason}", flush=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for protocol in ("classic", "consumer"):
        name = f"groups.{protocol}.a_crowd_of_{CROWD_MEMBERS}_settles"
        command = [crowd, bootstrap, protocol, str(CROWD_MEMBERS), str(2 * CROWD_MEMBERS)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=CROWD_SECONDS)
            why = (done.stdout + done.stderr).strip()[-600:] if done.returncode else None
            report(name + ("" if why else f": {done.stdout.strip()}"), why)
        except subprocess.TimeoutExpired:
            report(name, f"not within {CROWD_SECONDS} s")


class Server:
    """A broker of our own, always on the same port."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "server.properties").write_text(
            f"listeners=PLAINTEXT://127.0.0.1:{self.port}\nlog.dirs={folder}/data\n"
            "offsets.topic.replication.factor=1\ngroup.initial.rebalance.delay.ms=0\n"
            "group.consumer.session.timeout.ms=6000\ngroup.consumer.heartbeat.interval.ms=500\n")

    def start(self):
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [os.environ["FLEUVE_BIN"], "server", str(self.folder / "server.properties"), "--override",
                   "fleuve.spark.connect.enabled=false", "--ready-file", str(ready)]
        log = open(self.folder / "server.log", "a")
        self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while not ready.exists() or not ready.read_text().strip():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start: " + (self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.02)
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart_after(self, seconds):
        time.sleep(seconds)
        self.kill()
        self.start()


def check_offsets(server, bootstrap):
    """What was acknowledged of a committed offset, or read, is there after the broker was killed."""
    name = "groups.offsets_survive_the_brokers_death"
    partition = lambda offset=-1001: TopicPartition("offsets", 0, offset)
    settings = {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 50}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic("offsets", 1, 1)])["offsets"].result(30)
    settings.update({"group.id": "survivor", "enable.auto.commit": False, "socket.timeout.ms": 3000})
    writer, reader = Consumer(settings), Consumer(settings)
    acknowledged = attempted = 0
    for round_number in range(ROUNDS):
        restart = threading.Thread(target=server.restart_after, args=(0.2 + 0.05 * (round_number % 7),))
        restart.start()
        while restart.is_alive():
            attempted += 1
            try:
                writer.commit(offsets=[partition(attempted)], asynchronous=False)
                acknowledged = attempted
            except KafkaException:
                pass
        found = committed(reader, partition())
        if found is None or not acknowledged <= found <= attempted:
            return report(name, f"round {round_number}: {acknowledged} was acknowledged, {found} is there")
        acknowledged = found
    report(name, None if acknowledged > ROUNDS else f"only {acknowledged} commits were acknowledged")


def committed(consumer, partition):
    """The committed offset, once the coordinator is there to ask."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            answer = consumer.committed([partition], timeout=5)[0]
            if not answer.error:
                return max(answer.offset, 0)
        except KafkaException:
            pass
        time.sleep(0.1)
    return None


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--bootstrap":
        check_groups(sys.argv[2])
    else:
        folder = Path(tempfile.mkdtemp(prefix="fleuve-groups-"))
        server = Server(folder)
        bootstrap = server.start()
        try:
            for part, check in (("groups", check_groups), ("crowds", check_crowds),
                                ("offsets", lambda to: check_offsets(server, to))):
                if os.environ.get("COMPAT_ONLY", part) == part:
                    check(bootstrap)
        finally:
            server.kill()
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
