topics = {"in": 1}
steps = [[("in", 0, None, text) for text in
          ('{"a": 1, "b": "x"}', "{bad", "", '[{"a": 1}]', '{"a": "no number", "b": "y"}', '{"b": {"c": 1}, "a": 2.5}',
           "null", "7", '{"a": 1, "a": 2}', '{"A": 3}', "{'a': 4}", '{"a": 1} tail', '{"b": "\\u00e9\\n", "a": null}')]
         + [("in", 0, None, None)]]


def stream(spark, kafka, folder):
    read = kafka().selectExpr("offset", "from_json(cast(value as string), 'a int, b string') as r")
    return read.selectExpr("offset", "r is null as missing", "r.a", "r.b")
