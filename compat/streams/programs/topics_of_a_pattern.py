topics = {"meters-a": 1, "other": 1}
topics_later = {"meters-b": 2}
steps = [[("meters-a", 0, None, "a"), ("other", 0, None, "no")],
         [("meters-a", 0, None, "a again"), ("meters-b", 1, None, "b"), ("other", 0, None, "no")]]


def stream(spark, kafka, folder):
    return kafka(subscribePattern="PREFIXmeters-.*").selectExpr("topic", "cast(value as string) as value")
