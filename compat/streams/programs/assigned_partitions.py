topics = {"in": 4}
steps = [[("in", n % 4, None, str(n)) for n in range(12)]]


def stream(spark, kafka, folder):
    return kafka(assign='{"PREFIXin": [1, 3]}').selectExpr("partition", "cast(cast(value as string) as int) as n")
