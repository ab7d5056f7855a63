"""Counts in whatever server it is given; prints, as JSON, what it was run with."""

import json
import os
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("count").getOrCreate()
print(json.dumps({"count": spark.range(7).count(), "arguments": sys.argv[1:], "remote": os.environ["SPARK_REMOTE"],
                  "kafka": os.environ.get("FLEUVE_BOOTSTRAP_SERVER"),
                  "partitions": spark.conf.get("spark.sql.shuffle.partitions")}))
spark.stop()
