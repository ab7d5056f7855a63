topics = {"in": 1}
BASE = 1_700_000_000_000
steps = [[("in", 0, key, "x", BASE + seconds * 1000) for key, seconds in
          (("a", 0), ("a", 5), ("b", 7), ("a", 12), ("b", 31))],
         [("in", 0, "a", "late", BASE + 1000), ("in", 0, "a", "x", BASE + 65_000)]]


def stream(spark, kafka, folder):
    from pyspark.sql.functions import count, lit, window
    rows = kafka().selectExpr("cast(key as string) as key", "timestamp").withWatermark("timestamp", "10 seconds")
    counts = rows.groupBy(window("timestamp", "10 seconds"), "key").agg(count(lit(1)).alias("n"))
    return counts.selectExpr("window.start", "window.end", "key", "n")
