topics = {"in": 1}
steps = [[("in", 0, "a", "1"), ("in", 0, "a", None), ("in", 0, None, "2"), ("in", 0, None, None), ("in", 0, "", "")]]


def stream(spark, kafka, folder):
    return kafka().selectExpr("cast(key as string) as key", "cast(value as string) as value", "value is null as gone",
                              "length(value) as bytes")
