"""Taxi trips through a topic into parquet, as a batch and as a stream.

    python trips.py <bootstrap servers> <trips.jsonl> <folder> [seconds to wait]

Which engine runs it is PySpark's own business (`SPARK_REMOTE`, `spark-submit`): nothing here knows.
"""

import json
import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import from_json
from pyspark.sql.types import StringType, StructField, StructType

FIELDS = ["vendorid", "lpep_pickup_datetime", "lpep_dropoff_datetime", "store_and_fwd_flag", "ratecodeid",
          "pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "passenger_count",
          "trip_distance", "fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "payment_type",
          "total_amount"]
TOPIC = os.environ.get("TOPIC", "tripdata")


def main(brokers, trips, folder, seconds):
    spark = SparkSession.builder.appName("trips").getOrCreate()
    schema = StructType([StructField(name, StringType(), True) for name in FIELDS])

    with open(trips) as lines:
        records = [json.loads(line) for line in lines]
    taxiDF = spark.createDataFrame([tuple(record.get(name) for name in FIELDS) for record in records], schema)
    taxiDF.show()

    taxiDF.selectExpr("CAST(vendorid AS STRING) as key", "to_json(struct(*)) AS value") \
        .write.format("kafka") \
        .option("kafka.bootstrap.servers", brokers) \
        .option("topic", TOPIC) \
        .save()

    kafkaDF = spark.read.format("kafka") \
        .option("kafka.bootstrap.servers", brokers) \
        .option("subscribe", TOPIC) \
        .option("startingOffsets", "earliest") \
        .load()
    kafkaDF.select(from_json(kafkaDF["value"].cast("string"), schema).alias("trip")) \
        .write.format("parquet") \
        .option("path", f"{folder}/batchtripdata") \
        .option("checkpointLocation", f"{folder}/batchcheckpoint") \
        .save()
    print("batch:", *listing(f"{folder}/batchtripdata"))

    for run in ("first", "second"):
        streamingDF = spark.readStream.format("kafka") \
            .option("kafka.bootstrap.servers", brokers) \
            .option("subscribe", TOPIC) \
            .option("startingOffsets", "earliest") \
            .load()
        query = streamingDF.select(from_json(streamingDF["value"].cast("string"), schema).alias("trip")) \
            .writeStream.format("parquet") \
            .option("path", f"{folder}/streamingtripdata") \
            .option("checkpointLocation", f"{folder}/streamcheckpoint") \
            .start()
        query.awaitTermination(seconds)
        query.stop()
        print(f"{run} run:", *listing(f"{folder}/streamingtripdata"))

    for name in ("batchtripdata", "streamingtripdata"):
        rows = spark.read.parquet(f"{folder}/{name}")
        print(f"{name}: {rows.count()} rows, {rows.select('trip.*').distinct().count()} trips")
    spark.stop()


def listing(folder):
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 30)
