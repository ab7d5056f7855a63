topics = {"in": 1, "even": 2, "odd": 2}
steps = [[("in", 0, str(n), f"v{n}") for n in range(8)]]
sink = {"format": "kafka", "read": "even,odd"}


def stream(spark, kafka, folder):
    return kafka().selectExpr("concat('PREFIX', if(cast(cast(key as string) as int) % 2 = 0, 'even', 'odd')) as topic",
                              "key", "value", "cast(offset % 2 as int) as partition")
