"""Appends the tweets of a topic to parquet every two seconds, and asks the result in SQL.

    python tweets.py <bootstrap servers> <topic> <folder> [seconds to run]

Courses have this as a program of DStreams, which Spark has given up: their Kafka source went with Spark 3. This is the
same as Structured Streaming. The job of two-second batches is a trigger of two seconds; what group `test1` had read is
in the checkpoint, so a restart goes on where the last run stopped and writes nothing twice. Ends with Ctrl-C, or after
the seconds it is told.
"""

import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

SCHEMA = ("id BIGINT, createdAt BIGINT, text STRING, lang STRING, retweetCount INT, "
          "user STRUCT<name: STRING, friendsCount: INT, followersCount: INT>")


def main(brokers, topic, folder, seconds):
    spark = SparkSession.builder.appName("tweets").getOrCreate()
    query = spark.readStream.format("kafka") \
        .option("kafka.bootstrap.servers", brokers) \
        .option("subscribe", topic) \
        .option("startingOffsets", "earliest") \
        .load() \
        .select(from_json(col("value").cast("string"), SCHEMA).alias("tweet")) \
        .select("tweet.id", "tweet.createdAt", "tweet.lang", "tweet.retweetCount",
                "tweet.user.name", "tweet.user.friendsCount", "tweet.user.followersCount") \
        .writeStream.format("parquet") \
        .option("path", f"{folder}/tweets") \
        .option("checkpointLocation", f"{folder}/tweets-checkpoint") \
        .trigger(processingTime="2 seconds") \
        .start()
    try:
        watch(spark, query, f"{folder}/tweets", time.time() + seconds)
    except KeyboardInterrupt:
        pass
    query.stop()
    spark.read.parquet(f"{folder}/tweets").createOrReplaceTempView("TweetInfo")
    spark.sql("select * from TweetInfo limit 10").show()
    print(f"{spark.table('TweetInfo').count()} tweets")
    spark.stop()


def watch(spark, query, path, end):
    """Shows five tweets after each batch that had any, and sees to it that none is left over."""
    shown, is_last = -1, False
    while not is_last:
        is_last = time.time() >= end
        if is_last:
            query.processAllAvailable()
        for progress in query.recentProgress:
            rows = progress["sources"][0]["numInputRows"]
            if rows and progress["batchId"] > shown:
                shown = progress["batchId"]
                print(f"batch {shown}: {rows} tweets", flush=True)
                spark.read.parquet(path).show(5)
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]) if len(sys.argv) > 4 else float("inf"))
