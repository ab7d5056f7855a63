topics = {"in": 2}
steps = [[("in", n % 2, None, str(n)) for n in range(50)]]


def stream(spark, kafka, folder):
    return kafka(minPartitions="5", maxRecordsPerPartition="4").selectExpr("partition", "offset",
                                                                           "cast(cast(value as string) as int) as n")
