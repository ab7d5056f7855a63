"""A data directory that Apache Kafka wrote is served by Fleuve, in place.

Apache Kafka, from the peers' jars, writes a topic for each compression, with topic configs, records
deleted from the front of one partition, and committed offsets. It is stopped, and Fleuve is started over its
directory. A client sees the same topic ids, configs, records and committed offsets as before, and
new records go on where the old ones end. Needs Java; about a minute.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewTopic

sys.path.insert(0, str(Path(__file__).parent.parent))
from local_server import Folder, Server, exit_code, failed, report, skipped  # noqa: E402

JARS = Path(os.environ["FLEUVE_PEERS"]) / "kafka" / "libs"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PARTITIONS = 3
RECORDS = 9000
NEW_RECORDS = 30
DELETED_BEFORE = 100
GROUP = "readers"
KAFKA_START_SECONDS = 90
READ_SECONDS = 60
TIMESTAMP_BASE = int(time.time() * 1000) - 3_600_000
SMALL_SEGMENTS = {"segment.bytes": "1048576", "retention.ms": "-1"}
CONFIGS = {
    "none": {"compression.type": "uncompressed", "max.message.bytes": "2000000"},
    "gzip": {"compression.type": "gzip", "message.timestamp.type": "LogAppendTime"},
    "snappy": {"compression.type": "snappy", "index.interval.bytes": "1024"},
    "lz4": {"compression.type": "producer", "min.insync.replicas": "1"},
    "zstd": {"compression.type": "zstd", "retention.bytes": "-1"},
}


def topic_of(codec):
    return f"written-{codec}"


class Kafka:
    """Apache Kafka of the peers' jars, one node, over a directory of its own."""

    def __init__(self, folder):
        self.folder, self.data, self.process = folder, folder / "data", None
        port, controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        self.properties = folder / "kafka.properties"
        self.properties.write_text(
            "process.roles=broker,controller\nnode.id=1\n"
            f"controller.quorum.voters=1@127.0.0.1:{controller_port}\n"
            f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n"
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n"
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
            "offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n"
            f"transaction.state.log.min.isr=1\nlog.dirs={self.data}\n")

    def java(self, *arguments):
        return ["java", "-Xmx512m", "-cp", f"{JARS}/*", *arguments]

    def start(self):
        tool = self.java("kafka.tools.StorageTool")
        identity = subprocess.run([*tool, "random-uuid"], check=True, capture_output=True, text=True, timeout=60)
        subprocess.run([*tool, "format", "-t", identity.stdout.split()[-1], "-c", self.properties], check=True,
                       capture_output=True, text=True, timeout=60)
        log = open(self.folder / "kafka.log", "w")
        self.process = subprocess.Popen(self.java("kafka.Kafka", str(self.properties)), cwd=self.folder, stdout=log,
                                        stderr=subprocess.STDOUT)
        self.await_serving()

    def await_serving(self):
        admin = admin_of(self.bootstrap)
        deadline = time.monotonic() + KAFKA_START_SECONDS
        while True:
            try:
                return admin.list_topics(timeout=2)
            except KafkaException as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = (self.folder / "kafka.log").read_text()[-1000:]
                    raise RuntimeError(f"Apache Kafka did not start: {error}; {said}") from error

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def admin_of(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def create_topics(bootstrap):
    topics = [NewTopic(topic_of(codec), PARTITIONS, 1, config={**SMALL_SEGMENTS, **CONFIGS[codec]})
              for codec in CODECS]
    admin = admin_of(bootstrap)
    for created in admin.create_topics(topics).values():
        created.result(30)


def record(codec, i):
    """Record i of a topic: without a key or without a value now and then, and half of it hard to compress."""
    noise = random.Random(f"{codec} {i}").randbytes(500)
    return {
        "key": None if i % 11 == 0 else f"key-{i % 97}".encode(),
        "value": None if i % 13 == 0 else f"value-{i}-".encode() + noise + b"abcdefghij" * (i % 20),
        "headers": [("codec", codec.encode()), ("nothing", None)] if i % 5 == 0 else None,
        "timestamp": TIMESTAMP_BASE + i,
        "partition": i % PARTITIONS,
    }


def write(bootstrap, codec, numbers):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 20,
                         "enable.idempotence": True, "log_level": 0})
    errors = []
    for i in numbers:
        given = {name: value for name, value in record(codec, i).items() if value is not None}
        producer.produce(topic_of(codec), on_delivery=lambda error, _: error and errors.append(error.str()), **given)
        producer.poll(0)
    left = producer.flush(60)
    if errors or left:
        raise RuntimeError(f"{codec}: {left} records were not acknowledged; {errors[:1]}")


