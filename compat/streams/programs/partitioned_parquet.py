topics = {"in": 2}
steps = [[("in", n % 2, None, f'{{"vendorid": "{n % 3}", "fare": "{n}.5"}}') for n in range(9)],
         [("in", 0, None, '{"fare": "1"}'), ("in", 1, None, '{"vendorid": "a/b", "fare": "2"}')]]
sink = {"partition_by": ["vendorid"]}


def stream(spark, kafka, folder):
    trips = kafka().selectExpr("from_json(cast(value as string), 'vendorid string, fare string') as trip")
    return trips.selectExpr("cast(trip.fare as double) as fare", "trip.vendorid")
