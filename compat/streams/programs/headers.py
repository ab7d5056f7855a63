topics = {"in": 1, "out": 1}
steps = [[("in", 0, "a", "1", None, [("source", b"meter"), ("source", b"again"), ("none", None)]),
          ("in", 0, "b", "2")]]
sink = {"format": "kafka", "topic": "out", "options": {"includeHeaders": "true"}}


def stream(spark, kafka, folder):
    return kafka(includeHeaders="true").select("key", "value", "headers")
