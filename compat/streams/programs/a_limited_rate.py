topics = {"in": 3}
steps = [[("in", n % 3 if n < 15 else 0, None, str(n)) for n in range(40)], [("in", 2, None, "40")]]


def stream(spark, kafka, folder):
    return kafka(maxOffsetsPerTrigger="7").selectExpr("partition", "offset", "cast(cast(value as string) as int) as n")
