"""Queries whose server is killed, and queries that are stopped and restarted, while records come in.

The server is one of the check's own. `COMPAT_ROUNDS` says how often it is killed, `COMPAT_RECORDS` how many trips
the stream that is stopped and restarted reads.
"""

import itertools
import json
import os
import random
import threading
import time

from local_server import Server
from support import TRIPS, create_topic, consume, equal, holds, logged_files, rounds

PARTITIONS = 8
RECORDS = int(os.environ.get("COMPAT_RECORDS", 20_000))
STOPS = 10
# Small batches, so that kills come at every step of many.
BATCH = int(os.environ.get("COMPAT_BATCH", 5_000))
SCHEMA = "id bigint, lpep_pickup_datetime string, trip_distance string, total_amount string"


class Load(threading.Thread):
    """Trips, each with a number of its own, sent until told to end or until there are `count`."""

    def __init__(self, server, topic, seed, count=None, records_per_second=20_000):
        super().__init__(daemon=True)
        self.server, self.topic, self.count = server, topic, count
        self.records_per_second = records_per_second
        self.chance = random.Random(seed)
        self.ending = threading.Event()
        self.sent, self.error = 0, None
        self.start()

    def run(self):
        from confluent_kafka import Producer
        trips = [json.loads(line) for line in TRIPS.read_text().splitlines()]
        producer = Producer({"bootstrap.servers": self.server.bootstrap, "enable.idempotence": True,
                             "message.timeout.ms": 120_000, "linger.ms": 5, "reconnect.backoff.max.ms": 200,
                             "queue.buffering.max.messages": 200_000})
        began = time.monotonic()
        for number in itertools.count() if self.count is None else range(self.count):
            if self.ending.is_set():
                break
            trip = {"id": number, **self.chance.choice(trips)}
            while True:
                try:
                    producer.produce(self.topic, json.dumps(trip), partition=number % PARTITIONS,
                                     on_delivery=self.delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
            if number % 500 == 0:
                producer.poll(0)
                ahead = number / self.records_per_second - (time.monotonic() - began)
                if ahead > 0:
                    time.sleep(ahead)
        left = producer.flush(120)
        self.error = self.error or (f"{left} records were not sent" if left else None)

    def delivered(self, error, _message):
        if error:
            self.error = str(error)
        else:
            self.sent += 1

    def end(self):
        self.ending.set()
        self.join(180)
        holds(not self.is_alive(), "the producer does not end")
        equal(self.error, None)
        return self.sent


def connect(server):
    from pyspark.sql import SparkSession
    return SparkSession.builder.remote(server.remote).create()


def trips(spark, server, topic):
    stream = spark.readStream.format("kafka").option("kafka.bootstrap.servers", server.bootstrap) \
        .option("subscribe", topic).option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", BATCH).load()
    return stream.selectExpr(f"from_json(cast(value as string), '{SCHEMA}') as trip", "partition", "offset") \
        .select("trip.*", "partition", "offset")


def into_parquet(spark, server, topic, folder, name="out"):
    return trips(spark, server, topic).writeStream.format("parquet") \
        .option("checkpointLocation", str(folder / f"{name}-checkpoint")).option("path", str(folder / name))


def read_by_log(folder):
    """The rows of the files that the sink's log names, read by somebody else's parquet reader."""
    import pyarrow.parquet
    rows = []
    for file in logged_files(folder):
        table = pyarrow.parquet.read_table(file, partitioning=None)
        rows.extend(zip(*(table.column(name).to_pylist() for name in table.column_names)))
    return sorted(rows)


def under_kills(world, topic, start, seed):
    """Kills the server again and again while `start`'s query runs; the server as it is in the end, and its load."""
    server = Server(world.folder, spark=True)
    server.start()
    create_topic(server, topic, PARTITIONS)
    chance = random.Random(seed)
    load = Load(server, topic, seed)
    try:
        for _ in range(rounds(2)):
            start(connect(server), server)
            time.sleep(chance.uniform(0, 1.5))
            server.kill()
            server.start()
    except BaseException:
        server.kill()
        raise
    return server, load


def a_parquet_sink_holds_each_record_once_however_often_the_server_is_killed(world):
    seed = int(os.environ.get("COMPAT_SEED", random.randrange(1 << 32)))
    server, load = under_kills(world, "killed", lambda spark, server:
                               into_parquet(spark, server, "killed", world.folder).start(), seed)
    try:
        sent = load.end()
        spark = connect(server)
        for name in ("out", "undisturbed"):
            query = into_parquet(spark, server, "killed", world.folder, name).trigger(availableNow=True).start()
            query.awaitTermination()
        disturbed, undisturbed = (read_by_log(world.folder / name) for name in ("out", "undisturbed"))
        equal(len(undisturbed), sent)
        holds(disturbed == undisturbed, f"{len(disturbed)} rows, {len(set(disturbed))} of them different, instead of "
                                        f"{len(undisturbed)} (COMPAT_SEED={seed})")
        batches = len(os.listdir(world.folder / "out-checkpoint" / "commits"))
        spark.stop()
    finally:
        server.kill()
    return f"{rounds(2)} kills, {sent} records, {batches} batches kept"


def a_kafka_sink_loses_nothing_however_often_the_server_is_killed(world):
    seed = int(os.environ.get("COMPAT_SEED", random.randrange(1 << 32)))

    def start(spark, server, **trigger):
        return trips(spark, server, "killed-in").selectExpr("cast(id as string) as key", "to_json(struct(*)) as value") \
            .writeStream.format("kafka").option("kafka.bootstrap.servers", server.bootstrap) \
            .option("topic", "killed-out").option("checkpointLocation", str(world.folder / "checkpoint")) \
            .trigger(**trigger or {"processingTime": "0 seconds"}).start()

    def first(spark, server):
        if not (world.folder / "checkpoint").exists():
            create_topic(server, "killed-out", PARTITIONS)
        start(spark, server)

    server, load = under_kills(world, "killed-in", first, seed)
    try:
        sent = load.end()
        spark = connect(server)
        start(spark, server, availableNow=True).awaitTermination()
        keys = [int(key) for key, _, _, _ in consume(server, "killed-out")]
        lost = sent - len(set(keys))
        holds(lost == 0, f"{lost} of {sent} records are lost (COMPAT_SEED={seed})")
        spark.stop()
    finally:
        server.kill()
    return f"{rounds(2)} kills, {sent} records, {len(keys) - sent} sent again"


def a_stream_that_is_stopped_and_restarted_has_each_trip_once(world):
    seed = int(os.environ.get("COMPAT_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    create_topic(world.server, "restarted", PARTITIONS)
    began = time.monotonic()
    load = Load(world.server, "restarted", seed, RECORDS)
    expected_seconds = RECORDS / load.records_per_second
    for _ in range(STOPS):
        query = into_parquet(world.spark, world.server, "restarted", world.folder).start()
        time.sleep(chance.uniform(0, 2 * expected_seconds / STOPS))
        query.stop()
        equal(query.exception(), None)
    load.join(600)
    equal(load.end(), RECORDS)
    query = into_parquet(world.spark, world.server, "restarted", world.folder).trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.monotonic() - began
    ids = sorted(row[0] for row in read_by_log(world.folder / "out"))
    holds(ids == list(range(RECORDS)), f"{len(ids)} rows, {len(set(ids))} of them different, instead of {RECORDS} "
                                       f"(COMPAT_SEED={seed})")
    files = len(logged_files(world.folder / "out"))
    equal(world.spark.read.parquet(str(world.folder / "out")).count(), RECORDS)
    return f"{RECORDS} records, {STOPS} stops, {files} files, {seconds:.1f} s"


CHECKS = [a_parquet_sink_holds_each_record_once_however_often_the_server_is_killed,
          a_kafka_sink_loses_nothing_however_often_the_server_is_killed,
          a_stream_that_is_stopped_and_restarted_has_each_trip_once]
