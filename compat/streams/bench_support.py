"""What the benchmarks share: the two engines, processor time, medians.

Processor time is that of the process that does an engine's work, and of what it has started. Ours includes the broker,
which serves Apache Spark as well but is not counted there.
"""

import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support import Skip, create_topic, produce  # noqa: E402

PARTITIONS = 8


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
    """The most that a process, or the largest that it has started, has had in memory."""
    peaks = [0]
    for process in [pid, *descendants(pid)]:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        peaks += [int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


class Engine:
    """One of the engines: its name, the process that does its work, and how it runs a function over a session."""

    def __init__(self, name, pid, run, stop=lambda: None):
        self.name, self.pid, self.run, self.stop = name, pid, run, stop


def engines(server, folder):
    """Ours, and Apache Spark where the peers have it."""
    from pyspark.sql import SparkSession
    session = SparkSession.builder.remote(server.remote).create()
    run = lambda function, **arguments: function(session, **arguments)  # noqa: E731
    # A client that outlives its server asks it for minutes to end the session.
    found = [Engine("fleuve", server.process.pid, run, session.stop)]
    try:
        from checks_spark import Spark
        spark = Spark(folder)
        found.append(Engine(f"Apache Spark {spark.version}", spark.process.pid, spark.run, spark.stop))
    except Skip as why:
        print(f"SKIPPED Apache Spark: {why}", flush=True)
    return found


def load(server, topic, values):
    """Fills a topic and returns how long a value is on average."""
    create_topic(server, topic, PARTITIONS)
    produce(server, topic, ({"value": value, "partition": n % PARTITIONS} for n, value in enumerate(values)))
    return sum(map(len, values)) / len(values)


def compare(name, both, folder, rounds, units, function, **arguments):
    """Runs a case in turns on each engine, once to warm up and then `rounds` times, and prints the medians.

    `function(session, folder=…, **arguments)` returns seconds and how many units it has read.
    """
    figures = {engine.name: [] for engine in both}
    for turn in range(rounds + 1):
        for engine in both:
            place = folder / f"{engine.name}-{name}-{turn}".replace(" ", "-").replace(",", "")
            before = cpu_seconds(engine.pid)
            seconds, read = engine.run(function, folder=str(place), **arguments)
            if read != units:
                raise AssertionError(f"{engine.name}, {name}: {read} of {units} were read")
            if turn:
                figures[engine.name].append((units / (cpu_seconds(engine.pid) - before), units / seconds))
    medians = {engine: [statistics.median(each) for each in zip(*turns)] for engine, turns in figures.items()}
    ours = medians["fleuve"][0]
    for engine, (per_cpu, per_second) in medians.items():
        turns = ", ".join(f"{turn[0] / 1000:,.0f}" for turn in figures[engine])
        ratio = "" if engine == "fleuve" else f"; ours is {ours / per_cpu:.1f} times that"
        print(f"{name}, {engine}: {per_cpu / 1000:,.0f} k a CPU second ({turns}), {per_second / 1000:,.0f} k a second"
              f"{ratio}", flush=True)


def print_memory(both):
    for engine in both:
        print(f"{engine.name}: {memory_peak_mib(engine.pid)} MiB at most", flush=True)


def small_batches(engine, produce_some, rounds=30, skipped=5):
    """Gives the engine's only query a few records at a time; the reports of the batches, without the first ones."""
    for number in range(rounds):
        produce_some(number)
        engine.run(process_all)
    reports = engine.run(reports_of_the_query)
    return [report for report in reports if sum(source["numInputRows"] for source in report["sources"])][skipped:]


def process_all(spark):
    spark.streams.active[0].processAllAvailable()


def reports_of_the_query(spark):
    import json
    return [json.loads(report.json) for report in spark.streams.active[0].recentProgress]


def stop_the_query(spark):
    spark.streams.active[0].stop()


def print_milliseconds(name, reports):
    """Medians of a trigger and of its parts."""
    median = {part: statistics.median(report["durationMs"].get(part, 0) for report in reports)
              for part in reports[-1]["durationMs"]}
    total = median.pop("triggerExecution")
    parts = ", ".join(f"{part} {time:.0f}" for part, time in median.items() if time)
    print(f"{name}: median of {len(reports)} batches {total:.0f} ms ({parts})", flush=True)
