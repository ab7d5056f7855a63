"""How fast streams with state are: windowed counts behind a join, words, small batches; and memory over time.

    python bench_state.py [--quick] [--scale N] [--rounds N] [part…]

As `bench.py`; `sliding` runs only by name, for ten minutes.
"""

import json
import random
import statistics
import threading
import time

from bench import EVENT_SCHEMA, SEED, events, main
from bench_support import (PARTITIONS, compare, load, memory_peak_mib, print_memory, print_milliseconds, small_batches,
                           stop_the_query)
from support import create_topic, produce

ADS = 1000
CAMPAIGNS = 100
BATCHES = 5
WORDS_A_LINE = 20


def run_campaigns(spark, bootstrap, topic, folder, ads, schema, batch):
    """Views per campaign and ten seconds: filter, join, window, count."""
    import time
    from pyspark.sql import functions as f
    table = spark.read.schema("ad_id string, campaign_id string").json(ads)
    events = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic) \
        .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", batch).load() \
        .selectExpr(f"from_json(cast(value as string), '{schema}') as event") \
        .where("event.event_type = 'view'").selectExpr("event.ad_id", "event.event_time")
    counts = events.withWatermark("event_time", "10 seconds").join(table, "ad_id") \
        .groupBy(f.window("event_time", "10 seconds"), "campaign_id").count()
    began = time.monotonic()
    query = counts.writeStream.format("noop").outputMode("update").option("checkpointLocation", folder) \
        .trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.monotonic() - began
    return [seconds, sum(source["numInputRows"] for report in query.recentProgress for source in report["sources"])]


def run_words(spark, bootstrap, topic, folder, batch, words):
    """Counts words, all of them in every batch."""
    import time
    lines = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic) \
        .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", batch).load()
    counts = lines.selectExpr("explode(split(cast(value as string), ' ')) as word").groupBy("word").count()
    began = time.monotonic()
    query = counts.writeStream.format("noop").outputMode("complete").option("checkpointLocation", folder) \
        .trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.monotonic() - began
    read = sum(source["numInputRows"] for report in query.recentProgress for source in report["sources"])
    return [seconds, read * words]


def start_counts(spark, bootstrap, topic, folder):
    """Starts a count by key."""
    records = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic) \
        .option("startingOffsets", "earliest").load()
    records.selectExpr("cast(value as string) as key").groupBy("key").count().writeStream.format("noop") \
        .outputMode("update").option("checkpointLocation", folder).start()


def start_sliding(spark, bootstrap, topic, folder):
    """Starts a count by key over windows of a minute that begin every ten seconds."""
    from pyspark.sql import functions as f
    records = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic) \
        .option("startingOffsets", "earliest").load()
    records.selectExpr("cast(key as string) as key", "cast(cast(value as string) as timestamp) as at") \
        .withWatermark("at", "10 seconds").groupBy(f.window("at", "1 minute", "10 seconds"), "key").count() \
        .writeStream.format("noop").outputMode("append").option("checkpointLocation", folder).start()


def campaigns(server, both, folder, size):
    """A job like the Yahoo streaming benchmark's: views per campaign and window, records a CPU second."""
    count, rounds = size.records(1_000_000), size.rounds
    print(f"{count} events of {load(server, 'events', events(count)):.0f} bytes in {PARTITIONS} partitions", flush=True)
    ads = folder / "ads.json"
    rows = ({"ad_id": f"ad-{ad:036}", "campaign_id": f"campaign-{ad * CAMPAIGNS // ADS}"} for ad in range(ADS))
    ads.write_text("".join(json.dumps(row) + "\n" for row in rows))
    compare("views per campaign and window", both, folder, rounds, count, run_campaigns, bootstrap=server.bootstrap,
            topic="events", ads=str(ads), schema=EVENT_SCHEMA, batch=count // BATCHES)


def words(server, both, folder, size):
    """Word count, words a CPU second."""
    count, rounds = size.records(400_000), size.rounds
    chance = random.Random(SEED)
    known = [f"word{number}" for number in range(10_000)]
    lines = [" ".join(chance.choices(known, k=WORDS_A_LINE)) for _ in range(count)]
    print(f"{count} lines of {WORDS_A_LINE} words, {load(server, 'lines', lines):.0f} bytes", flush=True)
    compare("words counted", both, folder, rounds, count * WORDS_A_LINE, run_words, bootstrap=server.bootstrap,
            topic="lines", batch=count // BATCHES, words=WORDS_A_LINE)
    print_memory(both)


def trigger(server, both, folder, size):
    """Batches of a thousand records, each of a key of its own: how long one takes."""
    keys = [f"key{number}" for number in range(1000)]
    for engine in both:
        topic = f"keys-{both.index(engine)}"
        create_topic(server, topic, PARTITIONS)
        engine.run(start_counts, bootstrap=server.bootstrap, topic=topic, folder=str(folder / topic))
        reports = small_batches(engine, lambda _: produce(server, topic, keys), size.batches)
        print_milliseconds(f"counts of 1,000 keys, {engine.name}", reports)
        engine.run(stop_the_query)


def sliding(server, both, folder, size):
    """Sliding windows for ten minutes, event time thirty times as fast as the clock: memory must stay flat."""
    seconds, engine = 60 if size.quick else 600, both[0]
    create_topic(server, "ticks", PARTITIONS)
    engine.run(start_sliding, bootstrap=server.bootstrap, topic="ticks", folder=str(folder / "ticks"))
    began, resident, sent = time.monotonic(), [], 0
    while (elapsed := time.monotonic() - began) < seconds:
        at = 1_800_000_000 + elapsed * 30
        produce(server, "ticks", [{"key": f"key{n % 1000}", "value": iso(at + n / 1000)} for n in range(2_000)])
        sent += 2_000
        if elapsed >= len(resident) * seconds / 60:
            resident.append(server.resident_bytes() / 2**20)
        threading.Event().wait(0.25)
    engine.run(lambda spark: spark.streams.active[0].processAllAvailable())
    state = engine.run(lambda spark: json.loads(spark.streams.active[0].lastProgress.json)["stateOperators"][0])
    engine.run(stop_the_query)
    print(f"sliding windows: {sent} records in {seconds} s; at the end {state['numRowsTotal']} rows of state", flush=True)
    print("resident MiB, every sixtieth of the time: " + " ".join(f"{mib:.0f}" for mib in resident), flush=True)
    thirds = [statistics.median(resident[part * 20:][:20]) for part in range(3)]
    print(f"its median in each third: {thirds[0]:.0f}, {thirds[1]:.0f}, {thirds[2]:.0f} MiB; "
          f"at most {memory_peak_mib(engine.pid)} MiB", flush=True)


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03}Z"


PARTS = {part.__name__: part for part in (campaigns, words, trigger, sliding)}


if __name__ == "__main__":
    main(PARTS, ["campaigns", "words", "trigger"])
