topics = {"in": 1}
steps = [[("in", 0, f"k{n}", value) for n, value in enumerate(("plain", "a,b", 'say "x"', "", " padded ", None))]]
sink = {"format": "csv", "options": {"header": "true"}}


def stream(spark, kafka, folder):
    return kafka().selectExpr("cast(key as string) as key", "cast(value as string) as value", "offset * 1.5 as n")
