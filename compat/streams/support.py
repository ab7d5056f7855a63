"""What the checks share: assertions, topics, and the shortest way to rows."""

import json
import os
import time
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
TRIPS = EXAMPLES / "green_trips.jsonl"
WAIT_SECONDS = 60


class Skip(Exception):
    """Why a check cannot run here."""


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def holds(condition, text):
    if not condition:
        raise AssertionError(text)


def raises(kind, text, action):
    """The error of `action`, which must be of that kind and mention that text."""
    try:
        action()
    except kind as error:
        holds(text in str(error), f"`{text}` is not in `{error}`")
        return error
    raise AssertionError(f"no {kind.__name__}")


def eventually(condition, what, seconds=WAIT_SECONDS):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return value


def create_topic(server, name, partitions=1, **config):
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({"bootstrap.servers": server.bootstrap})
    for future in admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
        future.result(WAIT_SECONDS)


def produce(server, topic, values, partition=None, **more):
    """Sends values, each a string or a dictionary of a record's parts."""
    from confluent_kafka import Producer
    producer = Producer({"bootstrap.servers": server.bootstrap, "linger.ms": 0})
    for value in values:
        record = dict(value) if isinstance(value, dict) else {"value": value}
        if partition is not None:
            record["partition"] = partition
        producer.produce(topic, **record, **more)
        if len(producer) > 10_000:
            producer.poll(0.1)
    left = producer.flush(WAIT_SECONDS)
    equal(left, 0)


def consume(server, topic):
    """Everything in a topic, as (key, value, partition, offset)."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": server.bootstrap, "group.id": f"reader-{time.monotonic_ns()}",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    partitions = consumer.list_topics(topic, WAIT_SECONDS).topics[topic].partitions
    rows = []
    for partition in partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), WAIT_SECONDS)
        consumer.assign([TopicPartition(topic, partition, 0)])
        while consumer.position([TopicPartition(topic, partition)])[0].offset < end:
            message = consumer.poll(WAIT_SECONDS)
            if message is None:
                break
            if message.error():
                raise AssertionError(message.error())
            rows.append((message.key(), message.value(), message.partition(), message.offset()))
    consumer.close()
    return rows


def part_files(folder):
    """The files of a sink, by their paths below its folder."""
    folder = Path(folder)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("part-*"))


def logged_files(folder):
    """The files that count, as Spark's log of a sink names them: the newest compacted entry and all after it."""
    log = Path(folder, "_spark_metadata")
    entries = sorted((int(path.name.removesuffix(".compact")), path.name.endswith(".compact"), path)
                     for path in log.iterdir() if path.name.removesuffix(".compact").isdigit())
    compacted = max((index for index, entry in enumerate(entries) if entry[1]), default=0)
    files = []
    for _, _, path in entries[compacted:]:
        version, *lines = path.read_text().splitlines()
        equal(version, "v1")
        files.extend(unquote(json.loads(line)["path"].removeprefix("file://")) for line in lines)
    return files


def values(frame):
    return sorted(tuple(row) for row in frame.collect())


def rounds(default):
    return int(os.environ.get("COMPAT_ROUNDS", default))