def consumer_of(bootstrap):
    return Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP, "enable.auto.commit": False,
                     "auto.offset.reset": "error", "log_level": 0})


def read(bootstrap, codec):
    """Every record of a topic, by partition, and where each partition starts and ends."""
    consumer, records, bounds = consumer_of(bootstrap), {}, {}
    for partition in range(PARTITIONS):
        place = TopicPartition(topic_of(codec), partition)
        start, end = bounds[partition] = consumer.get_watermark_offsets(place, timeout=30)
        place.offset = start
        consumer.assign([place])
        records[partition] = read_to(consumer, end)
    consumer.close()
    return records, bounds


def read_to(consumer, end):
    found, deadline = [], time.monotonic() + READ_SECONDS
    while not found or found[-1][0] < end - 1:
        for message in consumer.consume(500, timeout=0.1):
            if message.error():
                raise RuntimeError(message.error().str())
            found.append((message.offset(), message.timestamp(), message.key(), message.value(), message.headers()))
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(found)} records read, the partition ends at {end}")
    return found


def commit_offsets(bootstrap):
    places = [TopicPartition(topic_of(codec), partition, 200 + 17 * partition, metadata=f"by {codec}")
              for codec in CODECS for partition in range(PARTITIONS)]
    consumer = consumer_of(bootstrap)
    deadline = time.monotonic() + 60
    while True:
        try:
            answers = consumer.commit(offsets=places, asynchronous=False)
            break
        except KafkaException:
            # Apache Kafka makes its offsets topic at the first commit, which takes a moment.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    consumer.close()
    wrong = [str(answer.error) for answer in answers if answer.error]
    if wrong:
        raise RuntimeError(wrong[0])


def committed(bootstrap):
    consumer = consumer_of(bootstrap)
    places = [TopicPartition(topic_of(codec), partition) for codec in CODECS for partition in range(PARTITIONS)]
    answers = consumer.committed(places, timeout=30)
    consumer.close()
    return {(answer.topic, answer.partition): (answer.offset, answer.metadata) for answer in answers}


