steps = [[("one.json", '{"id": 1, "name": "a"}\n{"id": 2}\n'), ("two.json", '{"id": 3, "name": "c", "more": true}\n')],
         [("three.json", '{"id": 4, "name": "d"}\n')]]


def stream(spark, kafka, folder):
    return spark.readStream.schema("id bigint, name string").json(folder).where("id % 5 != 3")
