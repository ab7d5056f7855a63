topics = {"in": 2}
steps = [[("in", n % 2, f"k{n % 4}", f"v{n % 4}") for n in range(12)], [("in", 0, "k1", "v1"), ("in", 0, "k9", "v9")]]


def stream(spark, kafka, folder):
    return kafka().selectExpr("cast(key as string) as key", "cast(value as string) as value") \
        .dropDuplicates(["key"])
