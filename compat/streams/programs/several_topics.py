topics = {"one": 2, "two": 1}
steps = [[("one", n % 2, None, f"one {n}") for n in range(4)] + [("two", 0, None, "two")], [("two", 0, None, "more")]]


def stream(spark, kafka, folder):
    return kafka("one,two").selectExpr("topic", "partition", "offset", "cast(value as string) as value")