def configs(bootstrap):
    """What is set on each topic itself."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic_of(codec)) for codec in CODECS]
    admin = admin_of(bootstrap)
    answers = admin.describe_configs(resources)
    own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return {resource.name: {name: entry.value for name, entry in answer.result(30).items() if entry.source == own}
            for resource, answer in answers.items()}


def topic_ids(bootstrap):
    names = [topic_of(codec) for codec in CODECS]
    admin = admin_of(bootstrap)
    answers = admin.describe_topics(TopicCollection(names))
    return {name: str(answer.result(30).topic_id) for name, answer in answers.items()}


def everything(bootstrap):
    return {"topic_ids": topic_ids(bootstrap), "configs": configs(bootstrap),
            "committed_offsets": committed(bootstrap), "records": {codec: read(bootstrap, codec) for codec in CODECS}}


def fill(kafka):
    """Lets Kafka write; gives what a client sees of it afterwards."""
    create_topics(kafka.bootstrap)
    for codec in CODECS:
        write(kafka.bootstrap, codec, range(RECORDS))
    place = TopicPartition(topic_of("lz4"), 0, DELETED_BEFORE)
    admin = admin_of(kafka.bootstrap)
    admin.delete_records([place])[place].result(30)
    commit_offsets(kafka.bootstrap)
    seen = everything(kafka.bootstrap)
    check_filled(seen)
    return seen


def check_filled(seen):
    """The comparison is worth something only if Kafka holds what was meant to be written."""
    count = sum(len(found) for records, _ in seen["records"].values() for found in records.values())
    if count != RECORDS * len(CODECS) - DELETED_BEFORE:
        raise RuntimeError(f"Apache Kafka holds {count} records")
    for codec in CODECS:
        if seen["configs"][topic_of(codec)] != {**SMALL_SEGMENTS, **CONFIGS[codec]}:
            raise RuntimeError(f"Apache Kafka has other configs of {codec}: {seen['configs'][topic_of(codec)]}")


def difference(before, after):
    """The first thing that is not as it was."""
    if before == after:
        return None
    keys = [key for key in before if before[key] != after.get(key)]
    return f"{keys[0]}: was {before[keys[0]]}, is {after.get(keys[0])}" if keys else f"there is more: {after}"


def record_difference(before, after):
    (records, bounds), (found, found_bounds) = before, after
    if bounds != found_bounds:
        return f"the partitions reach from and to {found_bounds}, not {bounds}"
    for partition, expected in records.items():
        for was, now in zip(expected, found[partition]):
            if was != now:
                return f"partition {partition}: was {was}, is {now}"
        if len(expected) != len(found[partition]):
            return f"partition {partition}: {len(found[partition])} records, not {len(expected)}"
    return None


def compare(before, after, segments):
    for part in ("topic_ids", "configs", "committed_offsets"):
        report(f"takeover.{part}_are_kept", difference(before[part], after[part]), f"{len(before[part])} compared")
    for codec in CODECS:
        records, _ = before["records"][codec]
        report(f"takeover.{codec}_records_are_read_back_equal",
               record_difference(before["records"][codec], after["records"][codec]),
               f"{sum(map(len, records.values()))} records in {segments[codec]} segments")


def count_segments(data):
    return {codec: len(list(data.glob(f"{topic_of(codec)}-*/*.log"))) for codec in CODECS}


def check_new_records(bootstrap, before, codec):
    """New records follow the old ones, which stay as they are."""
    write(bootstrap, codec, range(RECORDS, RECORDS + NEW_RECORDS))
    records, _ = read(bootstrap, codec)
    old, wrong = before["records"][codec][0], None
    for partition in range(PARTITIONS):
        numbers = range(RECORDS + partition, RECORDS + NEW_RECORDS, PARTITIONS)
        expected = [(record(codec, i)["key"], record(codec, i)["value"]) for i in numbers]
        new = records[partition][len(old[partition]):]
        start = old[partition][-1][0] + 1
        if records[partition][:len(old[partition])] != old[partition]:
            wrong = f"the old records of partition {partition} have changed"
        elif [entry[2:4] for entry in new] != expected or [entry[0] for entry in new] != list(
                range(start, start + len(expected))):
            wrong = f"partition {partition} goes on with {new[:2]}"
    report(f"takeover.{codec}_records_go_on", wrong, f"{NEW_RECORDS} new")


def check_new_commit(bootstrap):
    place = TopicPartition(topic_of("none"), 0, 777, metadata="after")
    consumer = consumer_of(bootstrap)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()
    found = committed(bootstrap)[place.topic, 0]
    report("takeover.offsets_are_committed_on", None if found == (777, "after") else f"{found} is there")


def check_takeover(folder, kafka):
    kafka.start()
    before = fill(kafka)
    kafka.stop()
    segments = count_segments(kafka.data)
    server = Server(folder, data=kafka.data, **{"node.id": 1})
    try:
        bootstrap = server.start()
        compare(before, everything(bootstrap), segments)
        for codec in CODECS:
            check_new_records(bootstrap, before, codec)
        check_new_commit(bootstrap)
        after = everything(bootstrap)
        server.stop()
        server.start()
        again = everything(bootstrap)
        report("takeover.a_restart_changes_nothing", None if again == after else "something else is read")
    finally:
        server.kill()


def main():
    if not list(JARS.glob("kafka_2.13-*.jar")) or not shutil.which("java"):
        skipped("takeover", "no Java, or no Apache Kafka among the peers")
        sys.exit(0)
    with Folder("takeover") as folder:
        kafka = Kafka(folder)
        try:
            check_takeover(folder, kafka)
        except Exception as error:
            failed("takeover", repr(error))
        finally:
            kafka.kill()
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
