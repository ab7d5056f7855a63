topics = {"in": 3, "out": 2}
steps = [[("in", n % 3, f"k{n}", f"value {n}") for n in range(12)], [("in", 1, "late", "another")]]
sink = {"format": "kafka", "topic": "out"}


def stream(spark, kafka, folder):
    return kafka().where("cast(key as string) != 'k3'").selectExpr("key", "upper(cast(value as string)) as value")
