topics = {"in": 2}
steps = [[("in", n % 2, f"k{n}", f"v{n}") for n in range(6)]]
sink = {"format": "text"}


def stream(spark, kafka, folder):
    return kafka().selectExpr("concat_ws(':', cast(key as string), cast(value as string)) as value")
