"""How fast streams are: records a CPU second from a topic, and how long a trigger takes.

    python bench.py [records]

`FLEUVE_BIN` names the server. The same queries run on Apache Spark where the peers have it, against the same topic.
"""

import json
import os
import random
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from local_server import Folder, Server  # noqa: E402
from support import TRIPS, Skip, create_topic, produce  # noqa: E402

PARTITIONS = 8
SEED = 7
FIELDS = ["vendorid", "lpep_pickup_datetime", "lpep_dropoff_datetime", "store_and_fwd_flag", "ratecodeid",
          "pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "passenger_count",
          "trip_distance", "fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "payment_type",
          "total_amount"]
SCHEMA = ", ".join(f"{name} string" for name in FIELDS)
CASES = {
    "values to noop": ("noop", ["value"], None),
    "JSON, 3 fields, filter to noop": (
        "noop", ["trip.vendorid", "trip.lpep_pickup_datetime", "trip.total_amount"], "trip.passenger_count > '1'"),
    "JSON, 18 fields to noop": ("noop", ["trip.*"], None),
    "JSON, 3 fields, filter to parquet": (
        "parquet", ["trip.vendorid", "trip.lpep_pickup_datetime", "trip.total_amount"], "trip.passenger_count > '1'"),
    "JSON, 18 fields to parquet": ("parquet", ["trip.*"], None),
}


def run_case(spark, bootstrap, topic, folder, schema, sink, columns, condition):
    """Runs one query over everything in a topic; seconds and rows."""
    import time
    frame = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap) \
        .option("subscribe", topic).option("startingOffsets", "earliest").load()
    if columns != ["value"]:
        frame = frame.selectExpr(f"from_json(cast(value as string), '{schema}') as trip")
    if condition:
        frame = frame.where(condition)
    began = time.monotonic()
    writer = frame.selectExpr(*columns).writeStream.format(sink).option("checkpointLocation", folder + "/checkpoint")
    query = (writer.option("path", folder + "/out") if sink == "parquet" else writer).trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.monotonic() - began
    return [seconds, sum(report["sources"][0]["numInputRows"] for report in query.recentProgress)]


def cpu_seconds(pid):
    """Of a process and its children's children, user and system."""
    total = 0.0
    for process in [pid, *descendants(pid)]:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def descendants(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def memory_peak_mib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def load(server, topic, records):
    create_topic(server, topic, PARTITIONS)
    trips, chance = TRIPS.read_text().splitlines(), random.Random(SEED)
    values = [chance.choice(trips) for _ in range(records)]
    produce(server, topic, ({"value": value, "partition": n % PARTITIONS} for n, value in enumerate(values)))
    return sum(map(len, values)) / records


def measure(name, pid, run, records):
    before = cpu_seconds(pid)
    seconds, rows = run()
    cpu = cpu_seconds(pid) - before
    if rows != records:
        raise AssertionError(f"{rows} rows of {records} were read")
    print(f"{name}: {records / cpu / 1000:,.0f} k records a CPU second, {records / seconds / 1000:,.0f} k a second",
          flush=True)


def engines(server, folder):
    """Each engine's name, the process that does its work, and how it runs a case."""
    from pyspark.sql import SparkSession
    session = SparkSession.builder.remote(server.remote).create()
    yield "fleuve", server.process.pid, lambda **arguments: run_case(session, **arguments)
    try:
        from checks_spark import Spark
        spark = Spark(folder)
    except Skip as why:
        print(f"Apache Spark: {why}", flush=True)
        return
    yield f"Apache Spark {spark.version}", spark.process.pid, lambda **arguments: spark.run(run_case, **arguments)
    spark.stop()


def throughput(server, folder, records):
    bytes_each = load(server, "trips", records)
    print(f"{records} trips of {bytes_each:.0f} bytes in {PARTITIONS} partitions", flush=True)
    for engine, pid, run in engines(server, folder):
        for turn in ("warm", "measured"):
            for number, (name, (sink, columns, condition)) in enumerate(CASES.items()):
                out = folder / f"{engine.replace(' ', '-')}-{turn}-{number}"
                arguments = {"bootstrap": server.bootstrap, "topic": "trips", "folder": str(out), "schema": SCHEMA,
                             "sink": sink, "columns": columns, "condition": condition}
                if turn == "measured":
                    measure(f"{engine}, {name}", pid, lambda: run(**arguments), records)
                elif number in (1, 4):
                    run(**arguments)
        print(f"{engine}: {memory_peak_mib(pid if engine == 'fleuve' else descendants(pid)[0])} MiB at most", flush=True)


def triggers(server, folder):
    """Batches of a few records, one after the other, into parquet and into nothing; and a query that has none."""
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote(server.remote).create()
    trips = TRIPS.read_text().splitlines()
    for sink in ("noop", "parquet"):
        for size in (1, 1000):
            topic = f"small-{sink}-{size}"
            create_topic(server, topic, PARTITIONS)
            frame = spark.readStream.format("kafka").option("kafka.bootstrap.servers", server.bootstrap) \
                .option("subscribe", topic).option("startingOffsets", "earliest").load() \
                .selectExpr(f"from_json(cast(value as string), '{SCHEMA}') as trip").selectExpr("trip.*")
            query = frame.writeStream.format(sink).option("path", str(folder / topic)) \
                .option("checkpointLocation", str(folder / f"{topic}-checkpoint")).start()
            for _ in range(30):
                produce(server, topic, [{"value": trips[n % len(trips)]} for n in range(size)])
                query.processAllAvailable()
            took = [report["durationMs"]["triggerExecution"] for report in query.recentProgress[5:]]
            parts = {key: statistics.median(report["durationMs"][key] for report in query.recentProgress[5:])
                     for key in query.lastProgress["durationMs"]}
            print(f"a batch of about {size} into {sink}: median {statistics.median(took)} ms; {json.dumps(parts)}",
                  flush=True)
            if size == 1:
                before, began = cpu_seconds(server.process.pid), time.monotonic()
                threading.Event().wait(5)
                share = (cpu_seconds(server.process.pid) - before) / (time.monotonic() - began)
                print(f"a query into {sink} without data: {share * 100:.1f} % of a core", flush=True)
            query.stop()


def main(records):
    with Folder("bench-stream") as folder:
        server = Server(folder, spark=True)
        server.start()
        try:
            triggers(server, folder)
            throughput(server, folder, records)
        finally:
            server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
