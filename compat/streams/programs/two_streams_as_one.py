topics = {"left": 1, "right": 2}
steps = [[("left", 0, None, "l"), ("right", 1, None, "r")], [("right", 0, None, "r2")]]


def stream(spark, kafka, folder):
    value = "cast(value as string) as value"
    return kafka("left").selectExpr("'left' as side", value).union(kafka("right").selectExpr("'right' as side", value))
