topics = {"in": 3}
steps = [[("in", n % 3, None, str(n)) for n in range(12)], [("in", 1, None, "12")]]


def stream(spark, kafka, folder):
    return kafka(startingOffsets='{"PREFIXin": {"0": 1, "1": -1, "2": -2}}').selectExpr(
        "partition", "offset", "cast(cast(value as string) as int) as n")
