topics = {"in": 1}
steps = [[("in", 0, None, "1"), ("in", 0, None, "2")], [("in", 0, None, "three")]]


def stream(spark, kafka, folder):
    return kafka().selectExpr("cast(cast(value as string) as int) as n")
