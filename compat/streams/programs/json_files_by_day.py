topics = {"in": 1}
steps = [[("in", 0, f"k{n}", f"v{n}", 1_700_000_000_000 + n * 40_000_000) for n in range(6)]]
sink = {"format": "json", "partition_by": ["day"]}


def stream(spark, kafka, folder):
    return kafka().selectExpr("cast(key as string) as key", "cast(value as string) as value", "timestamp",
                              "to_date(timestamp) as day")
