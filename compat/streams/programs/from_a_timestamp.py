topics = {"in": 2}
steps = [[("in", n % 2, None, str(n), 1_700_000_000_000 + n * 1000) for n in range(10)]]


def stream(spark, kafka, folder):
    return kafka(startingTimestamp="1700000005000").selectExpr("cast(cast(value as string) as int) as n", "timestamp", "timestampType")
