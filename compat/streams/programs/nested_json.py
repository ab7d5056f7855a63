topics = {"in": 1}
steps = [[("in", 0, None, text) for text in
          ('{"user": {"name": "a", "friends": 3}, "tags": ["x", "y"], "counts": {"k": 1, "l": 2}}',
           '{"user": {"name": "b"}, "tags": [], "counts": {}}', '{"user": null, "tags": null}',
           '{"user": {"name": "c", "friends": "many"}, "tags": ["z", 1, null]}')]]
SCHEMA = "user struct<name string, friends int>, tags array<string>, counts map<string, int>"


def stream(spark, kafka, folder):
    read = kafka().selectExpr("offset", f"from_json(cast(value as string), '{SCHEMA}') as r")
    return read.selectExpr("offset", "r.user.name", "r.user.friends", "size(r.tags) as tags", "try_element_at(r.tags, 1) as first",
                           "r.counts['k'] as k", "explode_outer(r.tags) as tag")
