"""How fast streams are: records a CPU second from a topic, and how long a trigger takes.

    python bench.py [--quick] [--scale N] [--rounds N] [part…]

`FLEUVE_BIN` names the server. The same queries run on Apache Spark where the peers have it, against the same topic, in
turns with ours. The parts are the functions of `PARTS`.
"""

import argparse
import random
import threading
import time
from collections import namedtuple

from bench_support import (PARTITIONS, compare, cpu_seconds, engines, load, print_memory, print_milliseconds,
                           small_batches, stop_the_query)
from local_server import Folder, Server
from support import TRIPS, create_topic, produce

SEED = 7
FIELDS = ["vendorid", "lpep_pickup_datetime", "lpep_dropoff_datetime", "store_and_fwd_flag", "ratecodeid",
          "pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "passenger_count",
          "trip_distance", "fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "payment_type",
          "total_amount"]
SCHEMA = ", ".join(f"{name} string" for name in FIELDS)
THREE = ["value.vendorid", "value.lpep_pickup_datetime", "value.total_amount"]
MANY_PASSENGERS = "value.passenger_count > '1'"
EVENT_SCHEMA = ("user_id string, page_id string, ad_id string, ad_type string, event_type string, event_time timestamp, "
                "ip_address string")
EVENT = ["value.ad_id", "value.event_time"]
VIEWS = "value.event_type = 'view'"

Case = namedtuple("Case", "topic schema sink columns condition")
CASES = {
    "trips, values to noop": Case("trips", None, "noop", ["value"], None),
    "trips, 3 fields and a filter to noop": Case("trips", SCHEMA, "noop", THREE, MANY_PASSENGERS),
    "trips, 3 fields and a filter to parquet": Case("trips", SCHEMA, "parquet", THREE, MANY_PASSENGERS),
    "trips, 18 fields to noop": Case("trips", SCHEMA, "noop", ["value.*"], None),
    "trips, 18 fields to parquet": Case("trips", SCHEMA, "parquet", ["value.*"], None),
    "events, 2 fields and a filter to noop": Case("events", EVENT_SCHEMA, "noop", EVENT, VIEWS),
    "events, 2 fields and a filter to parquet": Case("events", EVENT_SCHEMA, "parquet", EVENT, VIEWS),
}


def run_case(spark, bootstrap, topic, folder, schema, sink, columns, condition):
    """Runs one query over everything in a topic; seconds and rows."""
    import time
    frame = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap) \
        .option("subscribe", topic).option("startingOffsets", "earliest").load()
    if schema:
        frame = frame.selectExpr(f"from_json(cast(value as string), '{schema}') as value")
    if condition:
        frame = frame.where(condition)
    began = time.monotonic()
    writer = frame.selectExpr(*columns).writeStream.format(sink).option("checkpointLocation", folder + "/checkpoint")
    query = (writer.option("path", folder + "/out") if sink == "parquet" else writer).trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.monotonic() - began
    return [seconds, sum(report["sources"][0]["numInputRows"] for report in query.recentProgress)]


def start_small(spark, bootstrap, topic, folder, schema, sink):
    """Starts a query that takes trips apart."""
    frame = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap) \
        .option("subscribe", topic).option("startingOffsets", "earliest").load() \
        .selectExpr(f"from_json(cast(value as string), '{schema}') as trip").selectExpr("trip.*")
    writer = frame.writeStream.format(sink).option("checkpointLocation", folder + "/checkpoint")
    (writer.option("path", folder + "/out") if sink == "parquet" else writer).start()


def trips(count):
    lines, chance = TRIPS.read_text().splitlines(), random.Random(SEED)
    return [chance.choice(lines) for _ in range(count)]


def events(count):
    """Clicks and views of advertisements, as the Yahoo streaming benchmark has them."""
    chance = random.Random(SEED)
    ids = [f"{chance.getrandbits(64):016x}-{chance.getrandbits(80):020x}" for _ in range(1000)]
    kinds = [f'"ad_type": "{kind}", "event_type": "{event}"' for kind in ("banner", "modal", "mail", "mobile")
             for event in ("view", "click", "purchase")]
    return [f'{{"user_id": "{chance.choice(ids)}", "page_id": "{chance.choice(ids)}", "ad_id": "ad-{chance.randrange(1000):036}", '
            f'{chance.choice(kinds)}, "event_time": "2026-11-21T10:{n * 10 // count:02}:{n * 600 // count % 60:02}.{n % 1000:03}Z", '
            f'"ip_address": "10.0.{n % 250}.1"}}' for n in range(count)]


def throughput(server, both, folder, size):
    """Records a CPU second, and memory."""
    count, rounds = size.records(1_000_000), size.rounds
    for topic, values in (("trips", trips(count)), ("events", events(count))):
        print(f"{count} {topic} of {load(server, topic, values):.0f} bytes in {PARTITIONS} partitions", flush=True)
    for name, case in CASES.items():
        compare(name, both, folder, rounds, count, run_case, bootstrap=server.bootstrap, **case._asdict())
    print_memory(both)


def triggers(server, both, folder, size):
    """Batches of a few records, one after the other, into parquet and into nothing; and a query that has none."""
    lines = trips(1000)
    for sink in ("noop", "parquet"):
        for rows in (1, 1000):
            for engine in both:
                topic = f"small-{sink}-{rows}-{both.index(engine)}"
                create_topic(server, topic, PARTITIONS)
                engine.run(start_small, bootstrap=server.bootstrap, topic=topic, folder=str(folder / topic),
                           schema=SCHEMA, sink=sink)
                reports = small_batches(engine, lambda _: produce(server, topic, lines[:rows]), size.batches)
                print_milliseconds(f"about {rows} a batch into {sink}, {engine.name}", reports)
                if rows == 1:
                    idle(f"a query into {sink} without data, {engine.name}", engine)
                engine.run(stop_the_query)


def idle(name, engine):
    before, began = cpu_seconds(engine.pid), time.monotonic()
    threading.Event().wait(5)
    share = (cpu_seconds(engine.pid) - before) / (time.monotonic() - began)
    print(f"{name}: {share * 100:.1f} % of a core", flush=True)


class Size:
    """How much is measured: how many times less data, and how often."""

    def __init__(self, quick, scale, rounds):
        self.quick, self.scale = quick, scale or (20 if quick else 1)
        self.rounds, self.batches = rounds or (1 if quick else 5), 10 if quick else 40

    def records(self, count):
        return count // self.scale


PARTS = {part.__name__: part for part in (triggers, throughput)}


def main(parts, default):
    """Runs the parts that the command line names, or those of `default`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="less data, to see that it runs")
    parser.add_argument("--scale", type=int, help="so many times less data")
    parser.add_argument("--rounds", type=int, help="how often each engine runs a case after warming up")
    parser.add_argument("parts", nargs="*", help="what to measure: " + ", ".join(parts))
    options = parser.parse_args()
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no such part: {', '.join(unknown)}")
    size = Size(options.quick, options.scale, options.rounds)
    with Folder("bench-stream") as folder:
        server = Server(folder, spark=True)
        server.start()
        both = []
        try:
            both = engines(server, folder)
            for part in options.parts or default:
                parts[part](server, both, folder, size)
        finally:
            for engine in both:
                engine.stop()
            server.stop()


if __name__ == "__main__":
    main(PARTS, PARTS)
