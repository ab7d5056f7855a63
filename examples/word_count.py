"""Counts the words that arrive in each two seconds.

    python word_count.py <bootstrap servers> <topic> [seconds to run]

Courses have this as a program of DStreams (`KafkaUtils.createStream`, `reduceByKey`), which Spark has given up: their
Kafka source went with Spark 3. This is the same as Structured Streaming. What was a batch of two seconds is a window of
two seconds by the records' own timestamps, so the same records give the same counts whenever they are read. Ends with
Ctrl-C, or after the seconds it is told.
"""

import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import explode, split, window

WINDOW_SECONDS = 2


def main(brokers, topic, seconds):
    spark = SparkSession.builder.appName("word count").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    lines = spark.readStream.format("kafka") \
        .option("kafka.bootstrap.servers", brokers) \
        .option("subscribe", topic) \
        .load()
    words = lines.select(lines["timestamp"], explode(split(lines["value"].cast("string"), " ")).alias("word"))
    counts = words.groupBy(window("timestamp", f"{WINDOW_SECONDS} seconds"), "word").count()
    query = counts.writeStream.format("memory").queryName("counts").outputMode("complete").start()
    query.processAllAvailable()  # from here on every record counts
    print("counting", flush=True)
    end = time.time() + seconds
    printed = set()
    try:
        while time.time() < end:
            time.sleep(WINDOW_SECONDS - time.time() % WINDOW_SECONDS)
            boundary = int(time.time())
            query.processAllAvailable()
            print_windows(spark, boundary, printed)
    except KeyboardInterrupt:
        pass
    query.stop()
    spark.stop()


def print_windows(spark, boundary, printed):
    """Prints each window that has ended and was not printed yet."""
    rows = spark.sql("SELECT unix_seconds(window.end) AS end, word, count FROM counts ORDER BY 1, 3 DESC, 2").collect()
    ended = sorted({row["end"] for row in rows if row["end"] <= boundary} - printed)
    for end in ended:
        print("-------------------------------------------")
        print(f"Time: {end * 1000} ms")
        print("-------------------------------------------")
        for row in rows:
            if row["end"] == end:
                print(f"({row['word']},{row['count']})")
        print(flush=True)
    printed.update(ended)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else float("inf"))
