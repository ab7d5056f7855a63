"""Taxi trips as a batch program: JSON trips into a topic, and a topic into parquet files.

Run by `w6.py` on either engine: over Spark Connect with `--remote`, or in Apache Spark itself with `--jars` (the folder
of its Kafka connector). Each action is `write:TOPIC` or `read:TOPIC`; what came out of it goes to `--out` as JSON.
"""

import argparse
import json
import os
import re


def session(arguments):
    from pyspark.sql import SparkSession
    builder = SparkSession.builder.appName("trips").config("spark.sql.session.timeZone", "UTC")
    if arguments.remote:
        return builder.remote(arguments.remote).getOrCreate()
    jars = ",".join(os.path.join(arguments.jars, jar) for jar in sorted(os.listdir(arguments.jars)))
    return (builder.master("local[2]").config("spark.jars", jars).config("spark.ui.enabled", "false")
            .getOrCreate())


def rows_as_json(frame):
    from pyspark.sql.functions import struct, to_json
    return sorted(row[0] for row in frame.select(to_json(struct("*"))).collect())


def has_rows(path):
    from pyarrow.parquet import ParquetFile
    return not path.endswith(".parquet") or ParquetFile(path).metadata.num_rows > 0


def has_rows(path):
    """Spark's first task writes a file without rows too, and which partition it reads is chance."""
    from pyarrow.parquet import ParquetFile
    return not path.endswith(".parquet") or ParquetFile(path).metadata.num_rows > 0


def write(spark, arguments, topic):
    trips = spark.read.json(f"{arguments.folder}/trips.jsonl")
    (trips.selectExpr("CAST(vendorid AS STRING) as key", "to_json(struct(*)) AS value")
     .write.format("kafka").option("kafka.bootstrap.servers", arguments.bootstrap).option("topic", topic).save())
    return {"schema": trips.schema.jsonValue(), "shown": trips._show_string(20, True, False),
            "rows": rows_as_json(trips)}


def read(spark, arguments, topic):
    from pyspark.sql.functions import col, from_json
    schema = spark.read.json(f"{arguments.folder}/trips.jsonl").schema
    log = (spark.read.format("kafka").option("kafka.bootstrap.servers", arguments.bootstrap)
           .option("subscribe", topic).option("startingOffsets", "earliest").load())
    out = f"{arguments.folder}/{arguments.name}-{topic}"
    (log.select(from_json(col("value").cast("string"), schema).alias("trip"))
     .write.format("parquet").option("path", out).option("checkpointLocation", out + "-checkpoint").save())
    trips = spark.read.parquet(out)
    records = log.select(col("key").cast("string"), col("value").cast("string"), "partition", "offset",
                         "timestampType").collect()
    # A part's name holds its task's number and an id of the write. Spark has a task for each partition of the topic, and
    # its first task writes a part even without rows; hidden files (checksums) are the file system's of one engine.
    names = sorted(name for name in os.listdir(out) if not name.startswith(".") and has_rows(os.path.join(out, name)))
    return {"log schema": log.schema.jsonValue(), "records": sorted(list(record) for record in records),
            "schema": trips.schema.jsonValue(), "rows": rows_as_json(trips),
            "files": [re.sub(r"^part-\d{5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-", "part-N-ID-", name)
                      for name in names]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["bootstrap", "folder", "name", "out"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--remote")
    parser.add_argument("--jars")
    parser.add_argument("actions", nargs="+")
    arguments = parser.parse_args()
    spark = session(arguments)
    results = {}
    for action in arguments.actions:
        verb, topic = action.split(":")
        results[action] = {"write": write, "read": read}[verb](spark, arguments, topic)
    with open(arguments.out, "w") as out:
        json.dump(results, out)
    spark.stop()


if __name__ == "__main__":
    main()
