topics = {"in": 1}
steps = [[("in", 0, None, f'{{"fare": "{fare}", "tip": {tip}}}') for fare, tip in
          (("21.25", "1.5"), ("74.5", "0"), ("-3", "2e1"), ("0.005", "0.1"))]]


def stream(spark, kafka, folder):
    trip = kafka().selectExpr("from_json(cast(value as string), 'fare string, tip double') as t")
    return trip.selectExpr("cast(t.fare as decimal(10,2)) as fare", "t.tip", "round(t.tip * 3, 1) as triple",
                           "cast(t.fare as decimal(10,2)) * 2 as twice",
                           "cast(cast(t.fare as decimal(10,2)) + cast(t.tip as decimal(8,3)) as string) as total")
