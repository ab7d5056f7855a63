"""The same queries on Apache Spark: it continues our checkpoints and we continue its, and it reads our broker.

Apache Spark's Kafka connector is published up to 4.2.0; Spark 4.3 runs it here.
"""

import inspect
import json
import os
import subprocess
from pathlib import Path

from support import HERE, TRIPS, Skip, create_topic, equal, holds, logged_files, produce, rounds

RESTARTS = rounds(2)
PARTITIONS = 4


def installed():
    """Apache Spark's Python and the jars of its Kafka connector."""
    peers = Path(os.environ.get("FLEUVE_PEERS", "/nonexistent"))
    python, jars = peers / "spark" / "bin" / "python", sorted((peers / "spark-jars" / "libs").glob("*.jar"))
    if not python.exists():
        raise Skip("Apache Spark is not installed among the peers")
    if not any(jar.name.startswith("spark-sql-kafka-") for jar in jars):
        raise Skip("Apache Spark's Kafka connector is not installed among the peers")
    return python, jars


def environment():
    """Ours, without what the client in this process has told its children: to be clients too."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}


class Spark:
    """A process of Apache Spark that runs functions for us."""

    def __init__(self, folder):
        python, jars = installed()
        self.log = open(folder / "spark.log", "w")
        self.process = subprocess.Popen([python, HERE / "spark_peer.py", ",".join(map(str, jars)), folder],
                                        cwd=folder, text=True, env=environment(), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.version = self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("= "):
                answer = json.loads(line[2:])
                holds("error" not in answer, answer.get("error"))
                return answer["ok"]
        raise AssertionError("Apache Spark ended: " + Path(self.log.name).read_text()[-2000:])

    def run(self, function, **arguments):
        source = inspect.getsource(function).replace(f"def {function.__name__}(", "def run(", 1)
        self.process.stdin.write(json.dumps({"program": source, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.log.close()


def into_parquet(spark, bootstrap, topic, folder):
    stream = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap) \
        .option("subscribe", topic).option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", "50").load()
    trips = stream.selectExpr("from_json(cast(value as string), 'vendorid string, total_amount string') as trip",
                              "topic", "partition", "offset", "cast(key as string) as key") \
        .selectExpr("trip.vendorid", "cast(trip.total_amount as double) as total_amount", "topic", "partition", "offset", "key") \
        .where("total_amount > -1000")
    query = trips.writeStream.format("parquet").option("path", folder + "/out") \
        .option("checkpointLocation", folder + "/checkpoint").trigger(availableNow=True).start()
    query.awaitTermination()
    return [str(query.id), len(query.recentProgress)]


def a_checkpoint_goes_back_and_forth_between_the_engines(world):
    import pyarrow.parquet
    spark = Spark(world.folder)
    try:
        create_topic(world.server, "exchanged", PARTITIONS)
        trips = TRIPS.read_text().splitlines()
        arguments = {"bootstrap": world.server.bootstrap, "topic": "exchanged", "folder": str(world.folder)}
        ids = set()
        for restart in range(RESTARTS * 2):
            chunk = trips[restart % 10 * 16:][:16] * 5
            produce(world.server, "exchanged", [{"key": f"{restart}-{n}", "value": trip}
                                                for n, trip in enumerate(chunk)])
            if restart % 2:
                identity, batches = spark.run(into_parquet, **arguments)
            else:
                identity, batches = into_parquet(world.spark, **arguments)
            holds(batches >= 2, f"restart {restart} ran {batches} batches of 50")
            ids.add(identity)
        equal(len(ids), 1)
        keys = []
        for file in logged_files(world.folder / "out"):
            keys.extend(pyarrow.parquet.read_table(file).column("key").to_pylist())
        equal(sorted(keys), sorted(f"{restart}-{n}" for restart in range(RESTARTS * 2) for n in range(80)))
        schemas = {str(pyarrow.parquet.read_schema(file).remove_metadata()) for file in logged_files(world.folder / "out")}
        equal(len(schemas), 1)
        count = world.spark.read.parquet(str(world.folder / "out")).count()
        equal(count, len(keys))
        return f"{RESTARTS} restarts of each, {len(keys)} rows, Apache Spark {spark.version}"
    finally:
        spark.stop()


CHECKS = [a_checkpoint_goes_back_and_forth_between_the_engines]
