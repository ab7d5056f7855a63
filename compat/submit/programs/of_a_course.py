"""A program as courses have them: it finds Spark, names a master, quietens a log, and then does its work."""

import findspark
findspark.init()

from pyspark import SparkConf, SparkContext  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

conf = SparkConf().setAppName("course").setMaster("local[2]")
sc = SparkContext(conf=conf)
spark = SparkSession(sc)
for _ in range(2):
    spark = SparkSession.builder.master("local[*]").config("spark.driver.memory", "2g").getOrCreate()
spark = SparkSession.builder.config(conf=conf).getOrCreate()
spark.sparkContext.setLogLevel("WARN")
log4j = spark.sparkContext._jvm.org.apache.log4j
log4j.LogManager.getLogger("org").setLevel(log4j.Level.ERROR)
print("rows", spark.range(3).count(), spark.sparkContext.version == spark.version)
try:
    spark.sparkContext.parallelize([1])
except AttributeError as error:
    print("refused", "data frames" in str(error))
try:
    from pyspark.streaming import StreamingContext  # noqa: F401
except ImportError as error:
    print("refused", "Structured Streaming" in str(error))
sc.stop()
